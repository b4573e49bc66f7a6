/** Which values break-glass shows when a record holds what only reads like a commitment. */
import { describe, expect, test } from "vitest";
import * as z from "zod";
import type { Oversight } from "../../lib/aws/oversight.js";
import { type RevealRequest, reveal } from "../../lib/client/reveal.js";
import type { Json } from "../../lib/run/canonical.js";
import { act, contract, LOOKED_UP, NOON, RUN_ID, SECRET, World } from "../run/support.js";

const FAKE = { $commitment: "0".repeat(64) };
/** A tool that answers what it likes, beside one field that is sensitive; and a run in which it did. */
function answered(more: Json): World {
  const output = z.looseObject({ customer_name: z.string() });
  const tools = contract.tools.map((tool) => (tool.name === "stripe.lookup_charge" ? { ...tool, output } : tool));
  const world = new World({ tools }).start();
  world.propose(act("stripe.lookup_charge", { charge_id: "ch_77" }));
  world.returns({ status: "ok", output: { ...LOOKED_UP, more } });
  world.propose({ kind: "finish", outcome: "escalated" });
  return world;
}
function broken(world: World, request: Partial<RevealRequest> = {}) {
  const notes: unknown[] = [];
  const oversight = {
    add: async (...given: Parameters<Oversight["add"]>) => void notes.push(given[0]),
    shreddings: async () => [],
  };
  const vault = {
    readSecret: async () => SECRET,
    open: async (_run: unknown, _secret: unknown, { seq, hash }: { readonly seq: number; readonly hash: string }) =>
      world.vault.get(`${seq}-${hash}`),
  };
  const run = { workflow: contract.name, tenant: "acme", runId: RUN_ID };
  const asked = { run, events: world.events, by: "ana@example.com", reason: "r", nowMs: NOON, ...request };
  return { notes, revealed: reveal({ vault, oversight }, asked) };
}
const seqOf = (world: World) => world.events.find(({ type }) => type === "ToolReturned")?.seq ?? 0;

describe("GIVEN a tool's answer that imitates a commitment", () => {
  test.each<[string, Json]>([
    ["in a field of its own", { note: FAKE }],
    ["in a list", [FAKE, "x"]],
    ["in the place of a value, by a name with a dot", { "a.b": FAKE, a: { b: FAKE } }],
  ])("%s WHEN all is revealed THEN the true values are shown, and it is told from them", async (_, more) => {
    const world = answered(more);
    const { values, unknown } = await broken(world).revealed;
    expect(values).toContainEqual(expect.objectContaining({ field: "output.customer_name", value: "Acme BV" }));
    expect(values).toContainEqual(expect.objectContaining({ field: "input.claim" }));
    expect(new Set(unknown.map(({ commitment }) => commitment))).toEqual(new Set([FAKE.$commitment]));
    expect(unknown.every(({ seq, field }) => seq === seqOf(world) && field.startsWith("output.more"))).toBe(true);
  });

  test("as a copy of another field's commitment WHEN it is revealed THEN it is no place of that value", async () => {
    const first = answered(null);
    const copied = first.events.flatMap((event) => (event.type === "ToolReturned" ? [event.data.output] : []))[0];
    const { customer_name } = z.object({ customer_name: z.json() }).parse(copied);
    const { values, unknown } = await broken(answered({ copy: customer_name })).revealed;
    expect(values.map(({ field }) => field)).not.toContain("output.more.copy");
    expect(unknown).toMatchObject([{ field: "output.more.copy" }]);
  });

  test("WHEN it alone is asked for THEN that there is no value is said, and who asked is on record", async () => {
    const world = answered({ note: FAKE });
    const { revealed, notes } = broken(world, { seq: seqOf(world), field: "output.more" });
    await expect(revealed).rejects.toMatchObject({
      code: "CS-5015",
      message: expect.stringContaining("no value that"),
    });
    expect(notes).toHaveLength(1);
  });
});

test.each([
  ["another value", (value: Json) => [value, "x"]],
  ["another nonce", (value: Json) => value, "f".repeat(64)],
])(
  "GIVEN the vault holds %s than the record says WHEN all is revealed THEN nothing is shown",
  async (_, change, nonce?: string) => {
    const world = answered({ note: FAKE });
    for (const [place, sealed] of world.vault)
      world.vault.set(
        place,
        Object.fromEntries(
          Object.entries(sealed).map(([key, one]) => [
            key,
            key === "output|customer_name" ? { nonce: nonce ?? one.nonce, value: change(one.value) } : one,
          ]),
        ),
      );
    await expect(broken(world).revealed).rejects.toMatchObject({
      code: "CS-5015",
      message: expect.stringContaining("another value than the one that"),
    });
  },
);
