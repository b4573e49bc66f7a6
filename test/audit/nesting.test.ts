/** However deep a value is nested, the gate either refuses it or writes lines that every verifier reads. */
import { expect, test } from "vitest";
import * as z from "zod";
import { verifyEvents } from "../../lib/client/verify.js";
import type { Json } from "../../lib/run/canonical.js";
import { MAX_JSON_DEPTH, MAX_VALUE_DEPTH } from "../../lib/run/json.js";
import { act, contract, LOOKED_UP, REFUND, runInput, World } from "../run/support.js";

const nested = (levels: number): Json => (levels === 0 ? "x" : [nested(levels - 1)]);
const any = z.strictObject({ x: z.json() });
const tools = contract.tools.map((tool) =>
  tool.name === "stripe.lookup_charge" ? { ...tool, output: any, sensitiveOutput: [] } : tool,
);
const open = { tools, resource: { type: "Customer", facts: {} }, crossReferences: {} };

/** Each puts a value with so many levels somewhere, and tells whether it was taken. */
const PLACES: Readonly<Record<string, (value: Json) => readonly [World, boolean]>> = {
  "a run's input": (value) => {
    const world = new World({ input: contract.input.safeExtend({ claim: z.json() }), sensitive: [] });
    world.start({ input: { ...runInput, claim: value } });
    return [world, world.events[0]?.type === "RunStarted"];
  },
  "a tool's answer": (value) => {
    const world = new World(open).start();
    world.propose(act("stripe.lookup_charge", { charge_id: "ch_77" }));
    world.returns({ status: "ok", output: { x: value } });
    world.propose({ kind: "finish", outcome: "escalated" });
    return [world, world.data("ToolReturned").status === "ok"];
  },
  "a preview": (value) => {
    const world = new World().start();
    world.call("stripe.lookup_charge", { charge_id: "ch_77" }, LOOKED_UP);
    world.preview = { status: "ok", preview: { before: {}, after: { x: value }, notes: [] } };
    world.propose(act("stripe.refund", REFUND));
    return [world, world.last?.decision === "ask"];
  },
};

test.each(Object.entries(PLACES))("%s", async (_place, put) => {
  const taken: boolean[] = [];
  for (let levels = MAX_VALUE_DEPTH - 4; levels <= MAX_JSON_DEPTH + 2; levels++) {
    const [world, isTaken] = put(nested(levels));
    taken.push(isTaken);
    expect({ levels, ...(await verifyEvents([world.events])) }).toMatchObject({ levels, ok: true });
  }
  expect(new Set(taken)).toEqual(new Set([true, false]));
});
