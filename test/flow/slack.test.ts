/** A run that people decide in Slack: the template's own functions, a workspace on this machine, the console's own buttons. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import { consoleData } from "../../lib/cli/console-data.js";
import { loadRules } from "../../lib/client/replay-rules.js";
import { consoleApp } from "../../lib/local/console/app.js";
import { definitionIn, machineOf } from "../../lib/replay/definition.js";
import { replayRun } from "../../lib/replay/replay.js";
import type { RunRef } from "../../lib/run/keys.js";
import { of } from "../../lib/scenario/compare.js";
import { root } from "../../scripts/ensure.mjs";
import { FINISH, Flow, LOOKUP, REFUND } from "../support/flow.js";

const ANA = "U012ANA3CD";
let flow: Flow;
let run: RunRef;
let app: ReturnType<typeof consoleApp>;
beforeAll(async () => {
  flow = await Flow.shared();
  const through = async (momentsMs: readonly number[]) => {
    for (const ms of momentsMs) await flow.clock.advanceTo(ms);
  };
  app = consoleApp(consoleData(root, "dev", () => flow.session, { aheadMs: () => 90 * 60_000, through }));
});
beforeEach(async () => {
  await flow.begin([LOOKUP, REFUND, FINISH]);
  run = await flow.start();
  await flow.asked(run);
  await flow.clock.settled();
});

const messages = () => flow.session.slack?.workspace.list() ?? [];
const messageOf = (user: string) => {
  const found = messages().find(({ to }) => to === user);
  if (found === undefined)
    throw new Error(
      `no message to ${user}; there are ${messages()
        .map(({ to }) => to)
        .join()}`,
    );
  return found;
};
const HOST = "http://127.0.0.1";
async function page(path: string): Promise<string> {
  return (await app.request(`${HOST}${path}`)).text();
}
const tokenIn = (html: string) => /name="token" value="([^"]+)"/.exec(html)?.[1] ?? "";
async function post(path: string, fields: Record<string, string>, headers: Record<string, string> = {}) {
  const body = new URLSearchParams(fields);
  const answer = await app.request(`${HOST}${path}`, {
    method: "POST",
    body,
    headers: { host: "127.0.0.1", ...headers },
  });
  return { status: answer.status, location: answer.headers.get("location") ?? "", html: await answer.text() };
}

describe("in the console's mailbox", () => {
  test("approve: press, type the amount, and the refund runs; the message says who", async () => {
    const { ts } = messageOf(ANA);
    const path = `/mailbox/slack/${ts}`;
    const shown = await page(path);
    for (const text of ["Refund €420.00 to cus_9: cannot be undone", "refund_threshold", "Approve", "Reject"])
      expect(shown).toContain(text);
    const pressed = await post(`${path}/press`, { token: tokenIn(shown), user: ANA, action: "approve" });
    expect(pressed.status).toBe(303);
    const modal = await page(pressed.location);
    expect(modal).toContain("Type 420.00 to approve");
    const wrong = await post(pressed.location, { token: tokenIn(modal), confirmation: "42" });
    expect(wrong).toMatchObject({ status: 422, html: expect.stringContaining("type 420.00 exactly") });
    expect(await post(pressed.location, { token: tokenIn(modal), confirmation: "420.00" })).toMatchObject({
      status: 303,
      location: "/mailbox",
    });
    const events = await flow.play(run);
    expect(of(events, "ApprovalDecided").map(({ data }) => [data.approver, data.channel, data.method])).toEqual([
      ["ana@example.com", "slack", "slack"],
    ]);
    expect(JSON.stringify(flow.refunds())).toContain("42000");
    await flow.clock.settled();
    const after = await page(path);
    expect(after).toContain("Approved by ana@example.com");
    expect(after).toMatch(/It ran by \d\d:\d\d [^(]*\(\d\d:\d\d UTC\) \(re_/);
    expect(after).not.toContain('name="action"');
    for (const to of ["ana@example.com", "bo@example.com", "chris@example.com"])
      expect(
        flow.session.cloud.ses.mailbox
          .list()
          .filter((mail) => mail.to.includes(to))
          .at(-1)?.subject,
      ).toContain("Approved: Refund");
  });

  /** Presses a button of a message to this member and submits its modal. */
  const through = async (user: string, action: string, typed: Record<string, string>) => {
    const path = `/mailbox/slack/${messageOf(user).ts}`;
    const shown = await page(path);
    const pressed = await post(`${path}/press`, { token: tokenIn(shown), user, action });
    const modal = await page(pressed.location);
    const done = await post(pressed.location, { token: tokenIn(modal), ...typed });
    return { modal, after: await page(done.location) };
  };

  test("change: a smaller refund is proposed, everybody is asked about it anew, and it runs", async () => {
    const { modal, after } = await through(ANA, "edit", {
      "field-0": "ch_77",
      "field-1": "20000",
      "field-2": "duplicate",
    });
    expect(modal).toContain('value="42000"');
    expect(after).toContain("everybody is asked about it again");
    await flow.play(run, (all) => of(all, "ApprovalRequested").length === 2);
    await flow.clock.settled();
    const newest = messages().filter(({ to }) => to === ANA);
    expect(newest).toHaveLength(2);
    expect(JSON.stringify(newest[0]?.blocks)).toContain("changed the arguments");
    expect(JSON.stringify(newest[1]?.blocks)).toContain("€200.00");
    await flow.decide("bo@example.com", { decision: "approve", confirmation: "200.00" });
    await flow.play(run);
    expect(JSON.stringify(flow.refunds())).toContain("20000");
  });

  test("ask and hand on: the owner gets the question, the delegate is asked in Slack and by mail", async () => {
    const subjectsTo = (to: string) => flow.session.cloud.ses.mailbox.list().filter((mail) => mail.to.includes(to));
    expect((await through(ANA, "ask", { comment: "which invoice?" })).after).toContain("is asked");
    expect((await through(ANA, "delegate", { to: "farid@example.com" })).after).toContain(
      "farid@example.com is asked now",
    );
    await flow.clock.settled();
    expect(subjectsTo("payments-ops@example.com").at(-1)?.text).toContain("which invoice?");
    expect(subjectsTo("farid@example.com").at(-1)?.text).toContain("ana@example.com");
    expect(JSON.stringify(messageOf("U012FAR6IJ").blocks)).toContain("handed this decision to you");
  });

  test("who is not in the contract is refused, and that is on record", async () => {
    const { ts } = messageOf(ANA);
    const path = `/mailbox/slack/${ts}`;
    const pressed = await post(`${path}/press`, {
      token: tokenIn(await page(path)),
      user: "U0STRANGER",
      action: "reject",
    });
    expect(await page(pressed.location)).toContain("none of the approvers of this contract");
    await flow.decide("bo@example.com", { decision: "reject", comment: "not now" });
    const events = await flow.play(run);
    expect(of(events, "ApprovalNoted").map(({ data }) => [data.kind, data.code, data.by])).toContainEqual([
      "refusal",
      "CS-2140",
      "slack:T0LOCAL/U0STRANGER",
    ]);
  });

  test("nobody else's page can press: no token, or another origin", async () => {
    const { ts } = messageOf(ANA);
    const path = `/mailbox/slack/${ts}`;
    const token = tokenIn(await page(path));
    const fields = { user: ANA, action: "reject" };
    expect((await post(`${path}/press`, { ...fields, token: "x" })).status).toBe(403);
    for (const headers of [{ origin: "https://evil.example" }, { "sec-fetch-site": "cross-site" }])
      expect((await post(`${path}/press`, { ...fields, token }, headers)).status).toBe(403);
    expect((await app.request(`${HOST}${path}/press`, { method: "POST" })).status).toBe(403);
  });

  test("time reminds, and then it is expired, not rejected, everywhere", async () => {
    const events = await flow.play(run);
    expect(of(events, "ApprovalExpired")).toHaveLength(1);
    await flow.clock.settled();
    const subjects = flow.session.cloud.ses.mailbox
      .list()
      .flatMap((mail) => (mail.to.includes("ana@example.com") ? [mail] : []));
    expect(subjects.filter(({ text }) => text.includes("Reminder:"))).toHaveLength(2);
    expect(subjects.at(-1)?.subject).toContain("Expired: Refund");
    expect(messages().filter(({ to }) => to === ANA)).toHaveLength(3);
    for (const message of messages()) expect(JSON.stringify(message.blocks)).toContain("Nobody rejected it");
  });

  test("nobody has to wait: the time is put forward to the reminder, the escalation and the deadline, in that order", async () => {
    const skip = async (words: string) => {
      const html = await page("/");
      const [, action = ""] = /action="(\/console\/waiting\/[^"]+\/skip)"/.exec(html) ?? [];
      const [, to = ""] = new RegExp(`value="([^"]+)">\\s*Skip to the ${words}`).exec(html) ?? [];
      return post(action, { token: tokenIn(html), to });
    };
    const toldBy = (text: string) =>
      flow.session.cloud.ses.mailbox.list().flatMap((mail) => (mail.text.includes(text) ? mail.to : []));
    expect(await page("/")).toContain("1 h 30 min ahead");
    expect(await skip("reminder")).toMatchObject({ status: 303, location: "/" });
    expect(toldBy("Reminder:").sort()).toEqual(["ana@example.com", "bo@example.com", "chris@example.com"]);
    expect(await skip("escalation")).toMatchObject({ status: 303 });
    expect(toldBy("from now on you may decide too")).toEqual(["erin@example.com"]);
    expect(await skip("deadline")).toMatchObject({ status: 303 });
    const events = await flow.settled(run);
    expect(of(events, "ApprovalExpired")).toHaveLength(1);
    // Whom it reached is in the log: reminders at a quarter and at nine tenths of the time, and who was brought in between them.
    const told = of(events, "ApprovalNoted").flatMap(({ data }) => (data.by === "approval-sender" ? [data] : []));
    expect(told.map(({ kind, to }) => `${kind}: ${to}`)).toEqual([
      "reminder: ana@example.com, bo@example.com, chris@example.com",
      "escalation: erin@example.com",
      "reminder: ana@example.com, bo@example.com, chris@example.com, erin@example.com",
    ]);
    const rules = await loadRules({ root, workflow: "billing-dispute" });
    const template = readFileSync(join(inject("assembly"), "countersign-dev-billing-dispute.template.json"), "utf8");
    const machine = machineOf(definitionIn(JSON.parse(template)));
    expect((await replayRun(events, rules, machine)).comparison).toMatchObject({ identical: true });
    const last = flow.session.cloud.ses.mailbox
      .list()
      .filter((mail) => mail.to.includes("erin@example.com"))
      .at(-1);
    expect(last?.subject).toContain("Expired: Refund");
    expect(await page("/")).toContain("Nothing waits for people");
  });

  test("only this console's own forms put the time forward, and only to what is to come", async () => {
    const html = await page("/");
    const [, action = ""] = /action="(\/console\/waiting\/[^"]+\/skip)"/.exec(html) ?? [];
    const [, to = ""] = /name="to" value="([^"]+)"/.exec(html) ?? [];
    const now = flow.clock.now();
    const token = tokenIn(html);
    expect((await post(action, { token: "x", to })).status).toBe(403);
    expect((await post(action, { token, to }, { "sec-fetch-site": "cross-site" })).status).toBe(403);
    expect((await post(action, { token, to: "2030-01-01T00:00:00.000Z" })).status).toBe(404);
    expect((await post("/console/waiting/ap_none/skip", { token, to })).status).toBe(404);
    const still = consoleApp(consoleData(root, "dev", () => flow.session));
    const without = await still.request(`${HOST}${action}`, {
      method: "POST",
      body: new URLSearchParams({ token, to }),
    });
    expect(without.status).toBe(403);
    expect(await (await still.request(`${HOST}/`)).text()).not.toContain("Skip to");
    expect(flow.clock.now()).toBe(now);
  });

  test("a mail stands in a frame that runs nothing", async () => {
    const [mail] = flow.session.cloud.ses.mailbox.list();
    expect(await page(`/mailbox/${mail?.id}`)).toContain('sandbox="allow-popups allow-popups-to-escape-sandbox"');
    const frame = await app.request(`${HOST}/mailbox/${mail?.id}/html`);
    expect(frame.headers.get("content-security-policy")).toMatch(/^sandbox .*default-src 'none'/);
    expect(await frame.text()).toContain("Refund €420.00 to cus_9");
  });
});
