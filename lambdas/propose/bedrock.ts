/** Proposer of workflows whose agent is a model on Bedrock. */
import defined from "@countersign/contract";
import instructions from "@countersign/instructions";
import { bedrockClient, s3Client } from "../../lib/aws/clients.js";
import { s3ContextStore } from "../../lib/aws/context-store.js";
import { proposeEnv, readEnv } from "../../lib/aws/env.js";
import { agentOfKind, bundledContract } from "../shared/contract.js";
import { converseAgent } from "./converse.js";
import { createHandler } from "./shell.js";

const env = readEnv(proposeEnv);
const contract = bundledContract(defined, env.WORKFLOW);

export const handler = createHandler({
  workflow: env.WORKFLOW,
  contexts: s3ContextStore({ client: s3Client(), bucket: env.CONTEXT_BUCKET }),
  agent: converseAgent(bedrockClient(), contract, agentOfKind(contract, "bedrock"), instructions),
  nowMs: () => Date.now(),
});
