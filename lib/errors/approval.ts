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
  "CS-2104": { kind: "user", retryable: true, summary: "five wrong codes locked these codes: a fresh one can be sent" },
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
  "CS-2118": { kind: "user", retryable: true, summary: "who acts is not asked, or not yet" },
  "CS-2119": { kind: "user", retryable: false, summary: "who acts handed the decision to somebody else" },
  "CS-2120": {
    kind: "user",
    retryable: false,
    summary:
      "a mailed code is too weak: the contract or the number of people wants a sign-in, Slack or an AWS identity",
  },
  "CS-2121": { kind: "user", retryable: true, summary: "what was decided about is not what is asked" },
  "CS-2122": {
    kind: "user",
    retryable: false,
    summary: "somebody changed the arguments: another question takes its place",
  },
  "CS-2123": {
    kind: "user",
    retryable: false,
    summary: "the approval no longer holds: what was shown changed, or the policies deny it",
  },
  "CS-2124": { kind: "user", retryable: false, summary: "the run ended before a decision took effect" },
  "CS-2125": { kind: "user", retryable: true, summary: "an edit before approval is not well-formed" },
  "CS-2126": { kind: "user", retryable: true, summary: "a question or an answer is empty, or there are too many" },
  "CS-2127": { kind: "user", retryable: true, summary: "the decision cannot be handed to that person" },
  "CS-2128": {
    kind: "user",
    retryable: false,
    summary: "only the run's owner answers questions, and only those that were asked",
  },
  "CS-2129": {
    kind: "user",
    retryable: false,
    summary: "the caller is not signed in as a person with an e-mail address",
  },
  "CS-2133": {
    kind: "user",
    retryable: true,
    summary: "some of what is asked is shown only after sign-in, so a mailed code does not decide it",
  },
  "CS-2140": { kind: "user", retryable: false, summary: "a Slack user whom the contract does not name as an approver" },
  "CS-2141": {
    kind: "user",
    retryable: true,
    summary: "the Slack message does not show all that an approval is bound to: it is approved on the page",
  },
  "CS-2142": { kind: "user", retryable: false, summary: "a request to the Slack address that Slack did not sign" },
  "CS-2143": { kind: "user", retryable: true, summary: "a request that Slack signed more than five minutes ago" },
  "CS-2144": { kind: "user", retryable: false, summary: "a Slack request that our messages do not send" },
  "CS-2145": {
    kind: "system",
    retryable: true,
    summary: "Slack's secrets are not set or Slack cannot be reached; nothing was decided unless the message says so",
  },
  "CS-2130": { kind: "user", retryable: true, summary: "the sign-in did not succeed, or is not set up for this stage" },
  "CS-2131": { kind: "user", retryable: true, summary: "the form is not of this session" },
  "CS-2132": {
    kind: "user",
    retryable: false,
    summary: "what an approval asked is not kept any more: 30 days are over, or the run was shredded",
  },
} satisfies Record<string, ErrorEntry>;
export type ApprovalErrorCode = keyof typeof approvalErrors;
