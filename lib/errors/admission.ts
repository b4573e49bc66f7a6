import type { ErrorEntry } from "../errors.js";

/** The HTTP side of the front door; what it decides about a run is in run.ts. */
export const admissionErrors = {
  "CS-3008": {
    kind: "user",
    retryable: false,
    summary: "a run was asked for without a signature, so nobody knows by whom",
  },
  "CS-3009": { kind: "user", retryable: false, summary: "the body of a run request is not what it must be" },
  "CS-3011": { kind: "user", retryable: false, summary: "a request id was used before, for another input" },
  "CS-3015": {
    kind: "system",
    retryable: true,
    summary: "the front door failed; the same request with its request_id may be sent again",
  },
} satisfies Record<string, ErrorEntry>;
