/** What the holder of a link alone sees and may do, where something is sensitive. */
import { describe, expect, test } from "vitest";
import { openedApprovals } from "../../lib/approval/opened.js";
import { matchesHash } from "../../lib/approval/status.js";
import type { Approvals } from "../../lib/aws/approvals.js";
import { viewHash } from "../../lib/run/hash.js";
import type { ApprovalView } from "../../lib/run/protocol.js";
import { isWholeAction, withheldView } from "../../lib/run/withheld.js";
import { Desk } from "./desk-in-memory.js";
import { approvalViewOf, SENSITIVE } from "./fixture.js";

const ana = "ana@example.com";
const ALL_PARTS = ["title", "args", "preview", "says"] as const;
const APPROVE = { decision: "approve", confirmation: "420.00" };

describe("GIVEN an action with a sensitive argument", () => {
  test("WHEN its link is opened THEN the argument and the changes are not there, and the way to sign in is", async () => {
    const desk = await new Desk(SENSITIVE).ask();
    const { path } = desk.wayOf(ana);
    const { html } = await desk.get(path);
    expect(html).not.toMatch(/Jo Doe|refunds the whole charge|\$commitment|name="code"/);
    expect(html).toMatch(/memo<\/span><\/th><td><i class="soft">\(only after sign-in\)/);
    expect(html).toContain("/sign-in?to=/inbox/billing-dispute/ap_1");
    expect(html).toContain("ch_77");
  });

  test.each([
    ["approve", APPROVE],
    ["reject", { decision: "reject", comment: "no" }],
    ["edit", { decision: "edit", 'edit.["amount_cents"]': "1" }],
    ["hand on", { decision: "delegate", to: "bo@example.com" }],
  ])("WHEN somebody wants to %s with link and code THEN it is refused, and that is on record", async (_, form) => {
    const desk = await new Desk(SENSITIVE).ask();
    const { path, code } = desk.wayOf(ana);
    expect(await desk.post(path, { code, ...form })).toMatchObject({ status: 403, code: "CS-2133" });
    expect(await desk.approvals.readActs(desk.ref)).toEqual([
      expect.objectContaining({ kind: "refused", code: "CS-2133", channel: "page", who: ana }),
    ]);
    expect(await desk.approvals.readDecisions(desk.ref)).toEqual([]);
  });
});

describe("GIVEN that only the agent's words may be sensitive", () => {
  test("WHEN its link is opened THEN they are not there, and the code decides: they are no part of the action", async () => {
    const desk = await new Desk({ page_only: ["says"] }).ask();
    const { path, code } = desk.wayOf(ana);
    const { html } = await desk.get(path);
    expect(html).not.toContain("Two charges within a minute");
    expect(html).toContain("(only after sign-in)");
    expect(html).toContain("€420.00 (42000)");
    expect((await desk.post(path, { ...APPROVE, code })).html).toContain("Approved");
  });
});

describe.each(ALL_PARTS)("GIVEN that %s may hold something sensitive", (part) => {
  const secrets: Readonly<Record<typeof part, string>> = {
    title: "Refund €420.00 to cus_9",
    args: "Jo Doe",
    preview: "refunds the whole charge",
    says: "Two charges within a minute",
  };
  const view = approvalViewOf({ page_only: [part] });

  test("THEN the form that travels does not hold it, and goes by the whole's hashes", () => {
    const form = withheldView(view);
    expect(JSON.stringify(form)).not.toContain(secrets[part]);
    expect([viewHash(form), form.action_hash, matchesHash(form)]).toEqual([viewHash(view), view.action_hash, true]);
    expect([isWholeAction(form), isWholeAction(view)]).toEqual([part === "says", part === "says"]);
  });

  test("THEN neither does the page of a link, and a code approves only what was shown whole", async () => {
    const desk = await new Desk({ page_only: [part] }).ask();
    const { path, code } = desk.wayOf(ana);
    const { html } = await desk.get(path);
    expect(html).not.toContain(secrets[part]);
    expect(html).toContain("after sign-in)");
    const answer = await desk.post(path, { ...APPROVE, code });
    expect(answer.code).toBe(part === "says" ? undefined : "CS-2133");
  });

  test("THEN the desk shows the whole only when it is the one that the form is of", async () => {
    const row = withheldView(view);
    const over = (whole: ApprovalView) =>
      openedApprovals<Pick<Approvals, "readRequest">>(
        { readRequest: async () => row },
        { read: async () => whole },
      ).readRequest({ workflow: view.workflow, approvalId: view.approval_id });
    expect(await over(view)).toEqual(view);
    const other = approvalViewOf({ page_only: [part], args: { charge_id: "ch_78", amount_cents: 42_000 } });
    await expect(over(other)).rejects.toMatchObject({ code: "CS-2112" });
  });
});
