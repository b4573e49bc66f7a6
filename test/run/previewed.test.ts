/** What of a preview stands in the log in clear, as a commitment, and not again. */
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { verifyChain } from "../../lib/audit/chain.js";
import { sealedFields } from "../../lib/client/reveal.js";
import { jcs } from "../../lib/run/canonical.js";
import { MAX_VALUE_DEPTH } from "../../lib/run/json.js";
import { commit } from "../../lib/run/redact.js";
import { act, contract, LOOKED_UP, lookedUp, REFUND, refund, World } from "./support.js";

type Shown = Extract<World["preview"], { status: "ok" }>["preview"];
const commitment = { $commitment: expect.stringMatching(/^[0-9a-f]{64}$/) };
const tools = (changed: object = {}) =>
  contract.tools.map((tool) => (tool.name === "stripe.refund" ? { ...refund, sensitiveInput: [], ...changed } : tool));

function asked(preview: Partial<Shown>, changed: object = {}): World {
  const world = new World({ tools: tools(changed) }).start();
  world.call("stripe.lookup_charge", { charge_id: "ch_77" }, LOOKED_UP);
  world.preview = { status: "ok", preview: { before: {}, after: {}, notes: [], ...preview } };
  world.propose(act("stripe.refund", REFUND));
  return world;
}
const decisions = (world: World) => world.events.flatMap((event) => (event.type === "ActionDecided" ? [event] : []));
const recorded = (world: World) => decisions(world).at(-1)?.data.preview;
/** Every commitment that the record's preview holds, as the vault opens it. */
function opened(world: World) {
  const event = decisions(world).at(-1);
  const values = Object.values(world.vault.get(`${event?.seq}-${event?.hash}`) ?? {});
  return Object.fromEntries(
    sealedFields(event === undefined ? [] : [event]).map(({ field, commitment: hash }) => [
      field,
      values.find(({ nonce, value }) => commit(value, nonce).$commitment === hash)?.value,
    ]),
  );
}

describe("GIVEN a tool without sensitive fields", () => {
  test("WHEN people are asked THEN the record has what they were shown, before and after", () => {
    const shown = {
      before: { refunded_cents: 0, charge: "ch_77" },
      after: { refunded_cents: 42_000 },
      notes: ["all of it"],
    };
    expect(recorded(asked(shown))).toEqual(shown);
  });

  test("WHEN they have approved THEN what they approved is not there twice, and the chain holds", () => {
    const world = asked({ after: { refunded_cents: 42_000 } });
    world.decides("ana@example.com").approval();
    expect(world.last).toMatchObject({ decision: "permit" });
    expect(decisions(world).map(({ data }) => [data.decision, data.preview !== undefined])).toEqual([
      ["permit", false],
      ["ask", true],
      ["permit", false],
    ]);
    expect(verifyChain(world.events)).toBeUndefined();
  });

  test("WHEN it is another one by then THEN the record has both, and which one nobody approved", () => {
    const world = asked({ after: { refunded_cents: 42_000 } });
    world.decides("ana@example.com").preview = {
      status: "ok",
      preview: { before: { refunded_cents: 100 }, after: { refunded_cents: 42_100 }, notes: [] },
    };
    world.approval();
    expect(
      decisions(world)
        .slice(-2)
        .map(({ data }) => [data.decision, data.preview?.before]),
    ).toEqual([
      ["ask", {}],
      ["deny", { refunded_cents: 100 }],
    ]);
  });

  test("WHEN a field holds a sensitive value of the run, or a secret, THEN that field is a commitment that the vault opens", () => {
    const world = asked({
      before: { customer: "Acme BV", name: "nobody", nested: { card: ["4242 4242 4242 4242"] } },
      after: { customer: "Acme BV", name: "ACME\u200b bv", nested: {} },
    });
    expect(recorded(world)).toEqual({
      before: { customer: commitment, name: "nobody", nested: commitment },
      after: { customer: commitment, name: commitment, nested: {} },
      notes: [],
    });
    expect(opened(world)).toMatchObject({
      "preview.before.customer": "Acme BV",
      "preview.before.nested": { card: ["4242 4242 4242 4242"] },
      "preview.after.name": "ACME\u200b bv",
    });
  });

  test("WHEN a field stays as it is THEN its commitments are the same, and else not", () => {
    const same = z.object({
      before: z.object({ customer: z.json(), note: z.json() }),
      after: z.object({ customer: z.json(), note: z.json() }),
    });
    const { before, after } = same.parse(
      recorded(
        asked({ before: { customer: "Acme BV", note: "Acme BV" }, after: { customer: "Acme BV", note: "of Acme BV" } }),
      ),
    );
    expect(after.customer).toEqual(before.customer);
    expect(after.note).not.toEqual(before.note);
    expect(before.note).not.toEqual(before.customer);
  });

  test("WHEN a name or a note holds one THEN the whole part is a commitment", () => {
    const world = asked({ before: { list: [{ "Acme BV": 1 }] }, after: { total: 1 }, notes: ["for Acme BV"] });
    expect(recorded(world)).toEqual({ before: commitment, after: { total: 1 }, notes: commitment });
  });
});

test.each([{ sensitiveInput: ["memo"] }, { sensitiveOutput: ["refund_id"] }])(
  "GIVEN a tool with sensitive fields %o WHEN it is previewed THEN no value and no name of it is in the log, and the vault opens all",
  (changed) => {
    const preview = { before: { account: "NL01" }, after: { account: "NL02" }, notes: ["moves"] };
    const world = asked(preview, changed);
    expect(recorded(world)).toEqual({ before: commitment, after: commitment, notes: commitment });
    expect(jcs(world.events)).not.toMatch(/NL0|"account"|moves/);
    expect(opened(world)).toEqual({
      "preview.before": preview.before,
      "preview.after": preview.after,
      "preview.notes": preview.notes,
    });
  },
);

test("GIVEN nobody is asked, it is denied, or observed WHEN it was previewed THEN the record says what it would have done", () => {
  const write = act("zendesk.reply", { ticket_id: "4411", text: "x" });
  const alone = lookedUp();
  alone.propose(write);
  expect(decisions(alone).at(-1)?.data).toMatchObject({
    decision: "permit",
    tier: 0,
    preview: { after: { refunded: 42_000 } },
  });
  const denied = lookedUp();
  denied.propose(act("stripe.refund", { ...REFUND, amount_cents: 300_000 }));
  expect(decisions(denied).at(-1)?.data).toMatchObject({ decision: "deny", preview: expect.any(Object) });
  const observed = lookedUp({ autonomy: "observe" });
  observed.propose(write);
  expect(decisions(observed).at(-1)?.data).toMatchObject({ decision: "recommend", preview: expect.any(Object) });
});

test("GIVEN a read, or no preview that could be shown, THEN there is none in the record", () => {
  expect(recorded(lookedUp())).toBeUndefined();
  const failed = lookedUp();
  failed.preview = { status: "error", code: "CS-3201" };
  failed.propose(act("stripe.refund", REFUND));
  expect(decisions(failed).at(-1)?.data).toMatchObject({ decision: "deny", preview_hash: null });
  expect(recorded(failed)).toBeUndefined();
});

test("GIVEN a preview nested deeper than the log's lines may be WHEN it is judged THEN nothing runs", () => {
  let value: Shown["before"] = { end: 1 };
  for (let level = 0; level < MAX_VALUE_DEPTH; level++) value = { in: value };
  const world = asked({ after: value });
  expect(decisions(world).at(-1)?.data).toMatchObject({
    decision: "deny",
    reasons: [expect.stringContaining(`the preview is nested deeper than ${MAX_VALUE_DEPTH} levels`)],
  });
});
