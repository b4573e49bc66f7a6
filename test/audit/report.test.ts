import { describe, expect, test } from "vitest";
import { reportFacts } from "../../lib/audit/report/facts.js";
import { type PolicyTexts, reportHtml } from "../../lib/audit/report/report.js";
import { timelineOf } from "../../lib/audit/report/timeline.js";
import { callAnswers, summaryOf } from "../../lib/audit/report/words.js";
import type { RecordedEvent } from "../../lib/run/events.js";
import { rechained, refusedRun, rejectedRun, wholeRun } from "./support.js";

const policies: PolicyTexts = {
  texts: new Map([
    ["refund_threshold", { reason: "refunds need one person", text: "permit (principal, action, resource);" }],
  ]),
  setHash: null,
};
const html = (events: readonly RecordedEvent[]) =>
  reportHtml({
    events,
    policies,
    verdict: { ok: true, summary: "1 of 1 runs valid" },
    madeAt: "2026-11-24T12:00:00.000Z",
  });
const HOSTILE = `"><script>alert(1)</script><img src=x onerror=alert(1)> \u202Eevil\u200B`;

describe("the four answers of an incident", () => {
  test("context, policy, call and the checks that passed, for each call that ran", () => {
    const answers = callAnswers(reportFacts(wholeRun().events));
    expect(answers.map(({ tool }) => tool)).toEqual(["stripe.lookup_charge", "stripe.refund", "zendesk.reply"]);
    const [, refund] = answers;
    expect(refund).toMatchObject({
      policies: ["refund_threshold"],
      approvals: ["ana@example.com"],
      result: "ok",
      contextHash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(refund?.context.join()).toContain("the result of stripe.lookup_charge in step 1");
    expect(refund?.passed).toContain("dependencies");
    expect(html(wholeRun().events)).toContain("which checks passed that should have caught it");
  });
  test("nothing ran", () => {
    expect(callAnswers(reportFacts(refusedRun("acme")))).toEqual([]);
    expect(html(refusedRun("acme"))).toContain("No tool call ran.");
  });
});

test("in words: who asked, what ran, who decided, how it ended", () => {
  const said = summaryOf(reportFacts(wholeRun().events)).join(" ");
  expect(said).toMatch(/dana@example\.com asked for this run/);
  expect(said).toMatch(/3 tool calls were permitted: stripe\.lookup_charge \(step 1\), stripe\.refund \(step 2\)/);
  expect(said).toMatch(
    /One person was asked about stripe\.refund in step 2 by the policy refund_threshold; ana@example\.com approved/,
  );
  expect(said).toMatch(/It ended as refunded/);
  expect(summaryOf(reportFacts(rejectedRun().events)).join(" ")).toMatch(/ana@example\.com rejected/);
  expect(summaryOf(reportFacts(refusedRun("acme"))).join(" ")).toMatch(/refused at the front door: CS-3007/);
  expect(summaryOf(reportFacts(wholeRun().events.slice(0, 6))).join(" ")).toMatch(/still open/);
});

describe("the timeline", () => {
  const start = Date.parse("2026-11-21T12:00:00.000Z");
  /** Each step a second after the one before, people four hours; models take 400 ms, tools 200. */
  const timed = () => {
    let now = start;
    let last = "";
    return wholeRun().events.map((event): RecordedEvent => {
      if (event.step !== last) now += event.step.endsWith(".approval") ? 4 * 3_600_000 : 1000;
      last = event.step;
      const at = new Date(now).toISOString();
      if (event.type === "ToolReturned") return { ...event, at, data: { ...event.data, latency_ms: 200 } };
      if (event.type === "ActionProposed") return { ...event, at, data: { ...event.data, latency_ms: 400 } };
      return { ...event, at };
    });
  };
  test("a person's four hours do not make the rest invisible, and are marked as cut short", () => {
    const { bars, cuts, totalMs } = timelineOf(reportFacts(timed()));
    expect(totalMs).toBeGreaterThan(4 * 3_600_000);
    const [people] = bars.filter(({ lane }) => lane === "people");
    const models = bars.filter(({ lane }) => lane === "model");
    expect(people?.width).toBeLessThan(300);
    expect(models.slice(0, 3).every(({ width }) => width > 40)).toBe(true);
    expect(cuts.map(({ text }) => text)).toContain("4 h");
    for (const { x, width } of bars) expect(x >= 0 && x + width <= 1000.001).toBe(true);
  });
  test("a run without time is drawn all the same", () => {
    expect(timelineOf(reportFacts(wholeRun().events)).bars.length).toBeGreaterThan(5);
    expect(timelineOf(reportFacts(refusedRun("acme")))).toMatchObject({ bars: [], totalMs: 0 });
  });
});

describe("whatever the record holds, the file is inert", () => {
  const hostile = () =>
    rechained(wholeRun().events, (event) => {
      if (event.type === "ApprovalDecided") return { ...event, data: { ...event.data, comment: HOSTILE } };
      if (event.type === "ToolReturned")
        return { ...event, data: { ...event.data, output: { text: HOSTILE, [HOSTILE]: 1 } } };
      if (event.type === "RunStarted")
        return { ...event, data: { ...event.data, requester: HOSTILE, input: { claim: HOSTILE } } };
      if (event.type === "ActionProposed") return { ...event, data: { ...event.data, tool: HOSTILE, model: HOSTILE } };
      if (event.type === "RunClosed")
        return { ...event, data: { ...event.data, outcome: { status: HOSTILE, reason: HOSTILE } } };
      return event;
    });
  test("markup is text, invisible characters are shown, nothing loads or runs", () => {
    const page = html(hostile());
    expect(page).not.toMatch(/<script|<img|javascript:/i);
    expect(page).toContain("&lt;script&gt;");
    expect(page).not.toMatch(/[\u200B\u202E]/);
    expect(page).toContain("default-src &#39;none&#39;");
    expect(page).not.toMatch(/<(?:img|script|link|iframe|a|form)\b/i);
  });
  test("sensitive values are not in it, their commitments are", () => {
    const page = html(wholeRun().events);
    expect(page).toContain("sensitive: in the vault");
  });
});

describe("reviews", () => {
  const withReviews = (reviews: Parameters<typeof reportHtml>[0]["reviews"]) =>
    reportHtml({
      events: wholeRun().events,
      policies,
      verdict: { ok: true, summary: "" },
      madeAt: "2026-11-24T12:00:00.000Z",
      ...(reviews === undefined ? {} : { reviews }),
    });
  test("say who found what and when, inert; nobody yet is said; where they are not known nothing is", () => {
    const review = { at: "2026-11-25T08:00:00.000Z", by: "cy@example.com", verdict: "concern", note: HOSTILE } as const;
    const shown = withReviews([review]);
    expect(shown).toContain("A concern");
    expect(shown).toContain("2026-11-25 08:00 UTC");
    expect(shown).not.toMatch(/<script>|\u202E/);
    expect(withReviews([])).toContain("Nobody has reviewed this run.");
    expect(withReviews(undefined)).not.toContain("<h2>Reviews</h2>");
  });
});
