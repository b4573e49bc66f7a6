import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { createApp } from "../../lambdas/approval-desk/app.js";
import { createHandler } from "../../lambdas/request-approval/serve.js";
import { newCode, showCode } from "../../lib/approval/code.js";
import { type Approvals, dynamoApprovals } from "../../lib/aws/approvals.js";
import { dynamoControl } from "../../lib/aws/control.js";
import type { Mail } from "../../lib/aws/mailer.js";
import { viewHash } from "../../lib/run/hash.js";
import type { ApprovalView } from "../../lib/run/protocol.js";
import { approvalViewOf } from "../approval/fixture.js";
import { newRun, startStage, type TestStage } from "../aws/cloud.js";

const ASKED = Date.parse("2026-11-21T13:00:00.000Z");
let stage: TestStage;
let approvals: Approvals;
beforeAll(async () => {
  stage = await startStage();
  approvals = dynamoApprovals(stage.table("approvals"));
  vi.spyOn(console, "log").mockImplementation(() => {});
});
afterAll(() => stage.close());

let view: ApprovalView;
let mails: Mail[];
let codes: Map<string, string>;
let links: Map<string, string>;
let nowMs: number;
let refusedMails: Set<string>;
beforeEach(() => {
  view = approvalViewOf({ approval_id: `ap_${newRun().runId}` });
  mails = [];
  codes = new Map();
  links = new Map();
  nowMs = ASKED + 60_000;
  refusedMails = new Set();
});
const ref = () => ({ workflow: view.workflow, approvalId: view.approval_id });

let made = 0;
const ask = (over: Partial<ApprovalView> = {}, token = "token-1") =>
  createHandler({
    workflow: "billing-dispute",
    deskUrl: "https://desk.example",
    approvals,
    sealer: { seal: async (to, text) => `sealed:${to.approvalId}:${text}` },
    mailer: {
      async send(mail) {
        if (refusedMails.has(mail.to)) throw new Error("MessageRejected");
        mails.push(mail);
        links.set(mail.to, /approvals\/(\S+)/.exec(mail.text)?.[1] ?? "");
        codes.set(mail.to, /^Code: (\S+)$/m.exec(mail.text)?.[1] ?? "");
        return `message-${mails.length}`;
      },
    },
    schedules: { once: async () => "created" },
    nowMs: () => nowMs,
    newLink() {
      made += 1;
      return { linkId: `link-${String(made).padStart(16, "0")}`, code: newCode(), salt: "0".repeat(32) };
    },
  })({ task_token: token, approval: { ...view, ...over } });

describe("asking", () => {
  test("stores request, token and links, and mails link and code to each approver", async () => {
    expect(await ask()).toEqual({ mailed: 2 });
    expect(mails.map(({ to }) => to)).toEqual(["ana@example.com", "bo@example.com"]);
    expect(mails[0]?.subject).toBe("Refund €420.00 to cus_9: cannot be undone");
    for (const { text, html } of mails) {
      for (const body of [text, html]) {
        expect(body).toContain("18:00 Europe/Berlin");
        expect(body).not.toMatch(/Jo Doe|ch_77|token-1|Two charges/);
      }
    }
    expect(links.get("ana@example.com")).not.toContain((codes.get("ana@example.com") ?? "").replace("-", ""));
    expect(codes.get("ana@example.com")).not.toBe(codes.get("bo@example.com"));
    expect(await approvals.readRequest(ref())).toEqual(view);
    expect(await approvals.readTokens(ref())).toEqual([`sealed:${view.approval_id}:token-1`]);
    const link = await approvals.readLink(links.get("ana@example.com") ?? "");
    expect(link).toMatchObject({ approver: "ana@example.com", expires_at: view.deadline });
    expect(JSON.stringify(link)).not.toContain(codes.get("ana@example.com")?.replace("-", ""));
  });
  test("a repeat mails nobody again, and keeps the new token too", async () => {
    await ask();
    expect(await ask({}, "token-2")).toEqual({ mailed: 2 });
    expect(mails).toHaveLength(2);
    expect(await approvals.readTokens(ref())).toHaveLength(2);
  });
  test("who asked for the run is not asked", async () => {
    view = approvalViewOf({ ...view, approvers: ["dana@example.com", "ana@example.com"] });
    expect(await ask()).toEqual({ mailed: 1 });
    expect(mails.map(({ to }) => to)).toEqual(["ana@example.com"]);
    await expect(
      ask({ ...approvalViewOf({ approval_id: "ap_x", approvers: ["dana@example.com"] }) }),
    ).rejects.toMatchObject({ code: "CS-2114" });
  });
  test("one address that bounces keeps nobody else from being asked; too few do", async () => {
    refusedMails.add("ana@example.com");
    expect(await ask()).toEqual({ mailed: 1 });
    refusedMails.clear();
    expect(await ask()).toEqual({ mailed: 2 });
    expect(mails.map(({ to }) => to)).toEqual(["bo@example.com", "ana@example.com"]);
    view = approvalViewOf({ approval_id: `${view.approval_id}x`, needed: 2 });
    refusedMails.add("bo@example.com");
    await expect(ask()).rejects.toMatchObject({ code: "CS-2115" });
  });
  test("a request that is not what the gate hashed asks nobody", async () => {
    await expect(ask({ args: { ...view.args, amount_cents: 1 } })).rejects.toMatchObject({ code: "CS-2112" });
    expect(mails).toEqual([]);
  });
});

const app = () =>
  createApp({
    stage: "dev",
    approvals,
    control: dynamoControl(stage.table("control")),
    nowMs: () => nowMs,
  });
const linkOf = (who: string) => `/approvals/${links.get(who) ?? "none"}`;
const look = async (who = "ana@example.com", accept = "text/html") => {
  const response = await app().request(linkOf(who), { headers: { accept } });
  return { status: response.status, headers: response.headers, text: await response.text() };
};
async function post(who: string, over: Record<string, string> = {}, accept = "application/json") {
  const body = new URLSearchParams({
    decision: "approve",
    code: codes.get(who) ?? "",
    confirmation: "420.00",
    comment: "",
    ...over,
  });
  const response = await app().request(linkOf(who), { method: "POST", body, headers: { accept } });
  const text = await response.text();
  return { status: response.status, text, body: accept === "application/json" ? JSON.parse(text) : undefined };
}
const ana = "ana@example.com";
const bo = "bo@example.com";
const decided = async () =>
  (await approvals.readDecisions(ref())).map(({ approver, decision }) => `${approver} ${decision}`);

describe("the page", () => {
  test("shows everything that was asked, and decides nothing", async () => {
    await ask();
    const { status, text, headers } = await look();
    expect(status).toBe(200);
    const order = [
      "Refund €420.00 to cus_9",
      "cannot be undone",
      "€0.00 (0)",
      "€420.00 (42000)",
      "unchanged",
      "All arguments",
      "for Jo Doe",
      "refund_threshold",
      "refunds above €50",
      "untrusted text",
      "unverified",
      "Two charges",
      "customer, today",
      "0.0166 of 0.40 USD",
      "dana@example.com",
      "bd-dp_118-01J",
      "18:00 Europe/Berlin on Sat 21 Nov 2026 (17:00 UTC)",
      "3 h 59 min",
      "No answer means",
      "Code from your mail",
      "Approve",
      "Reject",
    ];
    const places = order.map((shown) => text.indexOf(shown));
    expect(
      places.filter((place) => place === -1),
      order[places.indexOf(-1)],
    ).toEqual([]);
    expect([...places].sort((a, b) => a - b)).toEqual(places);
    expect(headers.get("content-security-policy")).toMatch(
      /^default-src 'none'; style-src 'sha256-[^']+'; .*form-action 'self'; .*frame-ancestors 'none'$/,
    );
    expect(headers.get("referrer-policy")).toBe("no-referrer");
    expect(headers.get("cache-control")).toBe("no-store");
    expect(text).not.toMatch(/<script|d{64}|token-1/);
    expect(await decided()).toEqual([]);
  });
  test("escapes what is hostile and marks what hides", async () => {
    const hostile = '<script>alert(1)</script>"\u202e\u200b';
    view = approvalViewOf({
      ...view,
      action_hash: undefined as never,
      args: { ...view.args, charge_id: hostile },
      says: hostile,
      title: hostile,
      based_on: [{ tool: "t", subject: hostile, at: view.requested_at, untrusted: true }],
    });
    await ask();
    const { text } = await look();
    expect(text).not.toMatch(/<script|\u202e|\u200b/);
    expect(text).toContain("[U+202E]");
    expect(text).toMatch(/^<!DOCTYPE html><html lang="en">/);
    expect(`${mails[0]?.subject}${mails[0]?.text}${mails[0]?.html}`).not.toMatch(/\u202e|\u200b/);
    expect(mails[0]?.html).not.toContain("<script");
  });
  test("an unknown link is not found", async () => {
    await ask();
    for (const link of ["link-9999999999999999", "x", "..%2f", "link-%00"]) {
      const response = await app().request(`/approvals/${link}`);
      expect(response.status).toBe(404);
      expect(await response.text()).toMatch(/role="alert"[\s\S]*CS-2101/);
    }
    expect((await app().request("/")).status).toBe(404);
  });
  test("a request that was changed is neither shown nor decided", async () => {
    const tampered = approvalViewOf({
      ...view,
      args: { ...view.args, amount_cents: 1 },
      action_hash: view.action_hash,
    });
    await ask();
    const app2 = createApp({
      stage: "dev",
      approvals: { ...approvals, readRequest: async () => tampered },
      control: dynamoControl(stage.table("control")),
      nowMs: () => nowMs,
    });
    const shown = await app2.request(linkOf(ana));
    expect([shown.status, await shown.text()]).toEqual([409, expect.stringContaining("CS-2112")]);
    const body = new URLSearchParams({ decision: "approve", code: codes.get(ana) ?? "", confirmation: "420.00" });
    expect((await app2.request(linkOf(ana), { method: "POST", body })).status).toBe(409);
    expect(await decided()).toEqual([]);
  });
  test("another stage's request is not shown", async () => {
    view = approvalViewOf({ approval_id: view.approval_id, stage: "prod" });
    await ask();
    expect((await look()).status).toBe(409);
  });
});

describe("deciding", () => {
  test("with the code and the typed amount: written down, whoever wakes the state machine", async () => {
    await ask();
    await ask({}, "token-2");
    const { status, body } = await post(ana, { comment: " charged twice " });
    expect([status, body.status]).toEqual([200, "approved"]);
    expect(await approvals.readDecisions(ref())).toEqual([
      {
        approval_id: view.approval_id,
        approver: ana,
        decision: "approve",
        channel: "page",
        method: "code",
        subject: expect.stringMatching(/^link:[0-9a-f]{32}$/),
        comment: "charged twice",
        decided_at: "2026-11-21T13:01:00.000Z",
        action_hash: view.action_hash,
        policy_set_hash: view.policy_set_hash,
        view_hash: viewHash(view),
      },
    ]);
    const later = await look(bo);
    expect(later.text).toMatch(/Approved[\s\S]*ana@example\.com[\s\S]*charged twice/);
    expect(later.text).not.toContain("<form");
    expect((await post(bo)).body).toMatchObject({ code: "CS-2106" });
    expect(await decided()).toEqual([`${ana} approve`]);
  });
  test("through JSON, as the command line does", async () => {
    await ask();
    const send = (body: unknown) =>
      app().request(linkOf(ana), {
        method: "POST",
        body: JSON.stringify(body),
        headers: { "content-type": "application/json", accept: "application/json" },
      });
    const response = await send({ decision: "reject", code: codes.get(ana), comment: "no" });
    expect(await response.json()).toMatchObject({
      status: "rejected",
      message: expect.stringContaining("rejected"),
      decisions: [{ channel: "cli" }],
    });
    expect((await send({ decision: "approve", code: 1 })).status).toBe(400);
    expect((await send([])).status).toBe(400);
  });
  test("two people are two people", async () => {
    view = approvalViewOf({ approval_id: view.approval_id, needed: 2 });
    await ask();
    expect((await post(ana)).body.status).toBe("open");
    expect((await post(ana)).body).toMatchObject({ code: "CS-2107" });
    expect((await look(ana)).text).not.toContain("<form");
    expect((await post(bo)).body.status).toBe("approved");
  });
  test("one rejection ends it, and needs a comment", async () => {
    view = approvalViewOf({ approval_id: view.approval_id, needed: 2 });
    await ask();
    expect((await post(ana, { decision: "reject", confirmation: "", comment: "  " })).body).toMatchObject({
      code: "CS-2108",
    });
    expect((await post(ana, { decision: "reject", confirmation: "", comment: "not theirs" })).body.status).toBe(
      "rejected",
    );
    expect((await post(bo)).body).toMatchObject({ code: "CS-2106" });
    expect(await decided()).toEqual([`${ana} reject`]);
  });
  test("what cannot be undone is typed exactly", async () => {
    await ask();
    for (const confirmation of ["", "420", "420,00", "420.0", "€420.00"])
      expect((await post(ana, { confirmation })).body).toMatchObject({ code: "CS-2109" });
    expect(await decided()).toEqual([]);
  });
  test("five wrong codes lock this link and no other; malformed ones do not count", async () => {
    await ask();
    for (const code of ["", "abc", "ABCDEFG0", "ABCDEFGHJKLM"])
      expect((await post(ana, { code })).body).toMatchObject({ code: "CS-2102" });
    for (const left of [4, 3, 2, 1])
      expect((await post(ana, { code: wrong(ana) })).body).toMatchObject({
        code: "CS-2103",
        tries_left: left,
        message: expect.stringContaining(left === 1 ? "1 try left" : `${left} tries left`),
      });
    expect((await post(ana, { code: wrong(ana) })).body).toMatchObject({ code: "CS-2104" });
    expect((await post(ana)).body).toMatchObject({ code: "CS-2104" });
    expect((await post(ana, { code: "" })).body).toMatchObject({ code: "CS-2104" });
    expect(await decided()).toEqual([]);
    expect((await post(bo)).body.status).toBe("approved");
  });
  test("many guesses at once get five tries", async () => {
    await ask();
    const answers = await Promise.all(Array.from({ length: 12 }, () => post(ana, { code: wrong(ana) })));
    expect(answers.filter(({ body }) => body.code === "CS-2103")).toHaveLength(4);
    expect(answers.filter(({ body }) => body.code === "CS-2104")).toHaveLength(8);
  });
  test("a right code costs no try, also when the decision came too late", async () => {
    await ask();
    for (let round = 0; round < 7; round++) expect((await post(ana, { confirmation: "no" })).status).toBe(422);
    expect((await post(ana)).body.status).toBe("approved");
    expect(await approvals.readTries(links.get(ana) ?? "", 0)).toBe(0);
  });
  test("another approver's code is a wrong code", async () => {
    await ask();
    expect((await post(ana, { code: codes.get(bo) ?? "" })).body).toMatchObject({ code: "CS-2103" });
  });
  test("after the deadline it is expired, not rejected", async () => {
    await ask();
    nowMs = Date.parse(view.deadline);
    expect([(await post(ana)).status, (await post(ana)).body.code]).toEqual([410, "CS-2105"]);
    const { status, text } = await look();
    expect(status).toBe(410);
    expect(text).toMatch(/Expired[\s\S]*Nobody rejected it/);
    expect(text).not.toContain("<form");
    expect(await decided()).toEqual([]);
  });
  test("while the workflow is stopped nothing is approved, but it can be rejected", async () => {
    await ask();
    const control = dynamoControl(stage.table("control"));
    const brake = { on: true, by: "op", at: "2026-11-21T12:00:00.000Z", reason: "incident" };
    await control.writeBrake(view.workflow, brake);
    const stopped = await post(ana);
    const rejected = await post(bo, { decision: "reject", comment: "incident" });
    await control.writeBrake(view.workflow, { ...brake, on: false });
    expect([stopped.status, stopped.body.code, rejected.body.status]).toEqual([423, "CS-2110", "rejected"]);
  });
  test("who asked for the run cannot decide, should a link to them exist", async () => {
    await ask();
    const link = await approvals.readLink(links.get(ana) ?? "");
    if (link === undefined) throw new Error("no link");
    await approvals.insertLink("link-of-the-requester", { ...link, approver: "dana@example.com" });
    links.set("dana@example.com", "link-of-the-requester");
    codes.set("dana@example.com", codes.get(ana) ?? "");
    expect((await post("dana@example.com")).body).toMatchObject({ code: "CS-2111" });
    expect((await post("dana@example.com", { decision: "reject", comment: "x" })).body).toMatchObject({
      code: "CS-2111",
    });
  });
  test("a decision whose writing was answered twice is the person's own", async () => {
    await ask();
    const echo = createApp({
      stage: "dev",
      approvals: {
        ...approvals,
        async insertDecision(...decision) {
          await approvals.insertDecision(...decision);
          return approvals.insertDecision(...decision);
        },
      },
      control: dynamoControl(stage.table("control")),
      nowMs: () => nowMs,
    });
    const body = new URLSearchParams({ decision: "approve", code: codes.get(ana) ?? "", confirmation: "420.00" });
    expect((await echo.request(linkOf(ana), { method: "POST", body })).status).toBe(200);
    expect(await decided()).toHaveLength(1);
  });
  test("a refused form keeps what was typed, except the code", async () => {
    await ask();
    const { status, text } = await post(ana, { code: wrong(ana), comment: "please <b>wait" }, "text/html");
    expect(status).toBe(403);
    expect(text).toMatch(/role="alert"[\s\S]*CS-2103[\s\S]*4 tries left/);
    expect(text).toContain('value="420.00"');
    expect(text).toContain("please &lt;b&gt;wait");
    expect(text).not.toContain(wrong(ana));
  });
  test("a form that the page does not send is refused", async () => {
    await ask();
    const form = "application/x-www-form-urlencoded";
    const raw: readonly [string, string, number][] = [
      ["decision=approve&decision=reject&code=x", form, 400],
      ["decision=maybe&code=x", form, 400],
      ["decision=approve&code=x&approver=ana", form, 400],
      ["{", "application/json", 400],
      ["decision=approve", "text/plain", 400],
      [`decision=approve&code=x&comment=${"x".repeat(220_000)}`, form, 413],
    ];
    for (const [body, type, status] of raw)
      expect(
        (await app().request(linkOf(ana), { method: "POST", body, headers: { "content-type": type } })).status,
        body.slice(0, 40),
      ).toBe(status);
  });
});

/** A code that is not this approver's. */
function wrong(who: string): string {
  const right = (codes.get(who) ?? "").replace("-", "");
  return showCode(`${right.slice(0, 7)}${right.endsWith("A") ? "B" : "A"}`);
}
