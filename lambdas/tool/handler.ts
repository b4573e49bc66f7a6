/** One function per tool: the contract and the team's code from the bundle, the rest from the environment. */
import defined from "@countersign/contract";
import { dynamoClient, secretsClient } from "../../lib/aws/clients.js";
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
guardEgress(tool, local, ["dynamodb", "secretsmanager"]);

// Loaded once the guard stands, so that nothing of the team's code runs without it.
const team = await import("@countersign/handler");

export const handler = createHandler({
  workflow: env.WORKFLOW,
  tool,
  handle: teamFunction(team, "handle", tool.handler),
  log: dynamoRunLog({ client, table: env.RUN_LOG_TABLE }),
  control: dynamoControl({ client, table: env.CONTROL_TABLE }),
  effects: dynamoEffects({ client, table: env.EFFECTS_TABLE }),
  secret: awsSecrets(secretsClient(), env.SECRET_PREFIX, nowMs).read,
  local,
  nowMs,
});
