import * as z from "zod";

/** A function's error answer; further members are allowed, as on AWS. */
export const ErrorShape = z.looseObject({
  errorType: z.string().default("Error"),
  errorMessage: z.string().default(""),
});
/** How one invocation ended: the function's JSON answer, or its error as JSON. */
export type Outcome =
  | { readonly ok: true; readonly json: string }
  | { readonly ok: false; readonly errorType: string; readonly errorMessage: string; readonly json: string };

/** What the function itself answered as its error. Text that is no such answer becomes its message. */
export function functionFailed(json: string): Outcome {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return runtimeFailed("Runtime.Unknown", json.slice(0, 1000));
  }
  const shape = ErrorShape.safeParse(value);
  if (!shape.success) return runtimeFailed("Runtime.Unknown", json.slice(0, 1000));
  return { ok: false, errorType: shape.data.errorType, errorMessage: shape.data.errorMessage, json };
}

/** What Lambda answers for a function that could not: timed out, exited, too large an answer. */
export function runtimeFailed(errorType: string, errorMessage: string): Outcome {
  return { ok: false, errorType, errorMessage, json: JSON.stringify({ errorType, errorMessage }) };
}
