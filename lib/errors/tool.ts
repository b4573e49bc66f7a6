import type { ErrorEntry } from "../errors.js";

/** The tool runtime: permit check, effects ledger, the team's handlers, egress. */
export const toolErrors = {
  "CS-3201": {
    kind: "user",
    retryable: false,
    summary: "the request to a tool function has not the right form, or names another tool",
  },
  "CS-3202": { kind: "user", retryable: true, summary: "the workflow is stopped: nothing acts until it is resumed" },
  "CS-3203": {
    kind: "user",
    retryable: false,
    summary: "there is no permit for this call in the run log: only the gate permits",
  },
  "CS-3204": { kind: "user", retryable: false, summary: "the permit is for another tool, turn or other arguments" },
  "CS-3205": { kind: "user", retryable: false, summary: "the permit has run out: no call may begin after its time" },
  "CS-3206": { kind: "user", retryable: false, summary: "the permit is used or the run is closed" },
  "CS-3207": { kind: "user", retryable: false, summary: "a tool connected to a host that its contract does not list" },
  "CS-3208": { kind: "user", retryable: false, summary: "a tool asked for a secret that its contract does not list" },
  "CS-3209": { kind: "user", retryable: false, summary: "a local host is not a loopback address" },
  "CS-3210": {
    kind: "user",
    retryable: false,
    summary: "the bundle's module does not export what the contract says it does",
  },
  "CS-3211": {
    kind: "system",
    retryable: false,
    summary: "an earlier attempt left no outcome and the tool cannot look the effect up",
  },
  "CS-3212": {
    kind: "user",
    retryable: false,
    summary: "a tool's answer does not match its output schema, or is too large",
  },
  "CS-3213": { kind: "system", retryable: true, summary: "a tool took longer than its time limit" },
  "CS-3214": {
    kind: "user",
    retryable: false,
    summary: "a tool started a process or a worker, which could go around the host list",
  },
  "CS-3215": { kind: "system", retryable: false, summary: "a tool's code failed in a way that it does not explain" },
  "CS-3216": {
    kind: "user",
    retryable: false,
    summary: "a preview is not what a preview is: before, after, notes as plain values",
  },
} satisfies Record<string, ErrorEntry>;
