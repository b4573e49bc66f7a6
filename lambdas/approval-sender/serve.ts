/**
 * The outbox: woken by the approvals table's own stream, so what was inserted is followed whatever happens to who inserted it; and by the
 * schedules of reminders and escalations.
 */
import * as z from "zod";
import { dueCall } from "../../lib/approval/due.js";
import type { ApprovalRef } from "../../lib/aws/approvals.js";
import { logLine } from "../shared/log.js";
import { comeDue } from "./come-due.js";
import { follow, type SenderDeps } from "./follow.js";

const record = z.object({
  dynamodb: z.object({
    SequenceNumber: z.string(),
    Keys: z.object({ pk: z.object({ S: z.string() }), sk: z.object({ S: z.string() }) }),
  }),
});
const streamEvent = z.object({ Records: z.array(record) });
const senderEvent = z.union([streamEvent, dueCall]);

export interface BatchAnswer {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

/** A stream is read in order, so it is read again from the first record that could not be followed. */
export function createHandler(deps: SenderDeps) {
  return async (event: unknown): Promise<BatchAnswer> => {
    const parsed = senderEvent.parse(event);
    if ("due" in parsed) {
      await comeDue(deps, parsed.due);
      return { batchItemFailures: [] };
    }
    const followed = new Set<string>();
    for (const { dynamodb } of parsed.Records) {
      const ref = refOf(dynamodb.Keys.pk.S, dynamodb.Keys.sk.S);
      // The rows are read whole, so one look follows every record of the batch.
      if (ref === undefined || followed.has(ref.approvalId)) continue;
      try {
        await follow(deps, ref);
        followed.add(ref.approvalId);
      } catch (error) {
        const name = error instanceof Error ? error.name : "unknown";
        logLine("error", "approval not followed", { workflow: ref.workflow, approval_id: ref.approvalId, error: name });
        return { batchItemFailures: [{ itemIdentifier: dynamodb.SequenceNumber }] };
      }
    }
    return { batchItemFailures: [] };
  };
}

/** What people did and what became of it; a refusal asks for nothing. */
function refOf(pk: string, sk: string): ApprovalRef | undefined {
  const found = /^(decision|act|closing|outcome)#([^#]+)#([^#]+)$/.exec(pk);
  const [, , workflow, approvalId] = found ?? [];
  if (workflow === undefined || approvalId === undefined || sk.startsWith("refused#")) return undefined;
  return { workflow, approvalId };
}
