import type { ErrorEntry } from "../errors.js";

/** The embedded cloud: its processes, its port, its wire. */
export const localErrors = {
  "CS-4001": {
    kind: "user",
    retryable: true,
    summary: "the port is taken by another process: stop that, or start with `npm start -- --port <other>`",
  },
  "CS-4002": { kind: "system", retryable: true, summary: "the loopback server could not be opened" },
  "CS-4003": {
    kind: "user",
    retryable: false,
    summary: "the templates have no role with this ARN, so there are no credentials for it",
  },
  "CS-4004": { kind: "user", retryable: false, summary: "there is no stack with this name in the embedded cloud" },
  "CS-4010": {
    kind: "user",
    retryable: false,
    summary: "a function's handler file is not in its asset, or its runtime is not Node.js",
  },
  "CS-4011": { kind: "user", retryable: false, summary: "a resource names a function that does not exist" },
  "CS-4013": {
    kind: "user",
    retryable: false,
    summary: "the role's trust policy does not let the service that needs it assume it",
  },
  "CS-4014": {
    kind: "user",
    retryable: false,
    summary: "the role of a function may not read the stream that the function is mapped to",
  },
  "CS-4012": { kind: "user", retryable: false, summary: "two resources would have the same physical name" },
} satisfies Record<string, ErrorEntry>;
