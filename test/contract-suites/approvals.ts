/** What every store of approvals does. */

import { describe, expect, test } from "vitest";
import type { Approvals } from "../../lib/aws/approvals.js";
import type { ApprovalAct, ApprovalOutcome } from "../../lib/run/acts.js";
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

    test("a link is inserted once; what was sent is remembered", async () => {
      const { view, ref } = request();
      const link = {
        workflow: ref.workflow,
        approval_id: ref.approvalId,
        approver: "ana@example.com",
        role: "approver" as const,
        expires_at: view.deadline,
      };
      expect(await approvals().readLink(ref.approvalId)).toBeUndefined();
      expect(await approvals().insertLink(ref.approvalId, link)).toBe("inserted");
      expect(await approvals().insertLink(ref.approvalId, { ...link, approver: "eve@example.com" })).toBe("exists");
      expect(await approvals().readLink(ref.approvalId)).toEqual(link);
      const sent = {
        channel: "mail",
        kind: "asked",
        to: "ana@example.com",
        at: view.requested_at,
        ref: "id-1",
      } as const;
      expect(await approvals().insertSent(ref, sent)).toBe("inserted");
      expect(await approvals().insertSent(ref, { ...sent, ref: "id-2" })).toBe("exists");
      expect(await approvals().readSent(ref)).toEqual([sent]);
    });

    test("a link keeps every code that was sent, by issue", async () => {
      const { view, ref } = request();
      const code = (issue: number, hash: string) => ({
        issue,
        salt: "00",
        code_hash: hash.repeat(64),
        issued_at: view.requested_at,
        expires_at: view.deadline,
      });
      for (const [issue, hash] of [
        [1, "b"],
        [0, "a"],
        [1, "c"],
      ] as const) // a mail that was sent twice has two codes
        await approvals().insertCode(ref.approvalId, code(issue, hash));
      expect(await approvals().insertCode(ref.approvalId, code(1, "b"))).toBe("exists");
      expect(await approvals().readCodes(ref.approvalId)).toEqual([code(0, "a"), code(1, "b"), code(1, "c")]);
      expect(await approvals().readCodes("another-link")).toEqual([]);
    });

    test("what else people do is inserted once, and read in the order it was done", async () => {
      const { view, ref } = request();
      const by = { by: "ana@example.com", channel: "page", method: "code" } as const;
      const acts: readonly ApprovalAct[] = [
        { kind: "question", id: "q1", ...by, at: "2026-11-21T13:01:00.000Z", text: "why twice?" },
        { kind: "answer", id: "a1", question: "q1", ...by, at: "2026-11-21T13:02:00.000Z", text: "the bank did" },
        { kind: "delegation", ...by, at: "2026-11-21T13:03:00.000Z", to: "bo@example.com", comment: "" },
        {
          kind: "edit",
          n: 1,
          ...by,
          at: "2026-11-21T13:04:00.000Z",
          args: { amount_cents: 1 },
          action_hash: view.action_hash,
          view_hash: viewHash(view),
        },
        { kind: "code-wish", link: "link-1", issue: 1, by: by.by, at: "2026-11-21T13:05:00.000Z" },
        { kind: "refused", code: "CS-2111", channel: "page", who: "dana", at: "2026-11-21T13:06:00.000Z" },
      ];
      for (const act of acts.toReversed()) expect(await approvals().insertAct(ref, act)).toBe("inserted");
      for (const act of acts) expect(await approvals().insertAct(ref, act)).toBe("exists");
      expect(await approvals().readActs(ref)).toEqual(acts);
    });

    test("whom a reminder or an escalation reached is inserted once each, and read in the order of time", async () => {
      const { ref } = request();
      const told = [
        { kind: "reminder", n: 1, to: "ana@example.com", at: "2026-11-21T13:01:00.000Z" },
        { kind: "reminder", n: 2, to: "ana@example.com", at: "2026-11-21T13:02:00.000Z" },
        { kind: "escalation", n: 1, to: "ana@example.com", at: "2026-11-21T13:03:00.000Z" },
      ] as const;
      for (const one of told.toReversed()) expect(await approvals().insertTold(ref, one)).toBe("inserted");
      for (const one of told)
        expect(await approvals().insertTold(ref, { ...one, at: "2026-11-21T14:00:00.000Z" })).toBe("exists");
      expect(await approvals().readTold(ref)).toEqual(told);
    });

    test("what became of it is inserted once", async () => {
      const { ref } = request();
      const at = "2026-11-21T13:01:00.000Z";
      const permitted: ApprovalOutcome = { kind: "permitted", at, reasons: [], next_approval_id: null };
      const ran = { kind: "ran", at: "2026-11-21T13:02:00.000Z", status: "ok", reference: "re_1" } as const;
      for (const outcome of [ran, permitted, { ...ran, status: "error" } as const])
        await approvals().insertOutcome(ref, outcome);
      expect(await approvals().readOutcomes(ref)).toEqual([permitted, ran]);
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

    test("however many try at once (of one issue), no more than the limit get a try; a right code gives its try back", async () => {
      const link = newRun().runId;
      const taken = await Promise.all(Array.from({ length: 12 }, () => approvals().takeTry(link, 0, 5)));
      expect(taken.filter((tries) => tries !== "locked").sort()).toEqual([1, 2, 3, 4, 5]);
      expect(await approvals().readTries(link, 0)).toBe(5);
      await approvals().returnTry(link, 0);
      expect(await approvals().takeTry(link, 0, 5)).toBe(5);
      expect(await approvals().takeTry(link, 0, 5)).toBe("locked");
      expect(await approvals().readTries(link, 1)).toBe(0);
      expect(await approvals().readTries(newRun().runId, 0)).toBe(0);
    });
  });
}
