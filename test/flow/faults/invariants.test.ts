/** The invariants find what they are there for: a world in which one thing is wrong, and a product whose ledger does not work. */
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { RecordedEvent } from "../../../lib/run/events.js";
import type { World } from "./books.js";
import { hostHere, hostWith } from "./functions.js";
import { violations } from "./invariants.js";
import { Lab } from "./lab.js";
import { play } from "./matrix.js";

let lab: Lab;
let world: World;
beforeAll(async () => {
  vi.spyOn(console, "log").mockImplementation(() => {});
  lab = await Lab.open(hostHere);
  expect(await play(lab, "key")).toMatchObject({ outcome: "entered agent_finished", effects: 1, wrong: [] });
  world = await lab.world();
});
afterAll(() => lab.close());

/** The world with the log changed. */
function withLog(change: (events: readonly RecordedEvent[]) => readonly RecordedEvent[]): World {
  return { ...world, runs: new Map([...world.runs].map(([run, events]) => [run, change(events)])) };
}
const without = (wrong: (event: RecordedEvent) => boolean) =>
  withLog((events) => events.filter((event) => !wrong(event)));
const isWrite = (event: RecordedEvent) => "tool" in event.data && event.data.tool === "book.post_with_key";

const broken: readonly [string, () => World, RegExp][] = [
  [
    "a permit is missing",
    () => without((event) => event.type === "ActionPermitted" && isWrite(event)),
    /no permit for exactly/,
  ],
  [
    "an effect had other arguments",
    () => ({ ...world, entries: world.entries.map((entry) => ({ ...entry, amount_cents: 5001 })) }),
    /no permit for exactly its arguments/,
  ],
  ["an effect happened twice", () => ({ ...world, entries: [...world.entries, ...world.entries] }), /happened 2 times/],
  [
    "an effect came before its permit",
    () => ({ ...world, entries: world.entries.map((entry) => ({ ...entry, atMs: 0 })) }),
    /before its permit/,
  ],
  [
    "the log says that nothing happened",
    () =>
      withLog((events) =>
        events.map((event) =>
          event.type === "ToolReturned" ? { ...event, data: { ...event.data, effect_possible: false } } : event,
        ),
      ),
    /the log says that nothing did/,
  ],
  ["an effect is missing", () => ({ ...world, entries: [] }), /the book does not have it/],
  [
    "a decision was lost",
    () => without(({ type }) => type === "ApprovalDecided"),
    /ana@example.com about ap_\w+: lost/,
  ],
  [
    "a decision was applied twice",
    () =>
      withLog((events) =>
        events.flatMap((event): RecordedEvent[] => (event.type === "ApprovalDecided" ? [event, event] : [event])),
      ),
    /applied 2 times/,
  ],
  [
    "a decision that stood when time was up is ignored",
    () =>
      withLog((events) =>
        events.map((event): RecordedEvent => {
          if (event.type !== "ApprovalDecided") return event;
          const { turn, approval_id } = event.data;
          const at = new Date(Date.parse(event.at) + 1).toISOString();
          return { ...event, type: "ApprovalExpired", at, data: { turn, approval_id, deadline: at } };
        }),
      ),
    /ana@example.com about ap_\w+: lost/,
  ],
  [
    "a decision that was confirmed has no row",
    () => ({
      ...world,
      acknowledged: [{ approval_id: "ap_x", approver: "bo@example.com", decision: "reject" }],
    }),
    /bo@example.com about ap_x: confirmed, and not on record/,
  ],
  ["a decision has no row", () => ({ ...world, decisions: [] }), /without its row/],
  ["a run has no end", () => without(({ type }) => type === "RunClosed"), /0 outcomes are recorded/],
  [
    "a run has two ends",
    () => withLog((events) => [...events, ...events.filter(({ type }) => type === "RunClosed")]),
    /2 outcomes are recorded/,
  ],
  ["a confirmed run has no log", () => ({ ...world, admitted: ["r"] }), /run r: confirmed, and not on record/],
  [
    "an execution runs on",
    () => ({ ...world, executions: [{ runId: "r", status: "RUNNING", last: "" }] }),
    /still runs/,
  ],
  [
    "an execution has no log",
    () => ({ ...world, executions: [{ runId: "r", status: "SUCCEEDED", last: "" }] }),
    /executed, and is not on record/,
  ],
  [
    "the chain is forked",
    () => withLog((events) => events.flatMap((event, index) => (index === 2 ? [event, event] : [event]))),
    /verify: /,
  ],
  ["a lease is left", () => ({ ...world, days: [{ spent: 1980, leases: { r: 1 } }] }), /still has its lease/],
  ["money is not booked", () => ({ ...world, days: [] }), /0 are booked/],
  ["a day is overdrawn", () => ({ ...world, days: [{ spent: 2_000_000, leases: {} }] }), /spent on one day/],
  ["more of a day is leased than it has", () => ({ ...world, mostHeld: 1_000_001 }), /spent and leased of one day/],
  [
    "a run spends more than it may",
    () =>
      withLog((events) =>
        events.map(
          (event): RecordedEvent =>
            event.type === "RunClosed" ? { ...event, data: { ...event.data, spent_micro_usd: 400_001 } } : event,
        ),
      ),
    /spent 400001 micro-USD/,
  ],
  ["a run stays open", () => ({ ...world, openRuns: ["acme#r"] }), /among the open runs/],
  ["a unique row is left", () => ({ ...world, uniqueRows: ["r"] }), /unique row/],
  [
    "a hold is left",
    () => {
      const run = [...world.runs.keys()].at(-1);
      return {
        ...world,
        exposures: world.exposures.map(({ name, doc }) => ({ name, doc: { ...doc, holds: { [`${run}/2`]: 1 } } })),
      };
    },
    /still holds/,
  ],
  [
    "a sum is wrong",
    () => ({ ...world, exposures: world.exposures.map(({ name, doc }) => ({ name, doc: { ...doc, total: 1 } })) }),
    /and the log has 5000 in 1/,
  ],
];
test.each(broken)("%s: found", async (_what, change, message) => {
  expect((await violations(change(), lab.contract)).join("\n")).toMatch(message);
});

test("a claim after the stop is found", async () => {
  await lab.begin();
  const order = lab.newOrder({ account: "acc_1", looks: true, writes: [{ tool: "book.post_once", amountCents: 500 }] });
  await lab.brake(true);
  await fetch(lab.bookUrl("/entries"), {
    method: "POST",
    body: JSON.stringify({ account: "acc_1", ref: order, amount_cents: 500 }),
  });
  expect((await lab.world()).afterStop).toEqual([expect.stringMatching(/claimed after the stop/)]);
});

test("a product whose tools do not mind their claims is found out by a second delivery", async () => {
  const careless = await Lab.open(
    hostWith((effects) => ({
      ...effects,
      read: async () => undefined,
      claim: async (...claim) => (await effects.claim(...claim)) || true,
    })),
  );
  try {
    const { points } = await play(careless, "none");
    const point = points.find(({ kind, to }) => kind === "invoke" && to.endsWith("tool-book-post_once"));
    if (point === undefined) throw new Error("the tool was not invoked");
    const { wrong, effects } = await play(careless, "none", {
      kind: "none",
      point,
      fault: "twice-at-once",
      givesUp: false,
    });
    expect(effects).toBe(2);
    expect(wrong.join("\n")).toMatch(/it happened 2 times/);
  } finally {
    await careless.close();
  }
});
