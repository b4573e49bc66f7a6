import type { ErrorEntry } from "../errors.js";

export const sandboxErrors = {
  "CS-4050": {
    kind: "user",
    retryable: false,
    summary: "a workflow's sandbox does not start: its module or its seed is wrong",
  },
} satisfies Record<string, ErrorEntry>;
