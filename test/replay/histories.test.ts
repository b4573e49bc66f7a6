/** Runs that earlier versions recorded must parse, verify and replay for ever, by the contract, policies and state machine that they ran by. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { verifyText } from "../../lib/audit/verify.js";
import { runsInFiles } from "../../lib/client/recorded-files.js";
import { checkContract } from "../../lib/contract/check.js";
import { loadPolicies, splitPolicies } from "../../lib/policy/source.js";
import { createBacktest, isChanged, redecide } from "../../lib/replay/backtest.js";
import { machineOf } from "../../lib/replay/definition.js";
import { replayRun } from "../../lib/replay/replay.js";
import { atAutonomy, rulesOf } from "../../lib/replay/rules.js";
import type { RecordedEvent } from "../../lib/run/events.js";

const root = join(import.meta.dirname, "..", "histories");
const folders = readdirSync(root).flatMap((version) =>
  readdirSync(join(root, version)).map((workflow) => join(root, version, workflow)),
);

async function frozen(folder: string) {
  const module: { default?: unknown } = await import(join(folder, "workflow", "contract.ts"));
  const { contract, faults } = checkContract(module.default);
  if (contract === undefined) throw new Error(`${folder}: ${JSON.stringify(faults[0])}`);
  const policies = loadPolicies(join(folder, "workflow", "policies"));
  return { contract, policies, machine: machineOf(readFileSync(join(folder, "machine.asl.json"), "utf8")) };
}
const files = (folder: string) => readdirSync(folder).filter((name) => name.endsWith(".jsonl"));
async function eventsOf(file: string): Promise<readonly RecordedEvent[]> {
  for await (const { events } of runsInFiles([file])) return events;
  throw new Error(`${file} is empty`);
}

describe.each(folders)("%s", (folder) => {
  test.each(files(folder))("%s verifies and replays identically", async (name) => {
    const file = join(folder, name);
    expect(verifyText(readFileSync(file, "utf8"))).toMatchObject({ ok: true, runs: 1 });
    const { contract, policies, machine } = await frozen(folder);
    const rules = rulesOf(name.startsWith("observe-") ? atAutonomy(contract, "observe") : contract, policies);
    const events = await eventsOf(file);

    const { comparison } = await replayRun(events, rules, machine);
    expect(comparison).toEqual({ identical: true, head: events.at(-1)?.hash });
    expect((await redecide(events, rules)).filter(isChanged)).toEqual([]);
  });
});

const v1 = join(root, "v1", "billing-dispute");
const changesBy = async (change: (policies: string) => string) => {
  const { contract } = await frozen(v1);
  const text = readdirSync(join(v1, "workflow", "policies"))
    .map((file) => readFileSync(join(v1, "workflow", "policies", file), "utf8"))
    .join("\n");
  const rules = rulesOf(contract, splitPolicies(change(text), "changed.cedar"));
  const found: string[] = [];
  const adding = createBacktest();
  for (const name of files(v1).filter((each) => !each.startsWith("observe-"))) {
    const decisions = await redecide(await eventsOf(join(v1, name)), rules);
    adding.add(decisions);
    found.push(
      ...decisions
        .filter(isChanged)
        .map(
          (one) =>
            `${name.replace(".jsonl", "")} ${one.step} ${one.tool}: ${one.recorded} → ${one.now} (${one.by.join(", ")})`,
        ),
    );
  }
  return { found, total: adding.finish() };
};

describe("a changed policy shows exactly the decisions that it changes", () => {
  test("a lower limit asks a second person, and only about refunds above it", async () => {
    const { found, total } = await changesBy((text) =>
      text.replace("customer_day_cents <= 50000", "customer_day_cents <= 10000"),
    );
    expect(found).toMatchSnapshot();
    expect(total.changed).toBe(found.length);
    expect(total.rows.map(({ change, tool, by }) => ({ change, tool, by }))).toEqual([
      { change: "ask 1 person → ask 2 people", tool: "stripe.refund", by: "large_refunds" },
    ]);
  });
  test("a forbidden tool is denied wherever it was permitted, and nothing else changes", async () => {
    const { total } = await changesBy(
      (text) =>
        `${text}\n@id("no_tickets") forbid (principal, action == BillingDispute::Action::"zendesk.get_ticket", resource);`,
    );
    expect(total.rows).toMatchObject([{ change: "permit → deny", tool: "zendesk.get_ticket", by: "no_tickets" }]);
  });
  test("a policy that nobody meets changes nothing", async () => {
    const { total } = await changesBy(
      (text) =>
        `${text}\n@id("never") forbid (principal, action, resource) when { context.spent_micro_usd > 300000000 };`,
    );
    expect(total).toMatchObject({ changed: 0, changedRuns: 0, rows: [] });
    expect(total.decisions).toBeGreaterThan(60);
  });
  test("at observe every write becomes a recommendation", async () => {
    const { contract, policies } = await frozen(v1);
    const decisions = await redecide(
      await eventsOf(join(v1, "duplicate-charge-refunded.jsonl")),
      rulesOf(atAutonomy(contract, "observe"), policies),
    );
    expect(decisions.filter(isChanged).map(({ tool, recorded, now }) => `${tool}: ${recorded} → ${now}`)).toEqual([
      "stripe.refund: ask 1 person → recommend",
      "zendesk.reply: permit → recommend",
    ]);
  });
});

describe("a record that the gate would not have written is named", () => {
  const first = () => eventsOf(join(v1, "duplicate-charge-refunded.jsonl"));
  const replayOf = async (events: readonly RecordedEvent[]) => {
    const { contract, policies, machine } = await frozen(v1);
    return (await replayRun(events, rulesOf(contract, policies), machine)).comparison;
  };
  test("a permit instead of a question", async () => {
    const changed = (await first()).map((event) =>
      event.type === "ActionDecided" && event.data.decision === "ask"
        ? { ...event, data: { ...event.data, decision: "permit" as const } }
        : event,
    );
    expect(await replayOf(changed)).toMatchObject({
      identical: false,
      divergence: { event: "ActionDecided", field: "data.decision", recorded: "permit", now: "ask" },
    });
  });
  test("a record too many, a record too few, another hash", async () => {
    const events = await first();
    const [one] = events;
    if (one === undefined) throw new Error("no events");
    expect(await replayOf([...events, { ...one, seq: events.length + 1 }])).toMatchObject({
      divergence: { seq: events.length + 1, field: "type", recorded: "RunStarted", now: null },
    });
    expect(await replayOf(events.filter(({ type }) => type !== "ActionPermitted"))).toMatchObject({ identical: false });
    expect(await replayOf([{ ...one, hash: "0".repeat(64) }, ...events.slice(1)])).toMatchObject({
      divergence: { seq: 1, field: "hash" },
    });
  });
  test("a run that is still open is identical as far as it goes", async () => {
    const events = await first();
    for (const length of [1, 5, 9, 13]) {
      const step = events[length - 1]?.step;
      const open = events.slice(0, events.findLastIndex((event) => event.step === step) + 1);
      expect(await replayOf(open)).toMatchObject({ identical: true });
    }
  });
});
