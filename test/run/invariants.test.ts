import fc from "fast-check";
import { expect, test } from "vitest";
import { verifyChain } from "../../lib/audit/chain.js";
import { verifyText } from "../../lib/audit/verify.js";
import { recordedEvent } from "../../lib/run/events.js";
import { decideAnswer, runContext } from "../../lib/run/protocol.js";
import { linesOf } from "../audit/support.js";
import { act, LOOKED_UP, lookedUp, REFUND, type World } from "./support.js";

/** What may happen to a run, in any order: the model, people, tools, operators and time do what they like. */
const steps = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant("lookup" as const), charge: fc.constantFrom("ch_77", "ch_other") }),
    fc.record({
      do: fc.constant("refund" as const),
      cents: fc.constantFrom(1000, 42_000, 150_000, 900_000),
      charge: fc.constantFrom("ch_77", "ch_x"),
    }),
    fc.record({
      do: fc.constant("reply" as const),
      text: fc.constantFrom("fine", "Dear Acme BV", "card 4242424242424242"),
    }),
    fc.record({ do: fc.constant("nonsense" as const) }),
    fc.record({ do: fc.constant("finish" as const), outcome: fc.constantFrom("refunded", "stolen") }),
    fc.record({ do: fc.constant("tool" as const), ends: fc.constantFrom("ok", "error", "unknown", "open", "absent") }),
    fc.record({
      do: fc.constant("decide" as const),
      who: fc.constantFrom("ana@example.com", "bo@example.com", "dana@example.com", "eve@example.com"),
      yes: fc.boolean(),
    }),
    fc.record({ do: fc.constant("wait" as const), minutes: fc.constantFrom(1, 250, 1500) }),
    fc.record({ do: fc.constant("policy" as const), tier: fc.constantFrom(0, 1, 2, 3), error: fc.boolean() }),
    fc.record({ do: fc.constant("preview" as const), cents: fc.nat(3) }),
    fc.record({ do: fc.constant("brake" as const), on: fc.boolean() }),
    fc.record({ do: fc.constant("close" as const), how: fc.constantFrom("ABORTED", "FAILED", "RUNNING") }),
  ),
  { maxLength: 25 },
);
type Happening = (typeof steps extends fc.Arbitrary<infer L> ? L : never)[number];

function happen(world: World, step: Happening): void {
  switch (step.do) {
    case "lookup":
      proposal(world, act("stripe.lookup_charge", { charge_id: step.charge }));
      break;
    case "refund":
      proposal(
        world,
        act("stripe.refund", { ...REFUND, amount_cents: step.cents, charge_id: step.charge, memo: "secret memo" }),
      );
      break;
    case "reply":
      proposal(world, act("zendesk.reply", { ticket_id: "4411", text: step.text }));
      break;
    case "nonsense":
      proposal(world, { kind: "invalid", reason: "prose", detail: "", excerpt: "secret prose" });
      break;
    case "finish":
      proposal(world, { kind: "finish", outcome: step.outcome });
      break;
    case "tool":
      ends(world, step.ends);
      break;
    case "decide":
      if (world.last?.decision !== "ask") return;
      world.decides(step.who, step.yes ? "approve" : "reject");
      answered(world);
      break;
    case "wait":
      world.now += step.minutes * 60_000;
      if (world.last?.decision === "ask") answered(world);
      break;
    case "policy":
      world.policy = ({ approvals }) => ({
        allowed: approvals >= step.tier,
        determining: ["p"],
        errors: step.error && approvals === 1 ? ["e"] : [],
      });
      return;
    case "preview":
      world.preview = { status: "ok", preview: { before: {}, after: { cents: step.cents }, notes: [] } };
      return;
    case "brake":
      world.brake = step.on ? { on: true, by: "op", at: "now", reason: "r" } : { on: false };
      return;
    case "close":
      world.close(step.how as "ABORTED");
  }
}

function proposal(world: World, said: Parameters<World["propose"]>[0]): void {
  // the state machine proposes only when it neither waits for people nor has ended
  if (world.last?.decision === "ask" || world.types().includes("RunClosed")) return;
  const answer = world.propose(said);
  if (answer !== "wait" && answer.decision === "permit") world.turn = answer.turn + 1;
}

function answered(world: World): void {
  const answer = world.approval();
  if (answer !== "wait" && answer.decision === "permit") world.turn = answer.turn + 1;
}

function ends(world: World, how: string): void {
  const permit = world.events.findLast(({ type }) => type === "ActionPermitted");
  if (world.events.at(-1) !== permit || permit?.type !== "ActionPermitted" || how === "absent") return;
  const { tool, turn } = permit.data;
  if (world.effects.has(turn)) return;
  const output =
    tool === "stripe.lookup_charge" ? LOOKED_UP : tool === "stripe.refund" ? { refund_id: "re" } : { message_id: "m" };
  const error = { code: "e", message: "secret message", retryable: false };
  if (how === "ok") world.returns({ status: "ok", output }, true);
  else if (how === "error") world.returns({ status: "error", error }, false);
  else if (how === "unknown") world.returns({ status: "unknown", error }, true);
  else world.returns(null);
}

test("whatever happens: no permit without passed checks and enough people, nothing after the end, a log that verifies", async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (happenings) => {
      const world = lookedUp();
      for (const step of happenings) happen(world, step);
      const { events } = world;
      for (const event of events) expect(recordedEvent.safeParse(event).success).toBe(true);
      for (const context of world.contexts.values()) expect(runContext.safeParse(context).success).toBe(true);
      if (world.last !== null) expect(decideAnswer.safeParse(world.last).success).toBe(true);
      expect(verifyChain(events)).toBeUndefined();

      for (const [index, event] of events.entries()) {
        if (event.type === "RunClosed") expect(index).toBe(events.length - 1);
        if (event.type !== "ActionPermitted") continue;
        const decided = events[index - 1];
        if (decided?.type !== "ActionDecided") throw new Error("a permit without a decision");
        expect(decided.data.decision).toBe("permit");
        expect(decided.data.checks.every(({ result }) => result === "passed")).toBe(true);
        expect(decided.data.policy?.errors).toEqual([]);
        expect(decided.data.tier).not.toBeNull();
        const people = new Set(
          events.flatMap((other) =>
            other.type === "ApprovalDecided" && other.data.turn === event.data.turn && other.data.decision === "approve"
              ? [other.data.approver]
              : [],
          ),
        );
        expect(people.size).toBeGreaterThanOrEqual(decided.data.tier ?? 9);
        expect([...people].every((person) => ["ana@example.com", "bo@example.com"].includes(person))).toBe(true);
      }
      // exposure: what the counters hold is what the log permitted and did not take back
      const refunds = events.flatMap((event) =>
        event.type === "ActionPermitted" && event.data.tool === "stripe.refund" ? [event.data.turn] : [],
      );
      const failed = events.flatMap((event) =>
        event.type === "ToolReturned" && !event.data.effect_possible ? [event.data.turn] : [],
      );
      const counted = Object.entries(world.counters).filter(([name]) => name.startsWith("workflow-day"));
      const sum = counted.reduce((total, [, doc]) => total + doc.count + Object.keys(doc.holds).length, 0);
      const unmoved = events.some(({ type, step }) => type === "RunClosed" && step === "close");
      if (!unmoved) expect(sum).toBe(refunds.filter((turn) => !failed.includes(turn)).length);

      expect(JSON.stringify(events)).not.toMatch(/secret|Acme BV|call 0151/);
      const report = verifyText((await linesOf(events)).join("\n"));
      expect(report.faults).toEqual([]);
    }),
    { numRuns: 300 },
  );
});
