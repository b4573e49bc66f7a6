/** The gate, from the environment. */
import defined, { toolSchemaHashes } from "@countersign/contract";
import { dynamoApprovals } from "../../lib/aws/approvals.js";
import { verifiedPermissions } from "../../lib/aws/authorizer.js";
import { dynamoBudgets } from "../../lib/aws/budgets.js";
import { s3CallStore } from "../../lib/aws/call-store.js";
import { authorizerClient, dynamoClient, lambdaClient, s3Client } from "../../lib/aws/clients.js";
import { s3ContextStore } from "../../lib/aws/context-store.js";
import { dynamoControl } from "../../lib/aws/control.js";
import { dynamoEffects } from "../../lib/aws/effects.js";
import { decideEnv, readEnv } from "../../lib/aws/env.js";
import { lambdaPreviews } from "../../lib/aws/previews.js";
import { dynamoRunLog } from "../../lib/aws/run-log.js";
import { s3Vault } from "../../lib/aws/vault.js";
import { s3ViewStore } from "../../lib/aws/view-store.js";
import { bundledContract, deployedHashes } from "../shared/contract.js";
import { createHandler } from "./serve.js";

const env = readEnv(decideEnv);
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
  views: s3ViewStore({ client: s3Client(), bucket: env.CONTEXT_BUCKET }),
  calls: s3CallStore({ client: s3Client(), bucket: env.CONTEXT_BUCKET }),
  effects: dynamoEffects({ client, table: env.EFFECTS_TABLE }),
  approvals: dynamoApprovals({ client, table: env.APPROVALS_TABLE }),
  budgets: dynamoBudgets({ client, table: env.BUDGETS_TABLE }, env.WORKFLOW),
  previews: lambdaPreviews(lambdaClient(), env.PREVIEW_FUNCTION_PREFIX),
  authorizer: verifiedPermissions(authorizerClient(), env.POLICY_STORE_ID),
  nowMs: () => Date.now(),
});
