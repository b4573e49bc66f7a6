import type { ErrorEntry } from "../errors.js";

const user = (summary: string) => ({ kind: "user", retryable: false, summary }) as const;

/** CS-11xx: Cedar policies, their schema, and authorization requests made from run state. */
export const policyErrors = {
  "CS-1101": user("a policy file does not parse"),
  "CS-1102": user("a policy without a usable @id"),
  "CS-1103": user("two policies with one @id"),
  "CS-1104": user("an @id that is reserved for generated guardrails"),
  "CS-1105": user("a policy that does not fit the contract's schema (strict validation)"),
  "CS-1106": user("a policy whose approval tiers are not monotone"),
  "CS-1107": user("a policy larger than Verified Permissions accepts"),
  "CS-1108": user("a schema larger than Verified Permissions accepts"),
  "CS-1109": user("policies without a resource scope are together larger than Verified Permissions accepts"),
  "CS-1110": user("a policy template: policies of a workflow are static"),
  "CS-1111": user("a Cedar language feature that is newer than Verified Permissions promises"),
  "CS-1112": user("a permit for every action at once, in a contract that has writes"),
  "CS-1113": user("a policy that can never apply"),
  "CS-1114": user("a tier that more people are needed for than may approve"),
  "CS-1119": user("warning: no policy permits this tool, so every call of it is denied"),
  "CS-1120": user("a value that does not fit the Cedar schema"),
  "CS-1121": user("a trusted fact is not known yet"),
  "CS-1122": user("a tool that the contract does not have"),
  "CS-1130": { kind: "system", retryable: false, summary: "the policy engine refused a policy set or schema" },
} satisfies Record<string, ErrorEntry>;

export type PolicyErrorCode = keyof typeof policyErrors;
