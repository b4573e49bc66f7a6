import { CountersignError } from "../../errors.js";

/** One place in a template that the embedded cloud cannot follow. */
export interface Problem {
  readonly stack: string;
  readonly logicalId: string;
  /** where inside the resource, e.g. `Properties.Environment.Variables.KEY` */
  readonly path: string;
  readonly problem: string;
}

/** One error for all of them, so that a template is put right in one go. */
export function unsupported(problems: readonly Problem[]): CountersignError {
  const lines = problems.map(({ stack, logicalId, path, problem }) => `  ${stack}/${logicalId} ${path}: ${problem}`);
  return new CountersignError(
    "CS-1210",
    `the synthesised templates use ${problems.length} thing(s) the embedded cloud does not model; change them or deploy to AWS:\n${lines.join("\n")}`,
    { problems },
  );
}
