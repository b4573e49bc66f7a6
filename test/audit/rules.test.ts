/** Who may decide, as the verifier sees it: by its own reading, so that a gate that counts wrongly is found. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { verifyChain } from "../../lib/audit/chain.js";
import type { ApprovalAct } from "../../lib/run/acts.js";
import { hashJson } from "../../lib/run/canonical.js";
import type { NewEvent, RecordedEvent } from "../../lib/run/events.js";
import { idempotencyKey } from "../../lib/run/hash.js";
import { act, lookedUp, REFUND, type World } from "../run/support.js";
import { ruleFaults as faults, linesOf, rechained } from "./support.js";

const [ana, bo, lee, max] = ["ana@example.com", "bo@example.com", "lee@example.com", "max@example.com"];
const START = Date.parse("2026-11-21T12:00:00.000Z");
const at = (minute: number) => new Date(START + minute * 60_000).toISOString();
const acted = { channel: "page", method: "oidc" } as const;

const PYTHON = join(import.meta.dirname, "python/verify.py");
const hasPython = spawnSync("python3", ["--version"]).status === 0;
/** What the second verifier says of an export. */
function pythonCodes(lines: readonly string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), "countersign-rules-"));
  try {
    const file = join(folder, "run.jsonl");
    writeFileSync(file, lines.join("\n"));
    const { stdout, stderr } = spawnSync("python3", [PYTHON, file], { encoding: "utf8" });
    expect(stderr).toBe("");
    return JSON.parse(stdout).codes;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const asking = (args = REFUND): World => {
  const world = lookedUp();
  world.propose(act("stripe.refund", args));
  return world;
};
const hands = (by: string, to: string, minute: number): ApprovalAct => ({
  kind: "delegation",
  by,
  to,
  ...acted,
  at: at(minute),
  comment: "",
});
const later = (world: World, minute: number) => {
  world.now = START + minute * 60_000;
  return world;
};
type Change<T extends NewEvent["type"]> = Partial<Extract<NewEvent, { type: T }>["data"]>;
/** The run with an event's data changed, chained again. */
const forged = <T extends NewEvent["type"]>(world: World, type: T, change: Change<T>) =>
  faults(
    rechained(world.events, (event) =>
      event.type === type ? ({ ...event, data: { ...event.data, ...change } } as NewEvent) : event,
    ),
  );

describe("GIVEN a decision that was handed on", () => {
  const handedOn = (...acts: readonly ApprovalAct[]) => {
    const world = asking();
    world.acts = [...acts];
    return later(world, 60);
  };

  test("WHEN who has it approves THEN nothing is wrong", () => {
    const world = handedOn(hands(ana, max, 1), hands(max, lee, 2));
    world.decides(lee).approval();
    expect(world.last).toMatchObject({ decision: "permit" });
    expect(faults(world.events)).toEqual([]);
  });

  test("WHEN two hand it to each other at the same moment THEN gate and verifier agree on who has it", () => {
    const world = handedOn(hands(ana, bo, 1), hands(bo, ana, 1));
    world.decides(ana).decides(bo).approval();
    expect(world.last).toMatchObject({ decision: "permit" });
    expect(world.events.flatMap((event) => (event.type === "ApprovalDecided" ? [event.data.approver] : []))).toEqual([
      bo,
    ]);
    expect(faults(world.events)).toEqual([]);
  });

  test("WHEN so much was done meanwhile that not all is noted THEN who handed it on still is", () => {
    const questions = Array.from(
      { length: 100 },
      (_, n): ApprovalAct => ({ kind: "question", id: `q${n}`, by: ana, ...acted, at: at(1), text: "?" }),
    );
    const world = handedOn(...questions, hands(ana, max, 2));
    world.decides(max).approval();
    expect(world.last).toMatchObject({ decision: "permit" });
    expect(faults(world.events)).toEqual([]);
  });

  test.each([
    ["who handed it on", { approver: ana }, `${ana} handed the decision to somebody else and decided`],
    ["who is asked later", { approver: lee }, `${lee} is not an approver`],
    ["who was handed it, before that", { decided_at: at(0) }, `${max} is not an approver`],
  ])("WHEN the log says that %s approved THEN that is named", (_, change, message) => {
    const world = handedOn(hands(ana, max, 1));
    world.decides(max).approval();
    expect(forged(world, "ApprovalDecided", change)).toContain(`CS-5126 ${message}`);
  });

  test.each([
    ["by a stranger", { by: "eve@example.com" }],
    ["by who had no say yet", { by: lee }],
    ["by nobody that is named", { to: null }],
  ])("WHEN the log says that it was handed on %s THEN who got it was not asked", (_, change) => {
    const world = handedOn(hands(ana, max, 1));
    world.decides(max).approval();
    expect(forged(world, "ApprovalNoted", change)).toContain(`CS-5126 ${max} is not an approver`);
  });

  test("WHEN the log says that it was handed to a stranger who approved THEN the stranger was not asked", () => {
    const world = handedOn(hands(ana, max, 1));
    world.decides(max).approval();
    const toEve = rechained(world.events, (event) => {
      if (event.type === "ApprovalNoted") return { ...event, data: { ...event.data, to: "eve@example.com" } };
      if (event.type === "ApprovalDecided") return { ...event, data: { ...event.data, approver: "eve@example.com" } };
      return event;
    });
    expect(faults(toEve)).toContain("CS-5126 eve@example.com is not an approver");
  });

  test("WHEN the log says that a stranger was reminded THEN that is named", () => {
    const world = handedOn();
    world.told = [{ kind: "reminder", n: 1, to: ana, at: at(1) }];
    world.decides(ana).approval();
    expect(faults(world.events)).toEqual([]);
    const message = "CS-5126 eve@example.com was told of a reminder and is not asked";
    expect(forged(world, "ApprovalNoted", { to: `${ana}, eve@example.com` })).toContain(message);
    expect(forged(world, "ApprovalNoted", { to: null })[0]).toMatch(/was told of a reminder and is not asked$/);
  });

  test.runIf(hasPython)("the second verifier says the same of who was reminded", async () => {
    const world = handedOn();
    world.told = [
      { kind: "reminder", n: 1, to: ana, at: at(1) },
      { kind: "reminder", n: 1, to: bo, at: at(1) },
    ];
    world.decides(ana).approval();
    const toEve = rechained(world.events, (event) =>
      event.type === "ApprovalNoted" ? { ...event, data: { ...event.data, to: `${ana}, eve@example.com` } } : event,
    );
    const said = await Promise.all([world.events, toEve].map(async (events) => pythonCodes(await linesOf(events))));
    expect(said).toEqual([[], ["CS-5126"]]);
  });

  test("WHEN the log has a note about another question THEN that is named", () => {
    const world = handedOn(hands(ana, max, 1));
    world.decides(max).approval();
    expect(forged(world, "ApprovalNoted", { approval_id: "ap_other" })).toContain(
      `CS-5126 a delegation by ${ana} is about something that was not asked`,
    );
    expect(forged(world, "ApprovalNoted", { turn: 1 })[0]).toMatch(/about something that was not asked$/);
  });
});

describe("GIVEN an edit", () => {
  const edited = (args = { ...REFUND, amount_cents: 20_000 }) => {
    const world = later(asking(), 1);
    world.edits(ana, args).approval();
    later(world, 2).decides(bo).approval();
    expect(world.last).toMatchObject({ decision: "permit", action: { args } });
    return world;
  };

  test("WHEN its question was approved THEN nothing is wrong", () => {
    expect(faults(edited().events)).toEqual([]);
  });

  test.each([
    ["somebody who was not asked", { editor: "eve@example.com" }, "eve@example.com is not an approver"],
    ["who asked for the run", { editor: "dana@example.com" }, "dana@example.com is not an approver"],
    ["of another question", { approval_id: "ap_other" }, `${ana} edited something that was not asked`],
    ["of another turn", { turn: 1 }, `${ana} edited something that was not asked`],
    ["of another round", { round: 2 }, `${ana} edited something that was not asked`],
    ["after the deadline", { edited_at: at(240) }, `${ana} edited after the deadline`],
  ])("WHEN the log says it was by or %s THEN that is named", (_, change, message) => {
    expect(forged(edited(), "ActionEdited", change)).toContain(`CS-5126 ${message}`);
  });

  test("WHEN the log says it was another one than was decided THEN that is named", () => {
    expect(forged(edited(), "ActionEdited", { args: REFUND })).toEqual(
      expect.arrayContaining([expect.stringMatching(/^CS-5122 args_hash/), expect.stringMatching(/^CS-5127/)]),
    );
  });

  test("WHEN it came with a mailed code where a sign-in is required THEN that is named", () => {
    const world = later(asking({ ...REFUND, amount_cents: 150_000 }), 1);
    world.edits(ana, { ...REFUND, amount_cents: 140_000 }).approval();
    world.decides(ana).decides(bo).approval();
    expect(faults(world.events)).toEqual([]);
    const why = "with a mailed code alone, where a sign-in was required";
    expect(forged(world, "ActionEdited", { method: "code" })).toContain(`CS-5126 ${ana} edited ${why}`);
    expect(forged(world, "ApprovalDecided", { method: "code" })).toEqual(
      expect.arrayContaining([`CS-5126 ${ana} decided ${why}`, `CS-5126 ${bo} decided ${why}`]),
    );
    expect(forged(world, "ApprovalDecided", { method: undefined })).toContain(`CS-5126 ${bo} decided ${why}`);
  });
});

test("GIVEN a question of before there was escalation, rounds and sign-in WHEN it was approved THEN nothing is wrong", () => {
  const world = asking();
  world.decides(ana, "approve", { method: "code" }).approval();
  const old = { escalation: undefined, delegates: undefined, sign_in: undefined, round: undefined };
  expect(forged(world, "ApprovalRequested", old)).toEqual([]);
});

describe("GIVEN a run that went another way WHEN the gate recorded it THEN nothing is wrong", () => {
  test.each<[string, (world: World) => void]>([
    ["the time ran out", (world) => void later(world, 240).approval()],
    ["somebody rejected", (world) => void world.decides(ana, "reject").approval()],
    [
      "what was shown no longer held",
      (world) => {
        world.decides(ana).preview = { status: "error", code: "CS-3201" };
        world.approval();
      },
    ],
    [
      "an edit was not taken, and the question in its place was approved",
      (world) => {
        world.edits(ana, { ...REFUND, amount_cents: 900_000 }).approval();
        world.decides(bo).approval();
      },
    ],
    [
      "the call failed",
      (world) => {
        world.decides(ana).approval();
        world.returns({ status: "error", error: { code: "no", message: "m", retryable: false } });
        world.propose({ kind: "finish", outcome: "escalated" });
      },
    ],
    ["it was closed from outside", (world) => void world.close("ABORTED")],
  ])("%s", (_, happens) => {
    const world = asking();
    happens(world);
    expect(faults(world.events)).toEqual([]);
  });
});

test("a permit after the time ran out is named, also when enough had approved", () => {
  const world = asking();
  world.decides(ana).approval();
  const expired = rechained(
    world.events.flatMap((event) => {
      if (event.type !== "ApprovalDecided") return [event];
      const { turn, approval_id } = event.data;
      return [
        event,
        { ...event, type: "ApprovalExpired", data: { turn, approval_id, deadline: at(240) } } as RecordedEvent,
      ];
    }),
  );
  expect(faults(expired)).toEqual(["CS-5125 permitted after the approval was rejected, expired or void"]);
});

describe("GIVEN an approval WHEN the log has a permit that nobody approved THEN both verifiers name it", () => {
  const approved = () => {
    const world = later(asking(), 1);
    world.decides(ana).approval();
    expect(world.last).toMatchObject({ decision: "permit" });
    return world;
  };
  const found = async (events: readonly RecordedEvent[]) => {
    const chained = rechained(events);
    return [faults(chained), pythonCodes(await linesOf(chained))];
  };
  const is = <T extends RecordedEvent["type"]>(
    event: RecordedEvent,
    type: T,
  ): event is Extract<RecordedEvent, { type: T }> => event.type === type;

  test.skipIf(!hasPython)("for arguments that came after it, by an edit or another proposal of the turn", async () => {
    const { events } = approved();
    const args = { ...REFUND, amount_cents: 49_999 };
    const args_hash = hashJson(args);
    const swapped = (
      before: (decided: Extract<RecordedEvent, { type: "ApprovalDecided" }>) => readonly RecordedEvent[],
    ) =>
      events.flatMap((event) => {
        if (is(event, "ApprovalDecided")) return [event, ...before(event)];
        if (is(event, "ActionDecided") && event.data.decision === "permit" && event.data.turn === 2)
          return [{ ...event, data: { ...event.data, args_hash } }];
        if (!is(event, "ActionPermitted") || event.data.turn !== 2) return [event];
        const idempotency_key = idempotencyKey(event.run_id, 2, args_hash);
        return [{ ...event, data: { ...event.data, args_hash, idempotency_key } }];
      });
    const edited = swapped((event) => {
      const { turn, approval_id } = event.data;
      const edit = { turn, round: 1, approval_id, editor: bo, ...acted, edited_at: at(1), args, args_hash };
      return [{ ...event, type: "ActionEdited", data: edit }];
    });
    const proposed = events.filter((event) => is(event, "ActionProposed")).slice(-1);
    const proposedAgain = swapped((event) =>
      proposed.map(({ data }) => ({ ...event, type: "ActionProposed", data: { ...data, args, args_hash } })),
    );
    const named = [["CS-5127 action_hash is not the hash of the action that was proposed"], ["CS-5127"]];
    expect(await found(edited)).toEqual(named);
    expect(await found(proposedAgain)).toEqual(named);
  });

  test.skipIf(!hasPython)("once more with the same approval", async () => {
    const world = approved();
    world.returns({ status: "error", error: { code: "no", message: "m", retryable: false } });
    world.propose(act("stripe.lookup_charge", { charge_id: "ch_77" }));
    const returned = world.events.findIndex((event) => is(event, "ToolReturned") && event.data.turn === 2);
    const upTo = world.events.slice(0, returned + 1);
    const again = upTo.filter(
      (event) =>
        ((is(event, "ActionDecided") && event.data.decision === "permit") || is(event, "ActionPermitted")) &&
        event.data.turn === 2,
    );
    expect(again).toHaveLength(2);
    const why = "CS-5124 permits in turn 2 again, after the permit of turn 2: what allowed it is used";
    expect(await found([...upTo, ...again])).toEqual([[why], ["CS-5124"]]);
  });
});

test("whatever people do, and in whatever order, what the gate records is what the verifier would have counted", () => {
  const person = fc.constantFrom(ana, bo, lee, max, "dana@example.com", "eve@example.com");
  const minute = fc.integer({ min: 0, max: 200 });
  const method = fc.constantFrom("oidc", "code", undefined);
  const doing = fc.oneof(
    fc.record({ does: fc.constant("hands" as const), by: person, to: person, minute }),
    fc.record({ does: fc.constant("decides" as const), by: person, minute, method, rejects: fc.boolean() }),
    fc.record({
      does: fc.constant("edits" as const),
      by: person,
      minute,
      amount: fc.integer({ min: 1, max: 250_000 }),
    }),
  );
  fc.assert(
    fc.property(fc.array(doing, { maxLength: 7 }), fc.boolean(), (all, two) => {
      const world = asking(two ? { ...REFUND, amount_cents: 150_000 } : REFUND);
      const handed = new Set<string>();
      for (const one of all.toSorted((left, right) => left.minute - right.minute)) {
        if (world.last?.decision !== "ask") break;
        later(world, one.minute);
        if (one.does === "hands") {
          // one row per person
          if (!handed.has(one.by)) world.acts.push(hands(one.by, one.to, one.minute));
          handed.add(one.by);
        } else if (one.does === "edits") world.edits(one.by, { ...REFUND, amount_cents: one.amount });
        else world.decides(one.by, one.rejects ? "reject" : "approve", { method: one.method });
        const before = world.lastAsk().approval.approval_id;
        world.approval();
        // rows are of one question
        if (world.last?.decision === "ask" && world.lastAsk().approval.approval_id !== before) {
          world.acts = [];
          handed.clear();
        }
      }
      expect([verifyChain(world.events), ...faults(world.events)].filter((fault) => fault !== undefined)).toEqual([]);
    }),
    { numRuns: 150 },
  );
});
