/**
 * What the state machine carries: nothing in it is sensitive, as its history keeps it for ninety days. What comes in sealed is opened here,
 * what goes out plain is put where only its reader may read it.
 */
import type { CallStore } from "../../lib/aws/call-store.js";
import type { ViewStore } from "../../lib/aws/view-store.js";
import { sameJson } from "../../lib/run/canonical.js";
import type { RunRef } from "../../lib/run/keys.js";
import { approvalView, type DecideAnswer, type DecideRequest } from "../../lib/run/protocol.js";
import { callKey, openProposed, replyKey } from "../../lib/run/sealing.js";
import { isSensitiveView, withheldAction, withheldView } from "../../lib/run/withheld.js";

export interface PutOutDeps {
  readonly calls: Pick<CallStore, "write">;
  readonly views: Pick<ViewStore, "write">;
}

/**
 * @param shown the view of the question, from the vault: the action and the agent's words that people were asked about. A request that
 * carries another action stays as it is, and does not match what was recorded (CS-3013).
 */
export function openRequest(request: DecideRequest, runSecret: Uint8Array, shown: unknown): DecideRequest {
  switch (request.phase) {
    case "proposal": {
      const { run_id: runId, turn, proposed } = request;
      return { ...request, proposed: openProposed(replyKey(runSecret, turn), runId, turn, proposed) };
    }
    case "approval": {
      const view = approvalView.safeParse(shown);
      if (!view.success) return request;
      const { tool, args, nonces, says } = view.data;
      const action = { tool, args, nonces };
      return sameJson({ ...withheldAction(action) }, { ...request.action })
        ? { ...request, action, rationale: says }
        : request;
    }
    case "outcome":
      return request;
  }
}

/** The answer as the state machine carries it, once everything that it leaves out is where its reader finds it. Repeats write the same. */
export async function putOut(
  { calls, views }: PutOutDeps,
  run: RunRef,
  runSecret: Uint8Array,
  answer: DecideAnswer,
): Promise<DecideAnswer> {
  switch (answer.decision) {
    case "permit": {
      const { action, turn } = answer;
      const { tool, args, nonces } = action;
      const key = Buffer.from(callKey(runSecret, turn)).toString("base64");
      await calls.write({ run, tool, turn }, { v: 1, args, nonces, key });
      return { ...answer, action: withheldAction(action) };
    }
    case "ask": {
      const { action, approval } = answer;
      if (isSensitiveView(approval)) await views.write(approval);
      return { ...answer, action: withheldAction(action), rationale: null, approval: withheldView(approval) };
    }
    case "deny":
    case "finish":
      return answer;
  }
}
