import type { ErrorEntry } from "../errors.js";

const user = (summary: string) => ({ kind: "user", retryable: false, summary }) as const;

/** CS-10xx: what can be wrong with a contract, its folder or its files. */
export const contractErrors = {
  "CS-1001": user("the file does not export what `defineWorkflow` or `defineTool` returned"),
  "CS-1002": user("a field that contracts do not have"),
  "CS-1003": user("a required field is missing"),
  "CS-1004": user("a value of the wrong kind, form or size"),
  "CS-1005": user("a name that is reserved, used twice, or does not fit"),
  "CS-1006": user("approvers: an unknown or empty group, or too few people"),
  "CS-1007": user("a tool lacks what its effect requires, or has what its effect makes meaningless"),
  "CS-1008": user("a reference to a tool, outcome or field that does not exist or is of the wrong type"),
  "CS-1009": user("a schema that policies, hashes or the log cannot represent"),
  "CS-1010": user("a sensitive field is used where its value would show"),
  "CS-1011": user("a file named in the contract does not exist"),
  "CS-1012": user("a limit, budget or length of time out of range"),
  "CS-1013": user("a reserved outcome"),
  "CS-1014": user("a host, IAM action or resource that is too wide or not well-formed"),
  "CS-1015": user("more autonomy than recommended, without a written reason"),
  "CS-1016": user("the model's price is not known"),
  "CS-1017": user("a placeholder that cannot be filled"),
  "CS-1018": user("a trusted fact taken from text that outsiders write"),
  "CS-1019": user("an amount that can be negative would lower the exposure it should raise"),
  "CS-1020": user("the workflow's folder has no contract.ts"),
  "CS-1021": user("the contract cannot be imported"),
  "CS-1022": user("the folder's name differs from the contract's"),
  "CS-1023": user("a length of time that is not made of whole days, hours, minutes and seconds"),
  "CS-1024": user("an amount of USD that is not a number of whole micro-USD"),
  "CS-1025": { kind: "system", retryable: false, summary: "a value that JSON cannot represent was to be hashed" },
  "CS-1026": user("reminders or escalations that are not in order of time, or not before the time limit"),
  "CS-1027": user("warning: people may be asked about sensitive fields, and the stage has no sign-in to show them"),
} satisfies Record<string, ErrorEntry>;

export type ContractErrorCode = keyof typeof contractErrors;
