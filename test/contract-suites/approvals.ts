/** What every store of approvals does. */

import { describe, expect, test } from "vitest";
import type { Approvals } from "../../lib/aws/approvals.js";
import { viewHash } from "../../lib/run/hash.js";
import { approvalViewOf } from "../approval/fixture.js";
import { newRun } from "../aws/cloud.js";

export function approvalsSuite(approvals: () => Approvals): void {
  const request = () => {
    const { runId } = newRun();
    const view = approvalViewOf({ approval_id: `ap_${runId}` });
    return { view, ref: { workflow: view.workflow, approvalId: view.approval_id } };
  };
  describe("a store of approvals", () => {
    test("a request is inserted once and stays as it was", async () => {
      const { view, ref } = request();
      expect(await approvals().readRequest(ref)).toBeUndefined();
      expect(await approvals().insertRequest(view)).toBe("inserted");
      expect(await approvals().insertRequest({ ...view, title: "Refund nothing" })).toBe("exists");
      expect(await approvals().readRequest(ref)).toEqual(view);
    });

    test("each token is kept once, and found again with its request", async () => {
      const { ref } = request();
      await approvals().insertToken(ref, { tokenHash: "a", sealed: "one" });
      await approvals().insertToken(ref, { tokenHash: "b", sealed: "two" });
      expect(await approvals().insertToken(ref, { tokenHash: "a", sealed: "changed" })).toBe("exists");
      expect([...(await approvals().readTokens(ref))].sort()).toEqual(["one", "two"]);
    });

    test("a link is inserted once; who was mailed is remembered", async () => {
      const { view, ref } = request();
      const link = {
        workflow: ref.workflow,
        approval_id: ref.approvalId,
        approver: "ana@example.com",
        salt: "00",
        code_hash: "11",
        expires_at: view.deadline,
      };
      expect(await approvals().readLink(ref.approvalId)).toBeUndefined();
      expect(await approvals().insertLink(ref.approvalId, link)).toBe("inserted");
      expect(await approvals().insertLink(ref.approvalId, { ...link, approver: "eve@example.com" })).toBe("exists");
      expect(await approvals().readLink(ref.approvalId)).toEqual(link);
      await approvals().insertMailed(ref, "ana@example.com", view.requested_at);
      expect(await approvals().readMailed(ref)).toEqual(["ana@example.com"]);
    });

    test("each person decides once; decisions come in the order of their time", async () => {
      const { view, ref } = request();
      const decision = (approver: string, decided_at: string, choice: "approve" | "reject" = "approve") => ({
        approval_id: ref.approvalId,
        approver,
        decision: choice,
        channel: "page" as const,
        comment: "",
        decided_at,
        action_hash: view.action_hash,
        policy_set_hash: view.policy_set_hash,
        view_hash: viewHash(view),
      });
      const late = decision("ana@example.com", "2026-11-21T13:05:00.000Z");
      const early = decision("bo@example.com", "2026-11-21T13:01:00.000Z", "reject");
      expect(await approvals().insertDecision(ref.workflow, late)).toBe("inserted");
      expect(await approvals().insertDecision(ref.workflow, early)).toBe("inserted");
      expect(await approvals().insertDecision(ref.workflow, { ...late, decision: "reject" })).toBe("exists");
      expect(await approvals().readDecisions(ref)).toEqual([early, late]);
    });

    test("however many try at once, no more than the limit get a try; a right code gives its try back", async () => {
      const link = newRun().runId;
      const taken = await Promise.all(Array.from({ length: 12 }, () => approvals().takeTry(link, 5)));
      expect(taken.filter((tries) => tries !== "locked").sort()).toEqual([1, 2, 3, 4, 5]);
      expect(await approvals().readTries(link)).toBe(5);
      await approvals().returnTry(link);
      expect(await approvals().takeTry(link, 5)).toBe(5);
      expect(await approvals().takeTry(link, 5)).toBe("locked");
      expect(await approvals().readTries(newRun().runId)).toBe(0);
    });
  });
}
