/** Modules that the bundler fills in per workflow and function (esbuild aliases set in lib/constructs). */
declare module "@countersign/contract" {
  import type { Contract } from "../../lib/contract/model.js";

  /** the workflow's contract as the synth checked it: data, and the schemas of its `contract.ts` */
  const defined: Contract;
  export default defined;
  /** by tool name */
  export const toolSchemaHashes: Readonly<Record<string, string>>;
}
declare module "@countersign/handler" {
  /** the tool's own module: `handle` or `preview` */
  export const handle: unknown;
  export const preview: unknown;
}
declare module "@countersign/agent" {
  /** the team's own agent: `propose` */
  export const propose: unknown;
}
declare module "@countersign/instructions" {
  /** the agent's instructions, markdown */
  const text: string;
  export default text;
}
declare module "@countersign/workflows" {
  /** names of the stage's workflows */
  const workflows: readonly string[];
  export default workflows;
}
