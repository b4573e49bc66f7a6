import type { ErrorEntry } from "../errors.js";

/** What the ports to AWS (lib/aws) find wrong with what is stored or configured. */
export const storeErrors = {
  "CS-3401": {
    kind: "system",
    retryable: false,
    summary: "a function's environment lacks a variable or has a wrong value",
  },
  "CS-3402": { kind: "system", retryable: false, summary: "a stored row or object is not what was written there" },
  "CS-3403": { kind: "system", retryable: false, summary: "the events to append are not one run's next events" },
  "CS-3404": {
    kind: "system",
    retryable: false,
    summary: "the run's key is gone from the vault, so its sealed values cannot be read",
  },
  "CS-3405": { kind: "system", retryable: true, summary: "a counter was changed by too many others at the same time" },
  "CS-3407": {
    kind: "system",
    retryable: false,
    summary: "a function holds the contract of another workflow or agent",
  },
  "CS-3408": {
    kind: "system",
    retryable: true,
    summary: "some open runs could not be settled; the next sweep tries again",
  },
} satisfies Record<string, ErrorEntry>;
