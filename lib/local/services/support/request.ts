/** How every engine reads a request: JSON through zod, with members that are not modelled refused instead of ignored. */
import * as z from "zod";
import { isDeeper } from "../../../run/json.js";
import { AwsFault } from "../../types.js";
import { describeIssue } from "./properties.js";

/** The answer to an operation that is not modelled. Status 400, so that no SDK retries it. */
export function unknownOperation(service: string, operation: string, modelled: readonly string[]): AwsFault {
  return new AwsFault(
    "NotImplemented",
    `CS-4035 ${service}: operation ${operation} is not modelled by the embedded cloud; modelled: ${modelled.join(", ")}; run this part on AWS`,
    400,
  );
}

/** The answer to a member or header that would change what a modelled operation does. */
export function unknownMember(service: string, what: string, hint = "leave it out or run this part on AWS"): AwsFault {
  return new AwsFault(
    "NotImplemented",
    `CS-4036 ${service}: ${what} is not modelled by the embedded cloud; ${hint}`,
    400,
  );
}

/** No modelled service takes a value as deep as this; far above, schemas end with the stack. */
const MAX_BODY_DEPTH = 500;

/** JSON of a request body; an empty body is `{}`, as AWS reads it. */
export function parseJsonBody(body: Buffer): unknown {
  if (body.length === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(body.toString("utf8"));
  } catch (cause) {
    throw new AwsFault("SerializationException", `request body is no JSON: ${String(cause)}`, 400);
  }
  if (body.length > 2 * MAX_BODY_DEPTH && isDeeper(value, MAX_BODY_DEPTH))
    throw new AwsFault("SerializationException", `request body is nested deeper than ${MAX_BODY_DEPTH} levels`, 400);
  return value;
}

/**
 * A request body, parsed strictly.
 * @param invalid the service's own error code for a bad request, e.g. `ValidationException`
 * @throws AwsFault CS-4036 for members the engine does not know, `invalid` for everything else
 */
export function parseRequest<T extends z.ZodType>(
  service: string,
  body: Buffer,
  schema: T,
  invalid = "ValidationException",
): z.output<T> {
  const parsed = schema.safeParse(parseJsonBody(body));
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues;
  const unknown = issues.filter((issue) => issue.code === "unrecognized_keys");
  if (unknown.length > 0) throw unknownMember(service, unknown.map((issue) => memberNames(issue)).join(", "));
  throw new AwsFault(invalid, issues.map((issue) => describeIssue(issue)).join("; "), 400);
}

function memberNames(issue: z.core.$ZodIssueUnrecognizedKeys): string {
  return issue.keys.map((key) => `member ${[...issue.path, key].map(String).join(".")}`).join(", ");
}

/** base64 text to bytes; zod's own check keeps other text out. */
export const base64Bytes = z.base64().transform((text) => Buffer.from(text, "base64"));

/** Epoch seconds with fractions, the JSON protocols' timestamp. */
export function epochSeconds(epochMs: number): number {
  return epochMs / 1000;
}
