/** The policies' texts for a report, from this project, with the hash of the set that they are of. */
import type { PolicyTexts } from "../audit/report/report.js";
import { CountersignError } from "../errors.js";
import type { RecordedEvent } from "../run/events.js";
import { loadRules } from "./replay-rules.js";

const NONE: PolicyTexts = { texts: new Map(), setHash: null };

/** None for a workflow that this project has not, or whose contract has faults: the report says so. */
export async function policyTexts(root: string, events: readonly RecordedEvent[]): Promise<PolicyTexts> {
  const workflow = events[0]?.workflow ?? "";
  if (!/^[a-z][a-z0-9-]{0,31}$/.test(workflow)) return NONE;
  const started = events[0]?.type === "RunStarted" ? events[0].data : undefined;
  try {
    const { policies, hashes } = await loadRules({ root, workflow, autonomy: started?.autonomy });
    const texts = new Map(policies.map(({ id, reason, text }) => [id, { reason, text }]));
    return { texts, setHash: hashes.policySetHash };
  } catch (error) {
    if (error instanceof CountersignError) return NONE;
    throw error;
  }
}
