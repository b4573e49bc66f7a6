import { describe, expect, test } from "vitest";
import { createHandler } from "../../lambdas/approval-slack/serve.js";
import { dynamoControl } from "../../lib/aws/control.js";
import { AT_ONCE, slackApi } from "../../lib/aws/slack.js";
import type { ApprovalView } from "../../lib/run/protocol.js";
import { askedMessage, isOneClick } from "../../lib/slack/messages.js";
import { slackSignature } from "../../lib/slack/signature.js";
import { approvalViewOf } from "../approval/fixture.js";
import {
  ANA,
  approvals,
  ask,
  BO,
  decisions,
  EVE,
  eventOf,
  handler,
  lab,
  REVERSIBLE,
  ref,
  refusals,
  SECRET,
  stage,
  textOf,
  URL,
  useSlack,
  view,
  workspace,
} from "./slack-lab.js";

useSlack();

describe("what can be undone", () => {
  test("is one click, by the approver that the contract names the Slack user", async () => {
    const ts = await ask(REVERSIBLE);
    expect(await workspace.press(ANA, ts, "approve")).toEqual({ status: 200, body: "" });
    expect(await decisions()).toMatchObject([
      { approver: "ana@example.com", decision: "approve", channel: "slack", method: "slack" },
    ]);
    expect((await decisions())[0]?.subject).toMatch(/^slack:T0LOCAL\/U0ANA#[0-9a-f]{32}$/);
    expect(await approvals.readClosing(ref())).toMatchObject({ kind: "approved", by: ["ana@example.com"] });
  });

  test.each([
    ["two people must decide", { needed: 2, sign_in: "required" }],
    ["it can only be made good", { reversibility: "compensable" }],
    ["the agent's words are on the page only", { page_only: ["says"] }],
  ] satisfies [string, Partial<ApprovalView>][])("asks once more when %s", async (_, over) => {
    const ts = await ask({ ...REVERSIBLE, ...over });
    expect(isOneClick(view)).toBe(false);
    const { modal } = await workspace.press(ANA, ts, "approve");
    expect(await decisions()).toEqual([]);
    await workspace.submit(modal?.id ?? "", {});
    expect(await decisions()).toHaveLength(1);
  });
});

describe("what cannot be undone", () => {
  test("is never one click: the modal wants the amount typed, and stays open until it is right", async () => {
    const ts = await ask();
    const { modal } = await workspace.press(ANA, ts, "approve");
    expect(textOf(modal)).toContain("Type 420.00 to approve");
    for (const confirmation of ["", "420", "421.00"]) {
      const answer = await workspace.submit(modal?.id ?? "", { confirmation });
      expect(JSON.parse(answer.body)).toMatchObject({
        response_action: "errors",
        errors: { confirmation: expect.stringContaining("type 420.00 exactly") },
      });
    }
    expect(await decisions()).toEqual([]);
    expect(await workspace.submit(modal?.id ?? "", { confirmation: "420.00", comment: "twice" })).toEqual({
      status: 200,
      body: "",
    });
    expect(workspace.modal(modal?.id ?? "")).toBeUndefined();
    expect(await decisions()).toMatchObject([{ approver: "ana@example.com", comment: "twice" }]);
    expect(await refusals()).toMatchObject([{ code: "CS-2109", channel: "slack", who: "ana@example.com" }]);
  });

  test("a rejection needs a comment, which is in the decision", async () => {
    const ts = await ask();
    const { modal } = await workspace.press(BO, ts, "reject");
    expect((await workspace.submit(modal?.id ?? "", { comment: "  " })).body).toContain('"comment"');
    await workspace.submit(modal?.id ?? "", { comment: "ask for the invoice first" });
    expect(await decisions()).toMatchObject([
      { approver: "bo@example.com", decision: "reject", comment: "ask for the invoice first" },
    ]);
  });

  test("a comment that is longer than what is kept is cut, and everybody can still read the question", async () => {
    const ts = await ask();
    const { modal } = await workspace.press(BO, ts, "reject");
    await workspace.submit(modal?.id ?? "", { comment: `${"x".repeat(1999)}\u{1f600}${"y".repeat(500)}` });
    expect(await decisions()).toMatchObject([{ approver: "bo@example.com", comment: "x".repeat(1999) }]);
  });

  test("two people are told that another must decide too", async () => {
    const ts = await ask({ needed: 2, sign_in: "required" });
    for (const [user, last] of [
      [ANA, false],
      [BO, true],
    ] as const) {
      const { modal } = await workspace.press(user, ts, "approve");
      const answer = await workspace.submit(modal?.id ?? "", { confirmation: "420.00" });
      expect(answer.body.includes("1 of 2 approvals are given")).toBe(!last);
    }
    expect(await approvals.readClosing(ref())).toMatchObject({
      kind: "approved",
      by: ["ana@example.com", "bo@example.com"],
    });
  });
});

describe("refused, each with its own message and record", () => {
  const refusedBy = async (user: string, over: Partial<ApprovalView>, before?: () => Promise<unknown>) => {
    const ts = await ask(over);
    await before?.();
    const { modal, status } = await workspace.press(user, ts, "approve");
    expect(status).toBe(200);
    return textOf(modal);
  };
  test("a Slack user whom the contract does not name", async () => {
    expect(await refusedBy(EVE, REVERSIBLE)).toContain("the user U0EVE is none of the approvers");
    expect(await refusals()).toMatchObject([{ code: "CS-2140", channel: "slack", who: "slack:T0LOCAL/U0EVE" }]);
    expect(await decisions()).toEqual([]);
  });

  test("who asked for the run", async () => {
    const requester = "arn:aws:sts::111111111111:assumed-role/Requester/ana@example.com";
    expect(await refusedBy(ANA, { ...REVERSIBLE, requester })).toContain("asked for this run");
    expect(await refusals()).toMatchObject([{ code: "CS-2111" }]);
  });

  test("one person twice", async () => {
    const ts = await ask({ needed: 2, sign_in: "required" });
    const first = await workspace.press(ANA, ts, "approve");
    await workspace.submit(first.modal?.id ?? "", { confirmation: "420.00" });
    const { modal } = await workspace.press(ANA, ts, "approve");
    expect(textOf(modal)).toContain("has decided already");
    expect(await refusals()).toMatchObject([{ code: "CS-2107", who: "ana@example.com" }]);
    expect(await decisions()).toHaveLength(1);
  });

  test("after the time is over, which is not a rejection", async () => {
    const ts = await ask(REVERSIBLE);
    lab.nowMs = Date.parse(view.deadline) + 1;
    const { modal } = await workspace.press(ANA, ts, "approve");
    expect(textOf(modal)).toContain("expired");
    expect(textOf(modal)).toContain("nobody rejected it");
    expect(await refusals()).toMatchObject([{ code: "CS-2105" }]);
  });

  test("while the workflow is stopped", async () => {
    const control = dynamoControl(stage.table("control"));
    const brake = (on: boolean) =>
      control.writeBrake("billing-dispute", { on, by: "op", at: "2026-11-21T13:00:30.000Z", reason: "test" });
    try {
      expect(await refusedBy(ANA, REVERSIBLE, () => brake(true))).toContain("is stopped since");
      expect(await refusals()).toMatchObject([{ code: "CS-2110" }]);
    } finally {
      await brake(false);
    }
  });

  test("another question than the message showed", async () => {
    const ts = await ask(REVERSIBLE);
    const other = approvalViewOf({ ...view, says: "something else", action_hash: view.action_hash });
    const value = askedMessage(other, URL).blocks.flatMap((block) =>
      block.type === "actions" ? block.elements.flatMap((one) => ("value" in one ? [one.value] : [])) : [],
    )[0];
    const pressed = {
      type: "block_actions",
      user: { id: ANA },
      trigger_id: "1",
      actions: [{ action_id: "reject", value }],
    };
    await workspace.send(pressed);
    expect(await refusals()).toMatchObject([{ code: "CS-2121" }]);
    expect(workspace.list().find((one) => one.ts === ts)).toBeDefined();
  });

  test("an approval of what the message does not show whole, however it was sent", async () => {
    await ask({ ...REVERSIBLE, page_only: ["preview"] });
    const forged = { ...REVERSIBLE, page_only: ["preview"] } satisfies Partial<ApprovalView>;
    expect(JSON.stringify(askedMessage({ ...view, ...forged }, URL).blocks)).not.toContain('"approve"');
    const { subjectOf } = await import("../../lib/slack/messages.js");
    for (const payload of [
      {
        type: "block_actions",
        trigger_id: "1",
        actions: [{ action_id: "approve", value: JSON.stringify(subjectOf(view)) }],
      },
      {
        type: "view_submission",
        view: {
          callback_id: "approve-modal",
          private_metadata: JSON.stringify(subjectOf(view)),
          state: { values: {} },
        },
      },
    ])
      await workspace.send({ user: { id: ANA, team_id: "T0LOCAL" }, ...payload });
    expect(await refusals()).toMatchObject([{ code: "CS-2141" }]);
    expect(await decisions()).toEqual([]);
  });
});

describe("who is not Slack", () => {
  const body = () =>
    new URLSearchParams({
      payload: JSON.stringify({
        type: "block_actions",
        user: { id: ANA, team_id: "T0LOCAL" },
        trigger_id: "x",
        actions: [{ action_id: "approve", value: buttonValue() }],
      }),
    }).toString();
  const buttonValue = () =>
    askedMessage(view, URL).blocks.flatMap((block) =>
      block.type === "actions" ? block.elements.flatMap((one) => ("value" in one ? [one.value] : [])) : [],
    )[0];
  const post = (headers: Readonly<Record<string, string>>, text = body()) =>
    handler(eventOf({ "content-type": "application/x-www-form-urlencoded", ...headers }, Buffer.from(text)));
  const signed = (atMs: number, text = body(), secret = SECRET) => {
    const timestamp = String(Math.floor(atMs / 1000));
    return {
      "x-slack-request-timestamp": timestamp,
      "x-slack-signature": slackSignature(secret, timestamp, Buffer.from(text)),
    };
  };

  test("is refused, and writes no row", async () => {
    await ask(REVERSIBLE);
    for (const headers of [
      {},
      signed(lab.nowMs, body(), "another secret"),
      { ...signed(lab.nowMs), "x-slack-signature": "v0=0" },
    ])
      expect(await post(headers)).toMatchObject({ statusCode: 401, body: expect.stringContaining("CS-2142") });
    expect(await approvals.readActs(ref())).toEqual([]);
    expect(await decisions()).toEqual([]);
    expect(lab.said.filter((line) => line.includes("CS-2142"))).toHaveLength(3);
  });

  test("a stale request does nothing, and is on record because Slack did sign it", async () => {
    await ask(REVERSIBLE);
    expect(await post(signed(lab.nowMs - 301_000))).toMatchObject({
      statusCode: 401,
      body: expect.stringContaining("CS-2143"),
    });
    expect(await refusals()).toMatchObject([{ code: "CS-2143", who: "slack:T0LOCAL/U0ANA" }]);
    expect(await decisions()).toEqual([]);
  });

  test("the same request again acts once, and is answered the same, also from two at once and under a new signature", async () => {
    await ask(REVERSIBLE);
    const text = body();
    const first = signed(lab.nowMs, text);
    const answers = await Promise.all([post(first, text), post(first, text)]);
    lab.nowMs += 60_000;
    answers.push(await post(first, text));
    answers.push(await post({ ...signed(lab.nowMs, text), "x-slack-retry-num": "1" }, text));
    for (const answer of answers) expect(answer).toEqual({ ...answers[0], statusCode: 200, body: "" });
    expect(await decisions()).toHaveLength(1);
  });

  test("an answer that was lost is not told as a refusal when the request comes again", async () => {
    await ask({ ...REVERSIBLE });
    const text = body();
    let lost = true;
    const losing = createHandler({
      stage: "dev",
      approvals: {
        ...approvals,
        async insertReceipt(...given) {
          if (lost) throw new Error("crashed");
          return approvals.insertReceipt(...given);
        },
      },
      control: dynamoControl(stage.table("control")),
      signingSecret: async () => SECRET,
      slack: slackApi(async () => "xoxb-local", workspace.url, AT_ONCE),
      nowMs: () => lab.nowMs,
    });
    const event = eventOf(
      { "content-type": "application/x-www-form-urlencoded", ...signed(lab.nowMs, text) },
      Buffer.from(text),
    );
    expect((await losing(event)).statusCode).toBe(503);
    lost = false;
    expect(await losing(event)).toMatchObject({ statusCode: 200, body: "" });
    expect(await decisions()).toHaveLength(1);
    expect(await refusals()).toEqual([]);
  });

  test("what our messages do not send is refused", async () => {
    await ask(REVERSIBLE);
    for (const text of ["", "payload=1", "payload=%7B%7D", "payload=x&payload=y"])
      expect(await post(signed(lab.nowMs, text), text)).toMatchObject({
        statusCode: 400,
        body: expect.stringContaining("CS-2144"),
      });
  });

  test("without a signing secret nothing is taken", async () => {
    await ask(REVERSIBLE);
    const unset = createHandler({
      stage: "dev",
      approvals,
      control: dynamoControl(stage.table("control")),
      signingSecret: async () => {
        throw new Error("ResourceNotFoundException");
      },
      slack: slackApi(async () => "", workspace.url, AT_ONCE),
      nowMs: () => lab.nowMs,
    });
    const event = eventOf(signed(lab.nowMs), Buffer.from(body()));
    expect(await unset(event)).toMatchObject({ statusCode: 503, body: expect.stringContaining("CS-2145") });
    expect(await decisions()).toEqual([]);
  });
});
