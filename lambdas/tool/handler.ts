/** One function per tool: the contract and the team's code from the bundle, the rest from the environment. */
import defined from "@countersign/contract";
import { s3CallStore } from "../../lib/aws/call-store.js";
import { dynamoClient, s3Client, secretsClient } from "../../lib/aws/clients.js";
import { dynamoControl } from "../../lib/aws/control.js";
import { dynamoEffects } from "../../lib/aws/effects.js";
import { readEnv, toolEnv } from "../../lib/aws/env.js";
import { dynamoRunLog } from "../../lib/aws/run-log.js";
import { awsSecrets } from "../../lib/aws/secrets.js";
import { guardEgress } from "../../lib/tool/guard.js";
import { parseLocalHosts } from "../../lib/tool/hosts.js";
import { teamFunction } from "../../lib/tool/team.js";
import { bundledContract, toolNamed } from "../shared/contract.js";
import { createHandler } from "./serve.js";

const env = readEnv(toolEnv);
const tool = toolNamed(bundledContract(defined, env.WORKFLOW), env.TOOL);
const local = parseLocalHosts(env.COUNTERSIGN_LOCAL_HOSTS);
const client = dynamoClient();
const nowMs = () => Date.now();
guardEgress(tool, local, ["dynamodb", "s3", "secretsmanager"]);

// Loaded once the guard stands, so that nothing of the team's code runs without it.
const team = await import("@countersign/handler");

export const handler = createHandler({
  workflow: env.WORKFLOW,
  tool,
  handle: teamFunction(team, "handle", tool.handler),
  log: dynamoRunLog({ client, table: env.RUN_LOG_TABLE }),
  control: dynamoControl({ client, table: env.CONTROL_TABLE }),
  effects: dynamoEffects({ client, table: env.EFFECTS_TABLE }),
  calls: s3CallStore({ client: s3Client(), bucket: env.CONTEXT_BUCKET }),
  secret: awsSecrets(secretsClient(), env.SECRET_PREFIX, nowMs).read,
  local,
  nowMs,
});
