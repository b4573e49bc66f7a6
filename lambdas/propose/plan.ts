/** Proposer of workflows with a fixed plan. */
import defined from "@countersign/contract";
import { s3Client } from "../../lib/aws/clients.js";
import { s3ContextStore } from "../../lib/aws/context-store.js";
import { proposeEnv, readEnv } from "../../lib/aws/env.js";
import { agentOfKind, bundledContract } from "../shared/contract.js";
import { createHandler } from "./shell.js";
import { planAgent } from "./steps.js";

const env = readEnv(proposeEnv);
const contract = bundledContract(defined, env.WORKFLOW);

export const handler = createHandler({
  workflow: env.WORKFLOW,
  contexts: s3ContextStore({ client: s3Client(), bucket: env.CONTEXT_BUCKET }),
  agent: planAgent(contract, agentOfKind(contract, "plan")),
  nowMs: () => Date.now(),
});
