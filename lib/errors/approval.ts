import type { ErrorEntry } from "../errors.js";

/** Asking people and what they may answer: request-approval and the approval desk. */
export const approvalErrors = {
  "CS-2101": { kind: "user", retryable: false, summary: "there is no approval behind this link" },
  "CS-2102": {
    kind: "user",
    retryable: true,
    summary: "a code is eight letters and digits; this is none, so it did not count as a try",
  },
  "CS-2103": { kind: "user", retryable: true, summary: "the code is wrong" },
  "CS-2104": { kind: "user", retryable: false, summary: "five wrong codes locked this link" },
  "CS-2105": {
    kind: "user",
    retryable: false,
    summary: "the time to decide is over: expired, which is neither approved nor rejected by anyone",
  },
  "CS-2106": { kind: "user", retryable: false, summary: "it is decided already: the first decision counts" },
  "CS-2107": { kind: "user", retryable: false, summary: "this person has decided already" },
  "CS-2108": { kind: "user", retryable: true, summary: "a rejection needs a comment" },
  "CS-2109": { kind: "user", retryable: true, summary: "what was typed to confirm is not what the page asks for" },
  "CS-2110": {
    kind: "user",
    retryable: true,
    summary: "the workflow is stopped: nothing can be approved until it is resumed",
  },
  "CS-2111": { kind: "user", retryable: false, summary: "who asked for a run cannot approve in it" },
  "CS-2112": {
    kind: "system",
    retryable: false,
    summary: "the stored request does not match its hash: it was changed after the gate wrote it",
  },
  "CS-2113": { kind: "user", retryable: true, summary: "the form is not what the page sends" },
  "CS-2114": { kind: "user", retryable: false, summary: "nobody may decide: the only approver asked for the run" },
  "CS-2115": { kind: "system", retryable: true, summary: "too few approvers could be mailed" },
  "CS-2116": {
    kind: "system",
    retryable: true,
    summary: "the approval desk failed; nothing was decided unless the page says so",
  },
  "CS-2117": { kind: "user", retryable: true, summary: "the codes of this link have expired: a fresh one can be sent" },
} satisfies Record<string, ErrorEntry>;
export type ApprovalErrorCode = keyof typeof approvalErrors;
