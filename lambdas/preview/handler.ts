/** One function per previewed tool: the contract and the team's preview from the bundle, the rest from the environment. */
import defined from "@countersign/contract";
import { secretsClient } from "../../lib/aws/clients.js";
import { previewEnv, readEnv } from "../../lib/aws/env.js";
import { awsSecrets } from "../../lib/aws/secrets.js";
import { guardEgress } from "../../lib/tool/guard.js";
import { parseLocalHosts } from "../../lib/tool/hosts.js";
import { teamFunction } from "../../lib/tool/team.js";
import { bundledContract, toolNamed } from "../shared/contract.js";
import { createHandler } from "./serve.js";

const env = readEnv(previewEnv);
const tool = toolNamed(bundledContract(defined, env.WORKFLOW), env.TOOL);
const local = parseLocalHosts(env.COUNTERSIGN_LOCAL_HOSTS);
guardEgress(tool, local, ["secretsmanager"]);

// Loaded once the guard stands, so that nothing of the team's code runs without it.
const team = await import("@countersign/handler");

export const handler = createHandler({
  tool,
  preview: teamFunction(team, "preview", tool.preview ?? tool.handler),
  secret: awsSecrets(secretsClient(), env.SECRET_PREFIX, () => Date.now()).read,
  local,
});
