import { expect, test } from "vitest";
import { appendToChain, eventHash, GENESIS, verifyChain } from "../../lib/audit/chain.js";
import { exportLines, recordLine } from "../../lib/audit/export.js";
import { runRecord } from "../../lib/audit/record.js";
import { sha256Hex } from "../../lib/run/canonical.js";
import { act, lookedUp, REFUND, RUN_ID, World, wholeRun } from "../run/support.js";
import { linesOf, refusedRun, rejectedRun } from "./support.js";

test("the run record has DESIGN.md's fields, amounts in USD", () => {
  const record = runRecord(wholeRun().events);
  expect(record).toMatchObject({
    run_id: RUN_ID,
    agent: "billing-dispute-v3",
    tenant_id: "acme",
    model: "a-model",
    budget_usd: 0.4,
    tool_calls: [
      { tool: "stripe.lookup_charge", status: "ok", latency_ms: 12 },
      { tool: "stripe.refund", status: "ok" },
      { tool: "zendesk.reply", status: "ok" },
    ],
    approvals: [
      { type: "refund_threshold", required: true, approved: true, status: "approved", approvers: ["ana@example.com"] },
    ],
    outcome: { status: "refunded", reason: "agent_finished" },
    cost: { prompt_tokens: 400, completion_tokens: 80, usd: 0.004 },
    closed_at: expect.any(String),
  });
  expect(Object.keys(record).slice(0, 9)).toEqual([
    "run_id",
    "agent",
    "tenant_id",
    "model",
    "budget_usd",
    "tool_calls",
    "approvals",
    "outcome",
    "cost",
  ]);
  expect(JSON.parse(recordLine(wholeRun().events))).toEqual(record);
});

test("an approval that was rejected, expired, void, or is pending", () => {
  expect(runRecord(rejectedRun().events).approvals).toMatchObject([{ approved: false, status: "rejected" }]);
  const asked = () => {
    const world = lookedUp();
    world.propose(act("stripe.refund", REFUND));
    return world;
  };
  const pending = runRecord(asked().events);
  expect(pending).toMatchObject({
    approvals: [{ approved: null, status: "pending" }],
    outcome: { status: null, reason: null },
    closed_at: null,
  });
  const expired = asked();
  expired.now += 5 * 3600_000;
  expired.approval();
  expect(runRecord(expired.events).approvals).toMatchObject([{ approved: false, status: "expired" }]);
  const voided = asked();
  voided.decides("ana@example.com");
  voided.preview = { status: "error", code: "x" };
  voided.approval();
  expect(runRecord(voided.events).approvals).toMatchObject([
    { approved: false, status: "voided", approvers: ["ana@example.com"] },
  ]);
});

test("open calls and refused runs have nulls", () => {
  const open = new World().start();
  open.propose(act("stripe.lookup_charge", { charge_id: "ch_77" }));
  expect(runRecord(open.events).tool_calls).toMatchObject([{ status: null, latency_ms: null }]);
  expect(runRecord(refusedRun("acme"))).toMatchObject({
    agent: null,
    model: null,
    budget_usd: null,
    requester: "dana@example.com",
    outcome: { status: "refused", reason: "CS-3007" },
  });
  expect(runRecord(lookedUp().events.slice(1))).toMatchObject({ requester: "", agent: null });
  expect(() => runRecord([])).toThrow(/there are no events/);
});

test("the chain is what events.ts says, over canonical JSON", () => {
  const [first, second] = wholeRun().events;
  if (first === undefined || second === undefined) throw new Error();
  expect([first.seq, first.prev, second.prev]).toEqual([1, GENESIS, first.hash]);
  const line = JSON.stringify(first);
  expect(eventHash(first.prev, JSON.parse(line))).toBe(first.hash);
  expect(first.hash).not.toBe(sha256Hex(GENESIS, line));
});

test("verifyChain names the first place that does not hold", () => {
  const events = wholeRun().events;
  expect(verifyChain(events)).toBeUndefined();
  expect(verifyChain(events.toSpliced(3, 1))).toEqual({ seq: 4, fault: "seq" });
  expect(verifyChain(events.map((event, index) => (index === 3 ? { ...event, prev: GENESIS } : event)))).toEqual({
    seq: 4,
    fault: "prev",
  });
  expect(verifyChain(events.map((event, index) => (index === 3 ? { ...event, step: "x" } : event)))).toEqual({
    seq: 4,
    fault: "hash",
  });
  expect(appendToChain(null, { workflow: "w", tenant: "t", run_id: "r", step: "s", at: "a" }, [])).toEqual([]);
});

test("an export has one line per event and the manifest last; runs without events are left out", async () => {
  const run = wholeRun().events;
  const lines = await linesOf(run, []);
  expect(lines).toHaveLength(run.length + 1);
  expect(JSON.parse(lines.at(-1) ?? "")).toMatchObject({
    v: 1,
    type: "ExportManifest",
    runs: [{ run: `billing-dispute#acme#${RUN_ID}`, events: run.length, head: run.at(-1)?.hash }],
  });
  async function* later() {
    yield run;
  }
  const streamed: string[] = [];
  for await (const line of exportLines(later())) streamed.push(line);
  expect(streamed).toEqual(lines);
});
