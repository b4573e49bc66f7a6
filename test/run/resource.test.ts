/** What an action is about, and what of it is told to policies and people. */
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { holdsOfSettled } from "../../lib/run/settle.js";
import type { JsonObject } from "../../lib/run/types.js";
import { act, contract, LOOKED_UP, lookedUp, lookup, REFUND, RUN_ID, reply, ticket, World } from "./support.js";

const changed = (name: string, change: object) =>
  contract.tools.map((tool) => (tool.name === name ? { ...tool, ...change } : tool));
const asked = (world: World, tool: string, args: JsonObject) => {
  world.propose(act(tool, args));
  return world.asked.at(-1);
};
const said = { ticket_id: "4411", text: "Hello." };

const names = (value: object) => Object.keys(value).map((name) => [name, z.string()] as const);

describe("the resource of an action", () => {
  test("is what the tool says it acts on, also when that is a number", () => {
    const tools = changed("stripe.refund", { resource: "amount_cents" });
    expect(asked(lookedUp({ tools }), "stripe.refund", REFUND)?.resource.id).toBe("42000");
  });
  test("is the workflow's own when the tool's field is no name", () => {
    const tools = changed("stripe.refund", { resource: "memo" });
    expect(asked(lookedUp({ tools }), "stripe.refund", REFUND)?.resource.id).toBe("cus_9");
  });
  test("is the run when the input names none", () => {
    const resource = { ...contract.resource, id: "input.customer" };
    expect(asked(lookedUp({ resource }), "zendesk.reply", said)?.resource.id).toBe(RUN_ID);
  });
});

describe("a fact about the resource", () => {
  const facts = (resource: Partial<typeof contract.resource>, crossReferences: Record<string, string>) =>
    asked(lookedUp({ resource: { ...contract.resource, ...resource }, crossReferences }), "zendesk.get_ticket", {
      ticket_id: "4411",
    })?.resource.facts;
  const tier = { tier: "stripe.lookup_charge.tier" };

  test("is taken from a result that no cross-reference says is about another", () => {
    expect(facts({ facts: tier }, {})).toEqual({ tier: "standard" });
    expect(facts({ facts: tier }, { customer_id: "zendesk.get_ticket.text" })).toEqual({ tier: "standard" });
    expect(facts({ facts: tier }, { customer_id: "input.customer_id" })).toEqual({ tier: "standard" });
  });
  test("of a run is taken from the run's own calls", () => {
    expect(asked(lookedUp({ resource: { type: "Run", facts: tier } }), "zendesk.reply", said)?.resource.facts).toEqual({
      tier: "standard",
    });
  });
  test("that is no single value is not told: a policy that needs it denies", () => {
    const output = z.strictObject({ ...Object.fromEntries(names(LOOKED_UP)), tier: z.array(z.string()) });
    const tools = [{ ...lookup, output }, ticket, reply];
    const world = new World({ tools, crossReferences: {}, resource: { ...contract.resource, facts: tier } }).start();
    world.call("stripe.lookup_charge", { charge_id: "ch_77" }, { ...LOOKED_UP, tier: ["gold"] });
    expect(asked(world, "zendesk.reply", said)?.resource.facts).toEqual({});
  });
});

describe("what people read that the run is based on", () => {
  const basedOn = (world: World) => {
    world.propose(act("stripe.refund", REFUND));
    return world.lastAsk().approval.based_on.map(({ subject }) => subject);
  };
  test("is the first plain argument of each call that succeeded", () => {
    const world = lookedUp();
    world.propose(act("zendesk.get_ticket", { ticket_id: "1" }));
    world.returns({ status: "error", error: { code: "no", message: "m", retryable: false } });
    expect(basedOn(world)).toEqual(["ch_77"]);
  });
  test("is nothing when every argument is sensitive", () => {
    expect(basedOn(lookedUp({ tools: changed("stripe.lookup_charge", { sensitiveInput: ["charge_id"] }) }))).toEqual([
      "",
    ]);
  });
});

describe("the day's exposure of calls that ended", () => {
  const refunded = (answer: Parameters<World["returns"]>[0], effect: boolean) => {
    const world = lookedUp();
    world.propose(act("stripe.refund", REFUND));
    world.decides("ana@example.com").approval();
    world.returns(answer, effect);
    world.propose({ kind: "finish", outcome: "refunded" });
    return world;
  };
  test("stays held when the effect may have happened", () => {
    const { events } = refunded({ status: "ok", output: { refund_id: "re_1" } }, true);
    const { settled, released } = holdsOfSettled(contract, events, RUN_ID);
    expect([settled.length, released.length]).toEqual([2, 0]);
    expect(settled.every(({ holder }) => holder === `${RUN_ID}/2`)).toBe(true);
  });
  test("is free again when it certainly did not", () => {
    const failed = { status: "error", error: { code: "no", message: "m", retryable: false } } as const;
    const { settled, released } = holdsOfSettled(contract, refunded(failed, false).events, RUN_ID);
    expect([settled.length, released.length]).toEqual([0, 2]);
  });
  test("is not touched by a call that is still open, by a run that never began, or by a tool that is gone", () => {
    const open = lookedUp();
    open.propose(act("stripe.refund", REFUND));
    open.decides("ana@example.com").approval();
    const nothing = { settled: [], released: [] };
    expect(holdsOfSettled(contract, open.events, RUN_ID)).toEqual(nothing);
    expect(holdsOfSettled(contract, [], RUN_ID)).toEqual(nothing);
    const { events } = refunded({ status: "ok", output: { refund_id: "re_1" } }, true);
    expect(holdsOfSettled({ ...contract, tools: [lookup] }, events, RUN_ID)).toEqual(nothing);
  });
});
