import type { ErrorEntry } from "../errors.js";

const user = (summary: string) => ({ kind: "user", retryable: false, summary }) as const;

/** CS-51xx: what verification finds in an export, and what keeps a record from being made. */
export const auditErrors = {
  "CS-5101": user("a line is not JSON: changed, or cut off in the middle"),
  "CS-5102": user("a line is not an event of this format, or not written canonically: edited"),
  "CS-5103": user("a record's hash differs from its content: edited"),
  "CS-5104": user("a record does not continue the record before it"),
  "CS-5105": user("a record is missing"),
  "CS-5106": user("a record is out of order"),
  "CS-5107": user("a record comes twice"),
  "CS-5108": user("the export's last line, its manifest, is missing: truncated"),
  "CS-5109": user("the export's manifest was edited, comes twice or is not the last line"),
  "CS-5110": user("a run of the manifest is not in the export, or the other way round"),
  "CS-5111": user("a run has more or fewer records than the manifest says"),
  "CS-5120": user("a run does not begin with RunStarted or RunRefused"),
  "CS-5121": user("a record follows the end of its run"),
  "CS-5122": user("a hash inside a record differs from what it is the hash of"),
  "CS-5123": user("a decision is about another action than was proposed"),
  "CS-5124": user("a permit without a decision that permits it"),
  "CS-5125": user("a permit with fewer approvals than it needs"),
  "CS-5126": user("an approval by someone who may not approve, or twice by the same person"),
  "CS-5127": user("an action hash that does not belong to the action"),
  "CS-5128": user("a tool's result without a permit for it"),
  "CS-5129": user("the sums of a closed run do not agree with its records"),
  "CS-5130": user("there are no events to make a run record from"),
  "CS-5131": user("there is no cut-off export to continue"),
  "CS-5140": { kind: "system", retryable: false, summary: "a replay asked for something that a recorded run has not" },
  "CS-5141": user("a line of a file to be replayed is not an event of an export"),
  "CS-5144": user("a line of a trace is no run record with arguments"),
  "CS-5143": user("a run cannot be told as a scenario"),
  "CS-5142": user("a template or definition is not that of a workflow's state machine"),
  "CS-5160": user("a checkpoint or digest is not what was written: edited"),
  "CS-5161": user("a checkpoint or digest whose signature is not valid: forged"),
  "CS-5162": user("a checkpoint or digest signed with a key that is not among the given ones"),
  "CS-5163": user("a checkpoint does not continue the run's checkpoint before it"),
  "CS-5164": user("a checkpoint is of other records than those it stands after"),
  "CS-5166": user("a digest does not continue the digest before it, or digests are missing"),
  "CS-5167": user("a run, or its end, that a digest lists is not there"),
  "CS-5168": user("digests contradict each other about a run"),
  "CS-5169": user("a file of the archive is missing, moved or not what was signed"),
  "CS-5170": user("a decision by a policy set that is not known"),
} satisfies Record<string, ErrorEntry>;

export type AuditErrorCode = keyof typeof auditErrors;
