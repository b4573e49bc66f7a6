/** Which parts of a question hold, or may hold, something sensitive: these are in no mail, no Slack message, and on no page of a link alone. */
import { describe, expect, test } from "vitest";
import type { Contract } from "../../lib/contract/model.js";
import { act, contract, LOOKED_UP, REFUND, refund, World } from "./support.js";

const PLAIN_REFUND = { ...refund, sensitiveInput: [] };
const tools = (changed: Partial<(typeof contract.tools)[number]> = {}) =>
  contract.tools.map((tool) => (tool.name === "stripe.refund" ? { ...PLAIN_REFUND, ...changed } : tool));

/** The parts of a question about a refund, when this was looked up before. */
function partsOf(
  { args = REFUND, rationale, preview }: { args?: object; rationale?: string; preview?: World["preview"] },
  change: Partial<Contract> = { tools: tools() },
): readonly string[] | undefined {
  const world = new World(change).start();
  world.call("stripe.lookup_charge", { charge_id: "ch_77" }, LOOKED_UP);
  if (preview !== undefined) world.preview = preview;
  world.propose(act("stripe.refund", { ...REFUND, ...args }, rationale === undefined ? {} : { rationale }));
  return world.lastAsk().approval.page_only;
}
const previewOf = (note: string): World["preview"] => ({
  status: "ok",
  preview: { before: {}, after: { refunded: 42_000 }, notes: [note] },
});
/** A workflow that knows nothing sensitive. */
const OPEN = {
  sensitive: [],
  tools: tools().map((tool) => ({ ...tool, sensitiveInput: [], sensitiveOutput: [] })),
} satisfies Partial<Contract>;

describe("a question's parts that stay on the signed-in page", () => {
  test("none, where the run knows nothing sensitive", () => {
    expect(partsOf({ rationale: "a duplicate", args: { memo: "for Acme BV" } }, OPEN)).toBeUndefined();
  });
  test("the agent's words, as soon as the run knows any sensitive value: paraphrases are not looked for", () => {
    expect(partsOf({ rationale: "a duplicate" })).toEqual(["says"]);
    expect(partsOf({})).toBeUndefined();
  });
  test.each([
    ["as it is", "for Acme BV"],
    ["in other letters, with something invisible in it", "for ACME\u200b bv"],
    ["the input's", "said: I was charged twice, call 0151 2345678"],
  ])("the arguments, when a field that should not hold a sensitive value does: %s", (_, memo) => {
    expect(partsOf({ args: { memo } })).toEqual(["args"]);
  });
  test("the arguments, when they hold what looks like a secret, though the run knows nothing sensitive", () => {
    expect(partsOf({ args: { memo: "card 4242 4242 4242 4242" } }, OPEN)).toEqual(["args"]);
  });
  test("the changes, when they hold a sensitive value", () => {
    expect(partsOf({ preview: previewOf("Acme BV gets its money back") })).toEqual(["preview"]);
    expect(partsOf({ preview: previewOf("the customer gets its money back") })).toBeUndefined();
  });
  test("the changes of every tool with sensitive fields, whatever they hold", () => {
    expect(partsOf({}, { tools: tools({ sensitiveInput: ["memo"] }) })).toEqual(["preview"]);
    expect(partsOf({}, { tools: tools({ sensitiveOutput: ["refund_id"] }) })).toEqual(["preview"]);
  });
  test("the title, when it holds a sensitive value", () => {
    expect(partsOf({ args: { memo: "Acme BV" } }, { tools: tools({ title: "Refund {memo}" }) })).toEqual([
      "title",
      "args",
    ]);
  });
});

describe("GIVEN a question whose argument is shown only after sign-in", () => {
  const asked = (change: Partial<Contract> = {}) => {
    const world = new World(change).start();
    world.call("stripe.lookup_charge", { charge_id: "ch_77" }, LOOKED_UP);
    world.propose(act("stripe.refund", REFUND));
    return world;
  };

  test("WHEN a row says that a mailed code approved it THEN the gate does not count it, whoever wrote the row", () => {
    const [sensitive, plain] = [asked(), asked({ tools: tools() })];
    for (const world of [sensitive, plain]) world.decides("ana@example.com", "approve", { method: "code" }).approval();
    expect([sensitive.last?.decision, plain.last?.decision]).toEqual(["ask", "permit"]);
  });

  test("WHEN who is signed in approves it THEN it runs", () => {
    const world = asked();
    world.decides("ana@example.com").approval();
    expect(world.last?.decision).toBe("permit");
  });
});
