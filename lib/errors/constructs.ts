import type { ErrorEntry } from "../errors.js";

const user = (summary: string) => ({ kind: "user", retryable: false, summary }) as const;
const system = (summary: string) => ({ kind: "system", retryable: false, summary }) as const;

/** CS-13xx: what stops a synth besides the faults of a contract or its policies. */
export const constructsErrors = {
  "CS-1301": user("a stage that cdk.json does not list, or that does not fit in names"),
  "CS-1302": user("a sender address of approval mails that is missing or not an address"),
  "CS-1303": user("a setting of the archive (mode, retention, audit account) that is not allowed"),
  "CS-1304": system("a function's environment is not what its handler reads"),
  "CS-1305": user("a function's code cannot be bundled"),
  "CS-1306": user("two workflows with the same name"),
  "CS-1307": user("two policies that would have one name in Verified Permissions"),
  "CS-1308": user("contracts or policies with faults"),
  "CS-1309": system("a function received the same environment name twice, with different values"),
  "CS-1310": user("a setting of Slack that is no list of stages, on or off"),
  "CS-1311": user("a tool or agent that names a secret of the stage's own: Slack's"),
} satisfies Record<string, ErrorEntry>;

export type ConstructsErrorCode = keyof typeof constructsErrors;
