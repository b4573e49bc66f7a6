/** The HTTP request of the front door. Who asks is who signed, whatever the body says. */
import * as z from "zod";
import { CountersignError } from "../../lib/errors.js";
import { readJson } from "../../lib/run/json.js";
import { admitRequest } from "../../lib/run/protocol.js";

const MAX_BODY_BYTES = 256 * 1024;

const httpEvent = z.object({
  body: z.string().default(""),
  isBase64Encoded: z.boolean().default(false),
  requestContext: z.object({ authorizer: z.object({ iam: z.object({ userArn: z.string().min(1) }) }) }),
});

export interface RunRequest {
  /** ARN of the signed caller */
  readonly requester: string;
  readonly body: z.output<typeof admitRequest>;
}

/** @throws CountersignError CS-3008 without a signed caller, CS-3009 for a body of another form */
export function readRequest(event: unknown): RunRequest {
  const http = httpEvent.safeParse(event);
  if (!http.success)
    throw new CountersignError("CS-3008", "run request: it is not signed; sign it with AWS Signature Version 4");
  const { body, isBase64Encoded, requestContext } = http.data;
  const read = readJson(isBase64Encoded ? Buffer.from(body, "base64") : body, MAX_BODY_BYTES);
  if (!read.ok) throw malformed(read.why);
  const parsed = admitRequest.safeParse(read.value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw malformed(`${issue?.path.join(".") || "the body"} ${issue?.message ?? "is wrong"}`);
  }
  return { requester: requestContext.authorizer.iam.userArn, body: parsed.data };
}

function malformed(why: string): CountersignError {
  return new CountersignError(
    "CS-3009",
    `run request: ${why}; send {"input": {…}, "tenant"?: "…", "request_id"?: "…"}`,
  );
}
