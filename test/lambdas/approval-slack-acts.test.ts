import { describe, expect, test } from "vitest";
import { ANA, approvals, ask, BO, EVE, lab, ref, refusals, textOf, useSlack, view, workspace } from "./slack-lab.js";

useSlack();

describe("besides deciding", () => {
  const acts = async () => (await approvals.readActs(ref())).filter(({ kind }) => kind !== "refused");
  const edited = (amount: string) => ({ "field-1": amount });

  test("change: other arguments are proposed, and the question is over", async () => {
    const ts = await ask();
    const { modal } = await workspace.press(ANA, ts, "edit");
    for (const text of ["amount_cents", "42000", "everybody is asked about it again"])
      expect(textOf(modal)).toContain(text);
    const wrong = await workspace.submit(modal?.id ?? "", edited("4.2e4"));
    expect(wrong.errors).toEqual({ "field-1": expect.stringContaining("amount_cents must be a number") });
    const answer = await workspace.submit(modal?.id ?? "", edited("20000"));
    expect(textOf(answer.modal)).toContain("everybody is asked about it again");
    expect(await acts()).toMatchObject([
      {
        kind: "edit",
        by: "ana@example.com",
        channel: "slack",
        method: "slack",
        args: { ...view.args, amount_cents: 20_000 },
      },
    ]);
    expect(await approvals.readClosing(ref())).toMatchObject({ kind: "edited", by: ["ana@example.com"] });
    const late = await workspace.press(BO, ts, "approve");
    expect(textOf(late.modal)).toContain("ana@example.com changed the arguments");
    expect(await refusals()).toMatchObject([{ code: "CS-2122" }, { code: "CS-2125" }]);
  });

  test("ask: the question is one, and the clock goes on", async () => {
    const ts = await ask();
    const { modal } = await workspace.press(BO, ts, "ask");
    expect(textOf(modal)).toContain("Payments operations");
    expect((await workspace.submit(modal?.id ?? "", { comment: " " })).errors).toEqual({
      comment: expect.stringContaining("it is empty"),
    });
    const answer = await workspace.submit(modal?.id ?? "", { comment: "which invoice?" });
    expect(textOf(answer.modal)).toContain("Payments operations is asked");
    expect(await acts()).toMatchObject([
      { kind: "question", by: "bo@example.com", text: "which invoice?", channel: "slack" },
    ]);
    expect(await approvals.readClosing(ref())).toBeUndefined();
  });

  test("hand on: to somebody whom the contract names, once", async () => {
    const ts = await ask({ delegates: ["max@example.com"] });
    const { modal } = await workspace.press(ANA, ts, "delegate");
    expect(textOf(modal)).not.toContain('"ana@example.com"');
    const nobody = await workspace.submit(modal?.id ?? "", { to: "eve@example.com" });
    expect(textOf(nobody.modal)).toContain("nobody cannot be handed the decision");
    const again = await workspace.press(ANA, ts, "delegate");
    const answer = await workspace.submit(again.modal?.id ?? "", { to: "max@example.com", comment: "on leave" });
    expect(textOf(answer.modal)).toContain("max@example.com is asked now");
    expect(await acts()).toMatchObject([
      { kind: "delegation", by: "ana@example.com", to: "max@example.com", comment: "on leave" },
    ]);
    expect(textOf((await workspace.press(ANA, ts, "approve")).modal)).toContain(
      "handed the decision to max@example.com",
    );
  });

  test.each([
    ["edit-modal", { "field-1": { value: { value: "20000" } } }],
    ["delegate-modal", { to: { value: { selected_option: { value: "bo@example.com" } } } }],
  ])("%s again, when its answer was lost on the way: it is done, and not too late", async (callbackId, values) => {
    await ask();
    const { subjectOf } = await import("../../lib/slack/messages.js");
    const send = (trigger: string) =>
      workspace.send({
        type: "view_submission",
        user: { id: ANA, team_id: "T0LOCAL" },
        trigger_id: trigger,
        view: { callback_id: callbackId, private_metadata: JSON.stringify(subjectOf(view)), state: { values } },
      });
    const first = await send("1");
    expect(await send("2")).toEqual(first);
    expect(await acts()).toHaveLength(1);
    expect(await refusals()).toEqual([]);
  });

  test.each(["edit", "ask", "delegate"])(
    "%s: not by a stranger, not by who asked for the run, not when it is over",
    async (action) => {
      const ts = await ask();
      expect(textOf((await workspace.press(EVE, ts, action)).modal)).toContain("none of the approvers");
      const own = await ask({ requester: "arn:aws:sts::111111111111:assumed-role/Requester/ana@example.com" });
      expect(textOf((await workspace.press(ANA, own, action)).modal)).toContain("asked for this run");
      lab.nowMs = Date.parse(view.deadline) + 1;
      expect(textOf((await workspace.press(BO, own, action)).modal)).toContain("expired");
      expect(await acts()).toEqual([]);
    },
  );

  test("a change of what the message does not show whole is refused, however it was sent", async () => {
    await ask({ page_only: ["preview"] });
    const { subjectOf } = await import("../../lib/slack/messages.js");
    const subject = JSON.stringify(subjectOf(view));
    for (const payload of [
      { type: "block_actions", trigger_id: "1", actions: [{ action_id: "edit", value: subject }] },
      {
        type: "view_submission",
        view: {
          callback_id: "edit-modal",
          private_metadata: subject,
          state: { values: { "field-1": { value: { value: "1" } } } },
        },
      },
    ])
      await workspace.send({ user: { id: ANA, team_id: "T0LOCAL" }, ...payload });
    expect(await refusals()).toMatchObject([{ code: "CS-2141" }]);
    expect(await acts()).toEqual([]);
  });
});
