/** Close-run, from the environment. */
import defined from "@countersign/contract";
import { dynamoApprovals } from "../../lib/aws/approvals.js";
import { dynamoBudgets } from "../../lib/aws/budgets.js";
import { dynamoClient, s3Client, sfnClient } from "../../lib/aws/clients.js";
import { dynamoEffects } from "../../lib/aws/effects.js";
import { closeRunEnv, readEnv } from "../../lib/aws/env.js";
import { sfnExecutions } from "../../lib/aws/executions.js";
import { dynamoRunLog } from "../../lib/aws/run-log.js";
import { s3Vault } from "../../lib/aws/vault.js";
import { bundledContract } from "../shared/contract.js";
import { createHandler } from "./serve.js";

const env = readEnv(closeRunEnv);
const client = dynamoClient();

export const handler = createHandler({
  contract: bundledContract(defined, env.WORKFLOW),
  log: dynamoRunLog({ client, table: env.RUN_LOG_TABLE }),
  vault: s3Vault({ client: s3Client(), bucket: env.VAULT_BUCKET }),
  effects: dynamoEffects({ client, table: env.EFFECTS_TABLE }),
  budgets: dynamoBudgets({ client, table: env.BUDGETS_TABLE }, env.WORKFLOW),
  approvals: dynamoApprovals({ client, table: env.APPROVALS_TABLE }),
  executions: sfnExecutions(sfnClient(), env.STATE_MACHINE_ARN),
  nowMs: () => Date.now(),
});
