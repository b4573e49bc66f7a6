/** Entry point of `npx cdk`: loads the workflows, builds the stacks. What a team can get wrong is told without a stack trace. */
import { join } from "node:path";
import { createApp } from "../lib/constructs/app.js";
import { loadWorkflows } from "../lib/constructs/load.js";
import { CountersignError } from "../lib/errors.js";

try {
  const workflows = await loadWorkflows(join(import.meta.dirname, "../workflows"));
  const app = await createApp({ workflows });
  app.synth();
} catch (error) {
  if (!(error instanceof CountersignError)) throw error;
  process.stderr.write(`${error}\n`);
  process.exitCode = 1;
}
