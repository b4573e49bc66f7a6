/** What people are told, and when: Slack beside the mails, reminders and escalations, and how it ended. */
import { beforeEach, describe, expect, test, vi } from "vitest";
import { createHandler as createSender } from "../../lambdas/approval-sender/serve.js";
import { createHandler as createRequest } from "../../lambdas/request-approval/serve.js";
import { decideApproval } from "../../lib/approval/decide.js";
import type { Who } from "../../lib/approval/who.js";
import type { Slack } from "../../lib/aws/slack.js";
import { messageBlocks } from "../../lib/local/slack/limits.js";
import type { ApprovalView } from "../../lib/run/protocol.js";
import type { SlackMessage } from "../../lib/slack/messages.js";
import { Desk } from "./desk-in-memory.js";

const [ANA, CHRIS] = ["U0ANA0000", "U0CHRIS00"];
interface Posted extends SlackMessage {
  readonly to: string;
  readonly ts: string;
  updates: SlackMessage[];
}

class Channels {
  readonly posted: Posted[] = [];
  readonly schedules = new Map<string, { readonly at: string; readonly input: string }>();
  refusal: string | undefined;
  readonly desk: Desk;
  constructor(over: Partial<ApprovalView> = {}) {
    this.desk = new Desk({
      sensitive_paths: [],
      nonces: {},
      slack_users: { "ana@example.com": ANA, "chris@example.com": CHRIS },
      slack_channel: "C0CHANNEL",
      remind_at: ["2026-11-21T15:00:00.000Z", "2026-11-21T16:36:00.500Z"],
      escalation: [{ at: "2026-11-21T14:00:00.000Z", people: ["chris@example.com", "ana@example.com"] }],
      delegates: ["dora@example.com"],
      ...over,
    });
  }
  readonly slack: Pick<Slack, "post" | "update"> = {
    post: async (to, message) => {
      this.refuse();
      expect(messageBlocks.safeParse(message.blocks).error).toBeUndefined();
      const ts = `${this.posted.length + 1}.000100`;
      this.posted.push({ ...message, to, ts, updates: [] });
      return { channel: `D${to.slice(1)}`, ts };
    },
    update: async ({ ts }, message) => {
      this.refuse();
      this.posted.find((one) => one.ts === ts)?.updates.push(message);
    },
  };
  private refuse(): void {
    if (this.refusal !== undefined) throw Object.assign(new Error("slack"), { code: this.refusal });
  }
  get deps() {
    return {
      ...this.desk.deps,
      slack: this.slack,
      workflow: this.desk.view.workflow,
      sealer: { seal: async () => "sealed" },
      schedules: {
        once: async (name: string, at: string, input: string) => {
          if (this.schedules.has(name)) return "exists" as const;
          this.schedules.set(name, { at, input });
          return "created" as const;
        },
      },
    };
  }
  request = () => createRequest(this.deps)({ task_token: "token-1", approval: this.desk.view });
  sender = (event: unknown) => createSender(this.deps)(event);
  /** Fires what was scheduled until then, in order. */
  async until(iso: string): Promise<void> {
    const due = [...this.schedules].filter(([, { at }]) => at <= iso).sort(([, a], [, b]) => (a.at < b.at ? -1 : 1));
    for (const [name, { at, input }] of due) {
      this.schedules.delete(name);
      this.desk.nowMs = Date.parse(at);
      await this.sender(JSON.parse(input));
    }
    this.desk.nowMs = Date.parse(iso);
  }
  /** The stream's records of this question. */
  deliver = () => {
    const { workflow, approval_id: id } = this.desk.view;
    const Keys = { pk: { S: `act#${workflow}#${id}` }, sk: { S: "x" } };
    return this.sender({ Records: [{ dynamodb: { SequenceNumber: "1", Keys } }] });
  };
  decide = (approver: string, decision: "approve" | "reject", comment = "") => {
    const who: Who = { approver, channel: "slack", method: "slack", subject: `slack:T/${approver}` };
    return decideApproval(this.desk.deps, who, this.desk.ref, { decision, confirmation: "420.00", comment });
  };
  mailsOf = (to: string) => this.desk.mails.filter((mail) => mail.to === to);
  tosOf = () => this.posted.map(({ to }) => to);
}
const actions = ({ blocks }: SlackMessage) =>
  blocks.flatMap((block) => (block.type === "actions" ? block.elements.map((one) => one.action_id) : []));
const text = ({ blocks }: SlackMessage) => JSON.stringify(blocks);

beforeEach(() => void vi.spyOn(console, "log").mockImplementation(() => {}));

describe("asking", () => {
  test("posts to each approver whom the contract names in Slack and to the channel, beside the mails", async () => {
    const channels = new Channels();
    await channels.request();
    expect(channels.tosOf()).toEqual([ANA, "C0CHANNEL"]);
    const [direct, channel] = channels.posted;
    expect(actions(direct ?? { text: "", blocks: [] })).toEqual([
      "approve",
      "reject",
      "edit",
      "ask",
      "delegate",
      "open-page",
    ]);
    // Nobody's own way to the page is shown to everybody.
    expect(actions(channel ?? { text: "", blocks: [] })).toEqual(["approve", "reject", "edit", "ask", "delegate"]);
    expect(text(channel ?? { text: "", blocks: [] })).not.toContain("/approvals/");
    const link = /approvals\/(\S+)/.exec(channels.mailsOf("ana@example.com")[0]?.text ?? "")?.[1];
    expect(text(direct ?? { text: "", blocks: [] })).toContain(`/approvals/${link}`);
    expect(await channels.desk.approvals.readSent(channels.desk.ref)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ channel: "slack", kind: "asked", to: ANA, ref: `D${ANA.slice(1)}/1.000100` }),
        expect.objectContaining({ channel: "slack", kind: "asked", to: "C0CHANNEL" }),
      ]),
    );
  });

  test("again, after a crash or a new task token, posts and schedules nothing twice", async () => {
    const channels = new Channels();
    await channels.request();
    await channels.request();
    expect(channels.tosOf()).toEqual([ANA, "C0CHANNEL"]);
    expect(channels.schedules.size).toBe(3);
  });

  test.each(["slack_webapi_platform_error", "slack_webapi_request_error"])(
    "goes on by mail when Slack fails (%s)",
    async (code) => {
      const channels = new Channels();
      channels.refusal = code;
      expect(await channels.request()).toEqual({ mailed: 2 });
      expect(channels.posted).toEqual([]);
      // The next attempt finds the mails sent and Slack well.
      channels.refusal = undefined;
      await channels.request();
      expect(channels.tosOf()).toEqual([ANA, "C0CHANNEL"]);
      expect(channels.desk.mails).toHaveLength(2);
    },
  );

  test("what is sensitive stays on the page: no preview, no words of the agent, no title", async () => {
    const channels = new Channels({
      page_only: ["title", "args", "preview", "says"],
      title: "Refund to Jo Doe",
      says: "Jo Doe is angry",
    });
    await channels.request();
    const everything = JSON.stringify([channels.posted, channels.desk.mails]);
    expect(everything).not.toMatch(/Jo Doe|refunded_cents|angry/);
    expect(everything).toContain("stripe.refund of billing-dispute");
    expect(channels.posted.flatMap(actions)).not.toContain("approve");
  });
});

describe("time", () => {
  test("reminds at the contract's fractions whoever may decide and has not, and brings the next group in", async () => {
    const channels = new Channels();
    await channels.request();
    expect([...channels.schedules.values()].map(({ at }) => at)).toEqual([
      "2026-11-21T15:00:00.000Z",
      "2026-11-21T16:36:00.500Z",
      "2026-11-21T14:00:00.000Z",
    ]);
    await channels.until("2026-11-21T14:00:00.000Z");
    expect(channels.mailsOf("chris@example.com")[0]?.text).toContain("from now on you may decide too");
    // Who was asked at first is not asked again.
    expect(channels.mailsOf("ana@example.com")).toHaveLength(1);
    expect(channels.tosOf()).toEqual([ANA, "C0CHANNEL", CHRIS]);
    await channels.until("2026-11-21T15:00:00.000Z");
    for (const person of ["ana@example.com", "bo@example.com", "chris@example.com"])
      expect(channels.mailsOf(person).at(-1)?.text).toContain("Reminder: 2 h left to decide");
    expect(channels.mailsOf("dora@example.com")).toEqual([]);
    expect(channels.tosOf()).toEqual([ANA, "C0CHANNEL", CHRIS, ANA, CHRIS]);
    const told = await channels.desk.approvals.readTold(channels.desk.ref);
    expect(told.map(({ kind, n, to, at }) => `${at.slice(11, 16)} ${kind} ${n} ${to}`)).toEqual([
      "14:00 escalation 1 chris@example.com",
      "15:00 reminder 1 ana@example.com",
      "15:00 reminder 1 bo@example.com",
      "15:00 reminder 1 chris@example.com",
    ]);
    // A reminder's code works.
    const { path, code } = channels.desk.wayOf("bo@example.com");
    expect((await channels.desk.post(path, { decision: "reject", comment: "no", code })).status).toBe(200);
  });

  test("a call that comes twice tells nobody twice", async () => {
    const channels = new Channels();
    await channels.request();
    const calls = [...channels.schedules.values()].map(({ input }) => JSON.parse(input));
    channels.desk.nowMs = Date.parse("2026-11-21T16:40:00.000Z");
    for (const call of [...calls, ...calls]) await channels.sender(call);
    expect(await channels.desk.approvals.readTold(channels.desk.ref)).toHaveLength(7);
    expect(channels.mailsOf("ana@example.com")).toHaveLength(3);
    expect(channels.mailsOf("chris@example.com")).toHaveLength(3);
    expect(channels.posted.filter(({ to }) => to === ANA)).toHaveLength(3);
  });

  test.each(["approve", "reject"] as const)("does nothing when it is over (%s)", async (decision) => {
    const channels = new Channels();
    await channels.request();
    await channels.decide("bo@example.com", decision, "because");
    const before = channels.desk.mails.length;
    await channels.until("2026-11-21T16:59:00.000Z");
    expect(channels.desk.mails).toHaveLength(before);
    expect(channels.posted).toHaveLength(2);
  });

  test("who decided is not reminded while others must still decide", async () => {
    const channels = new Channels({ needed: 2, sign_in: "required" });
    await channels.request();
    await channels.decide("ana@example.com", "approve");
    await channels.until("2026-11-21T15:00:00.000Z");
    expect(channels.mailsOf("ana@example.com")).toHaveLength(1);
    expect(channels.mailsOf("bo@example.com").at(-1)?.text).toContain("Reminder");
  });

  test("times that are over, or at the deadline, are not scheduled", async () => {
    const channels = new Channels({
      remind_at: ["2026-11-21T12:00:00.000Z", "2026-11-21T17:00:00.000Z"],
      escalation: [],
    });
    await channels.request();
    expect(channels.schedules.size).toBe(0);
  });
});

describe("afterwards", () => {
  test("every message loses its buttons and says who decided what, when and where", async () => {
    const channels = new Channels();
    await channels.request();
    await channels.until("2026-11-21T15:00:00.000Z");
    await channels.decide("bo@example.com", "reject", "ask for the invoice first");
    await channels.deliver();
    await channels.deliver();
    expect(channels.posted.length).toBeGreaterThan(3);
    for (const { updates } of channels.posted) {
      expect(updates).toHaveLength(1);
      const [update] = updates;
      if (update === undefined) throw new Error("no update");
      expect(actions(update)).toEqual([]);
      expect(text(update)).toMatch(
        /Rejected by bo@example\.com, 16:00 Europe\/Berlin.*in Slack.*ask for the invoice first/,
      );
    }
  });

  test("expired is not rejected, and voided is said after approved", async () => {
    const expired = new Channels();
    await expired.request();
    expired.desk.nowMs = Date.parse(expired.desk.view.deadline) + 1;
    const at = "2026-11-21T17:00:01.000Z";
    const outcome = { at, reasons: ["the preview changed"], next_approval_id: null };
    await expired.desk.approvals.insertOutcome(expired.desk.ref, { kind: "expired", ...outcome });
    await expired.deliver();
    expect(text(expired.posted[0]?.updates[0] ?? { text: "", blocks: [] })).toContain("Nobody rejected it");

    const voided = new Channels();
    await voided.request();
    await voided.decide("ana@example.com", "approve");
    await voided.deliver();
    await voided.desk.approvals.insertOutcome(voided.desk.ref, { kind: "voided", ...outcome });
    await voided.deliver();
    const [first, second] = voided.posted[0]?.updates ?? [];
    expect(text(first ?? { text: "", blocks: [] })).toContain("Approved by ana@example.com");
    expect(text(second ?? { text: "", blocks: [] })).toContain("the preview changed");
  });

  test("a message that is gone does not hold up the others; a Slack that does not answer is tried again", async () => {
    const channels = new Channels();
    await channels.request();
    await channels.decide("bo@example.com", "reject", "no");
    channels.refusal = "slack_webapi_request_error";
    expect((await channels.deliver()).batchItemFailures).toHaveLength(1);
    channels.refusal = "slack_webapi_platform_error";
    expect((await channels.deliver()).batchItemFailures).toEqual([]);
  });

  test("whom the decision is handed to is asked in Slack too", async () => {
    const channels = new Channels({ delegates: ["chris@example.com"], escalation: [] });
    await channels.request();
    const act = { by: "ana@example.com", channel: "page", method: "code", at: "2026-11-21T13:01:00.000Z" } as const;
    await channels.desk.approvals.insertAct(channels.desk.ref, {
      kind: "delegation",
      ...act,
      to: "chris@example.com",
      comment: "",
    });
    await channels.deliver();
    await channels.deliver();
    expect(channels.tosOf()).toEqual([ANA, "C0CHANNEL", CHRIS]);
    expect(text(channels.posted[2] ?? { text: "", blocks: [] })).toContain(
      "ana@example.com handed this decision to you",
    );
  });
});
