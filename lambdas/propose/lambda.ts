/** Proposer of workflows with an agent of the team's own. */
import defined from "@countersign/contract";
import { s3Client, secretsClient } from "../../lib/aws/clients.js";
import { s3ContextStore } from "../../lib/aws/context-store.js";
import { proposeLambdaEnv, readEnv } from "../../lib/aws/env.js";
import { awsSecrets } from "../../lib/aws/secrets.js";
import { guardEgress } from "../../lib/tool/guard.js";
import { parseLocalHosts } from "../../lib/tool/hosts.js";
import { teamFunction } from "../../lib/tool/team.js";
import { agentOfKind, bundledContract } from "../shared/contract.js";
import { createHandler } from "./shell.js";
import { teamAgent } from "./team.js";

const env = readEnv(proposeLambdaEnv);
const contract = bundledContract(defined, env.WORKFLOW);
const agent = agentOfKind(contract, "lambda");
const local = parseLocalHosts(env.COUNTERSIGN_LOCAL_HOSTS);
const nowMs = () => Date.now();
guardEgress({ name: "agent", hosts: agent.hosts }, local, ["s3", "secretsmanager"]);
// Loaded once the guard stands, so that nothing of the team's code runs without it.
const team = await import("@countersign/agent");

export const handler = createHandler({
  workflow: env.WORKFLOW,
  contexts: s3ContextStore({ client: s3Client(), bucket: env.CONTEXT_BUCKET }),
  agent: teamAgent({
    contract,
    agent,
    propose: teamFunction(team, "propose", agent.handler),
    secret: awsSecrets(secretsClient(), env.SECRET_PREFIX, nowMs).read,
    local,
  }),
  nowMs,
});
