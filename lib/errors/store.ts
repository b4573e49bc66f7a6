import type { ErrorEntry } from "../errors.js";

/** What the ports to AWS (lib/aws) find wrong with what is stored or configured. */
export const storeErrors = {
  "CS-3401": {
    kind: "system",
    retryable: false,
    summary: "a function's environment lacks a variable or has a wrong value",
  },
  "CS-3402": { kind: "system", retryable: false, summary: "a stored row or object is not what was written there" },
  "CS-3403": {
    kind: "system",
    retryable: false,
    summary: "what was to be written down is not of its form, or is not one run's next events",
  },
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
  "CS-3410": {
    kind: "system",
    retryable: false,
    summary: "a run's new records do not continue what the notary signed: the log was changed; nothing of it is signed",
  },
  "CS-3411": {
    kind: "system",
    retryable: false,
    summary: "the archive holds something else under the name of a run's records, a checkpoint or a digest",
  },
  "CS-3412": {
    kind: "system",
    retryable: true,
    summary: "some runs could not be covered by a checkpoint; the next sweep tries again",
  },
  "CS-3413": { kind: "system", retryable: true, summary: "the signing key gave no valid signature of its own" },
  "CS-3414": {
    kind: "system",
    retryable: false,
    summary: "the log of readers, shreddings or reviews is not the chain it was: a row was changed or taken out",
  },
  "CS-3408": {
    kind: "system",
    retryable: true,
    summary: "some open runs could not be settled; the next sweep tries again",
  },
} satisfies Record<string, ErrorEntry>;
