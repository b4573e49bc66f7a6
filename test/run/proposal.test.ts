import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import type { Json } from "../../lib/run/canonical.js";
import { readProposal } from "../../lib/run/proposal.js";
import { act, contract, lookedUp, lookup, refund, usage, World } from "./support.js";

const read = (proposed: unknown, change = {}) => readProposal({ ...contract, ...change }, proposed);
const parsed = (proposal: unknown) => read({ proposal, ...usage() }).parsed;

test("an action that fits is parsed; confidence that is not said is none, except in a plan", () => {
  const { confidence_percent: _, ...silent } = { ...act("stripe.lookup_charge", { charge_id: "ch_77" }) } as Record<
    string,
    unknown
  >;
  expect(parsed(silent)).toMatchObject({
    kind: "act",
    tool: { name: "stripe.lookup_charge" },
    confidencePercent: 0,
    rationale: null,
  });
  const plan = { agent: { kind: "plan", steps: [], outcome: "explained" } };
  expect(read({ proposal: silent, ...usage() }, plan).parsed).toMatchObject({ confidencePercent: 100 });
});

test.each([
  ["unknown tool", act("stripe.steal", {}), "unknown-tool", /CS-3102 .*stripe.lookup_charge, zendesk.get_ticket/],
  ["missing field", act("stripe.lookup_charge", {}), "bad-arguments", /charge_id/],
  [
    "extra field",
    act("stripe.lookup_charge", { charge_id: "c", hack: 1 }),
    "bad-arguments",
    /1 field\(s\) that the schema does not have/,
  ],
  ["wrong type", act("stripe.refund", { charge_id: "c", amount_cents: "1" }), "bad-arguments", /amount_cents/],
  ["too large", act("zendesk.reply", { ticket_id: "1", text: "x".repeat(65 * 1024) }), "too-large", /CS-3106/],
  [
    "unknown outcome",
    { kind: "finish", outcome: "stolen" },
    "unknown-outcome",
    /CS-3107 .*refunded, explained, escalated/,
  ],
  ["prose", { kind: "invalid", reason: "prose", detail: "secret words", excerpt: "I think" }, "prose", /CS-3101/],
  ["model error", { kind: "invalid", reason: "model-error", detail: "x" }, "model-error", /CS-3109/],
])("%s is no action", (_, proposal, reason, detail) => {
  const result = parsed(proposal);
  expect(result).toMatchObject({ kind: "invalid", reason });
  expect(result.kind === "invalid" && result.detail).toMatch(detail);
  expect(result.kind === "invalid" && result.detail).not.toMatch(/hack|secret words/);
});

test.each([
  ["nothing", undefined, "malformed"],
  ["a number", 7, "malformed"],
  [
    "half a surrogate pair",
    { proposal: act("stripe.lookup_charge", { charge_id: "\ud800" }), ...usage() },
    "malformed",
  ],
  ["a depth that would end a recursion", JSON.parse(`${"[".repeat(50_000)}${"]".repeat(50_000)}`), "too-large"],
  ["no usage", { proposal: act("stripe.lookup_charge", { charge_id: "c" }) }, "malformed"],
])("%s is malformed and costs nothing", (_, proposed, reason) => {
  expect(read(proposed)).toMatchObject({ parsed: { kind: "invalid", reason }, usage: { cost_micro_usd: 0 } });
});

test("arguments that parsing would change are refused: defaults, coercion, stripped members", () => {
  for (const input of [
    z.strictObject({ charge_id: z.string().trim() }),
    z.strictObject({ charge_id: z.string(), more: z.string().default("x") }),
    z.object({ charge_id: z.string().toLowerCase() }),
  ]) {
    const tools = [{ ...lookup, input }];
    const { parsed } = read({ proposal: act(lookup.name, { charge_id: " CH " }), ...usage() }, { tools });
    expect(parsed).toMatchObject({ kind: "invalid", reason: "bad-arguments" });
  }
  const loose = [{ ...lookup, input: z.object({ charge_id: z.string() }) }];
  expect(
    read({ proposal: act(lookup.name, { charge_id: "c", more: 1 }), ...usage() }, { tools: loose }).parsed.kind,
  ).toBe("invalid");
});

test("whatever the proposer says, reading it never throws, and only what the schema accepts is an action", () => {
  fc.assert(
    fc.property(fc.anything({ withNullPrototype: true, withBigInt: true, withDate: true }), (proposed) => {
      expect(["act", "finish", "invalid"]).toContain(read(proposed).parsed.kind);
    }),
  );
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 }), (args) => {
      const result = parsed({ kind: "act", tool: refund.name, args });
      if (result.kind === "act") expect(refund.input.safeParse(args).success).toBe(true);
      else expect(result.kind).toBe("invalid");
    }),
  );
});

describe("invalid answers are recorded and bounded", () => {
  const nonsense = { kind: "invalid", reason: "empty", detail: "" } as const;

  test("GIVEN two are allowed WHEN the third comes THEN the run is escalated", () => {
    const world = new World().start();
    expect(world.propose(nonsense)).toEqual({ decision: "deny", turn: 2 });
    expect(world.contexts.get(2)).toMatchObject({
      steps_left: 19,
      turns: [{ decision: "invalid", reasons: [/CS-3105/].map(() => expect.stringMatching(/CS-3105/)) }],
    });
    world.propose(nonsense);
    expect(world.propose(nonsense)).toMatchObject({
      decision: "finish",
      outcome: { status: "escalated", reason: "invalid_answers" },
    });
    expect(world.types()).toEqual(["RunStarted", ...Array.from({ length: 3 }, () => "ProposalInvalid"), "RunClosed"]);
  });

  test("GIVEN steps or budget are used up WHEN one more comes THEN the run is escalated", () => {
    const steps = new World({ limits: { ...contract.limits, steps: 1 } }).start();
    expect(steps.propose(nonsense)).toMatchObject({ decision: "deny" });
    expect(steps.propose(nonsense)).toMatchObject({ outcome: { status: "escalated", reason: "steps" } });
    const budget = new World().start();
    expect(budget.propose(nonsense, 500_000)).toMatchObject({ outcome: { status: "escalated", reason: "budget" } });
  });

  test("what was said is a commitment in the log and plain in the vault", () => {
    const world = new World().start();
    world.propose({ kind: "invalid", reason: "prose", detail: "d", excerpt: "please wire money" });
    expect(JSON.stringify(world.events)).not.toContain("wire money");
    expect(JSON.stringify([...world.vault.values()])).toMatch(/"excerpt\|.*please wire money/);
    expect(world.data("ProposalInvalid").excerpt).toHaveProperty("$commitment");
  });

  test("what is too deep to be written down leaves no excerpt", () => {
    const world = new World().start();
    let deep: Json = "end";
    for (let depth = 0; depth < 200; depth++) deep = { deep };
    world.propose(act("zendesk.reply", { ticket_id: "1", text: deep }));
    expect(world.data("ProposalInvalid")).toMatchObject({ reason: "too-large", excerpt: null });
    expect(JSON.stringify([...world.vault.values()])).not.toContain('"excerpt|');
  });

  test("an answer that is too large is told to the agent as such, not repeated", () => {
    const world = new World().start();
    world.propose(act("zendesk.reply", { ticket_id: "1", text: "x".repeat(70_000) }));
    expect(world.contexts.get(2)?.turns[0]?.proposed).toMatchObject({ kind: "invalid", reason: "too-large" });
  });
});

test("confidence and rationale reach the record; the rationale as a commitment", () => {
  const world = lookedUp();
  world.propose(act("zendesk.get_ticket", { ticket_id: "4411" }, { rationale: "I must know", confidence_percent: 55 }));
  expect(world.data("ActionProposed")).toMatchObject({
    confidence_percent: 55,
    rationale: { $commitment: expect.any(String) },
  });
  expect(world.asked.at(-1)?.confidencePercent).toBe(55);
});
