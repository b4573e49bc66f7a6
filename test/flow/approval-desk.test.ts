import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { decide } from "../../lib/client/desk.js";
import type { RunRef } from "../../lib/run/keys.js";
import { of } from "../../lib/scenario/compare.js";
import { FINISH, Flow, LOOKUP, REFUND } from "../support/flow.js";

let flow: Flow;
let run: RunRef;
beforeAll(async () => {
  flow = await Flow.shared();
});
beforeEach(async () => {
  await flow.begin([LOOKUP, REFUND, FINISH]);
  run = await flow.start();
  await flow.asked(run);
});

const ana = "ana@example.com";
const page = async (link: string) => {
  const response = await fetch(link);
  return { status: response.status, headers: response.headers, html: await response.text() };
};

describe("the page", () => {
  test("shows the whole action, and looking at it decides nothing", async () => {
    const { link, code } = flow.challenge(ana);
    const { status, html, headers } = await page(link);

    expect(status).toBe(200);
    for (const shown of ["Refund €420.00 to cus_9", "cannot be undone", "ch_77", "refund_threshold", "refunded_cents"])
      expect(html).toContain(shown);
    expect(html).not.toContain(code);
    expect(headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
    expect(headers.get("referrer-policy")).toBe("no-referrer");
    expect(headers.get("cache-control")).toContain("no-store");
    expect(of(await flow.settled(run), "ApprovalDecided")).toEqual([]);
  });

  test("the code is in the mail's body and not in its link, and the mail says nothing sensitive", async () => {
    const { link, code } = flow.challenge(ana);
    expect(link).not.toContain(code);
    const mail = flow.session.cloud.ses.mailbox.list().find((one) => one.to.includes(ana));
    expect(`${mail?.text}${mail?.html}${mail?.subject}`).not.toContain("charged twice for the same order");
  });
});

describe("refusals, each with its code", () => {
  test("an unknown link", async () => {
    const { link } = flow.challenge(ana);
    const unknown = `${link.slice(0, link.lastIndexOf("/"))}/AAAAAAAAAAAAAAAAAAAAAA`;
    expect((await page(unknown)).status).toBe(404);
    await expect(decide(unknown, { decision: "approve", code: "AAAAAAAA" })).rejects.toThrow(/link/);
  });

  test("a wrong code counts down, five lock this link and nobody else's", async () => {
    const { link } = flow.challenge(ana);
    for (let left = 4; left >= 0; left--)
      await expect(
        decide(link, { decision: "approve", code: "AAAAAAAA", confirmation: "420.00" }),
      ).rejects.toMatchObject({ code: left > 0 ? "CS-2103" : "CS-2104" });
    await expect(flow.decide(ana, { decision: "approve", confirmation: "420.00" })).rejects.toMatchObject({
      code: "CS-2104",
    });
    await flow.decide("bo@example.com", { decision: "approve", confirmation: "420.00" });
    expect(of(await flow.play(run), "ApprovalDecided").map((event) => event.data.approver)).toEqual(["bo@example.com"]);
  });

  test("a blank or malformed code is no try", async () => {
    const { link } = flow.challenge(ana);
    for (let attempt = 0; attempt < 7; attempt++)
      await expect(
        decide(link, { decision: "approve", code: attempt % 2 === 0 ? "" : "no code!", confirmation: "420.00" }),
      ).rejects.toThrow();
    await flow.decide(ana, { decision: "approve", confirmation: "420.00" });
  });

  test("an irreversible action without the typed amount, and a rejection without a comment", async () => {
    for (const confirmation of ["", "420", "420.01"])
      await expect(flow.decide(ana, { decision: "approve", confirmation })).rejects.toMatchObject({ code: "CS-2109" });
    await expect(flow.decide(ana, { decision: "reject" })).rejects.toThrow(/comment/);
    expect(of(await flow.settled(run), "ApprovalDecided")).toEqual([]);
  });

  test("after the deadline: expired, not rejected", async () => {
    const { link, code } = flow.challenge(ana);
    await flow.clock.advance(4 * 3_600_000 + 1000);
    await expect(decide(link, { decision: "approve", code, confirmation: "420.00" })).rejects.toThrow(/expired/);
    const events = await flow.play(run);
    expect(of(events, "ApprovalExpired")).toHaveLength(1);
    expect(flow.refunds()).toEqual({ refunds: [] });
  });

  test("after a decision every visitor is told who decided", async () => {
    await flow.decide(ana, { decision: "reject", comment: "ask for the invoice first" });
    await flow.clock.settled();
    for (const approver of [ana, "bo@example.com"]) {
      const { html } = await page(flow.challenge(approver).link);
      expect(html).toContain(ana);
      expect(html).toContain("ask for the invoice first");
    }
    await expect(flow.decide("bo@example.com", { decision: "approve", confirmation: "420.00" })).rejects.toThrow();
    expect(flow.refunds()).toEqual({ refunds: [] });
  });
});
