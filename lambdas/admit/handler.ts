/** The front door, from the environment. */
import defined, { toolSchemaHashes } from "@countersign/contract";
import { ulid } from "ulid";
import { dynamoBudgets } from "../../lib/aws/budgets.js";
import { dynamoClient, s3Client, sfnClient } from "../../lib/aws/clients.js";
import { s3ContextStore } from "../../lib/aws/context-store.js";
import { dynamoControl } from "../../lib/aws/control.js";
import { admitEnv, readEnv } from "../../lib/aws/env.js";
import { sfnExecutions } from "../../lib/aws/executions.js";
import { dynamoRunLog } from "../../lib/aws/run-log.js";
import { s3Vault } from "../../lib/aws/vault.js";
import { bundledContract, deployedHashes } from "../shared/contract.js";
import { createHandler } from "./serve.js";

const env = readEnv(admitEnv);
const contract = bundledContract(defined, env.WORKFLOW);
const client = dynamoClient();

export const handler = createHandler({
  contract,
  stage: env.STAGE,
  hashes: deployedHashes(toolSchemaHashes, env),
  log: dynamoRunLog({ client, table: env.RUN_LOG_TABLE }),
  vault: s3Vault({ client: s3Client(), bucket: env.VAULT_BUCKET }),
  control: dynamoControl({ client, table: env.CONTROL_TABLE }),
  contexts: s3ContextStore({ client: s3Client(), bucket: env.CONTEXT_BUCKET }),
  budgets: dynamoBudgets({ client, table: env.BUDGETS_TABLE }, env.WORKFLOW),
  executions: sfnExecutions(sfnClient(), env.STATE_MACHINE_ARN),
  nowMs: () => Date.now(),
  newSuffix: (nowMs) => ulid(nowMs),
});
