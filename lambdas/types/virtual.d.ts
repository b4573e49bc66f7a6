/** Modules that the bundler fills in per workflow and function (esbuild aliases set in lib/constructs). */
declare module "@countersign/contract" {
  /** the workflow's `contract.ts`: what `defineWorkflow` returned */
  const defined: unknown;
  export default defined;
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
