/** Shown equals executed: what a page shows of other arguments is another page, and arguments that are not the hashed ones are not shown at all. */
import fc from "fast-check";
import { beforeAll, expect, test, vi } from "vitest";
import { editedArgs, fieldsOf } from "../../lib/approval/fields.js";
import { matchesHash } from "../../lib/approval/status.js";
import { type JsonObject, jcs } from "../../lib/run/canonical.js";
import { actionHash } from "../../lib/run/hash.js";
import { Desk } from "./desk-in-memory.js";
import { approvalViewOf } from "./fixture.js";

beforeAll(() => void vi.spyOn(console, "log").mockImplementation(() => {}));

const awkward = fc.oneof(
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.constantFrom(
    "1",
    "true",
    "null",
    "",
    " ",
    "a ",
    "\u202eabc",
    "a\u200bb",
    "é",
    "e\u0301",
    "[1]",
    '"a"',
    "a.b",
    "a[0]",
    "x\r\ny",
    "·",
    "[U+200B]",
  ),
);
const scalar = fc.oneof(
  awkward,
  fc.boolean(),
  fc.constant(null),
  fc.integer(),
  fc.constantFrom(
    Number.MAX_SAFE_INTEGER,
    Number.MIN_SAFE_INTEGER,
    0.1,
    1e21,
    5e-324,
    0.30000000000000004,
    420,
    42_000,
  ),
);
const args = fc.dictionary(
  fc.oneof(
    awkward.filter((key) => key !== "__proto__"),
    fc.constantFrom("a", "a.b", "A", "a ", "a[0]", "amount_cents"),
  ),
  fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      scalar,
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(
        awkward.filter((key) => key !== "__proto__"),
        tie("value"),
        { maxKeys: 3 },
      ),
    ),
  })).value,
  { maxKeys: 5 },
);
const json = args.map((value) => JSON.parse(JSON.stringify(value)) as JsonObject).filter((value) => isCanonical(value));
function isCanonical(value: unknown): boolean {
  try {
    jcs(value);
    return true;
  } catch {
    return false; // lone surrogates: refused where arguments come in
  }
}

const plain = (value: JsonObject) => approvalViewOf({ args: value, nonces: {}, sensitive_paths: [] });
async function pageOf(value: JsonObject): Promise<string> {
  const desk = new Desk({ args: value, nonces: {}, sensitive_paths: [] });
  await desk.approvals.insertRequest(desk.view);
  await desk.approvals.insertLink("l".repeat(32), {
    workflow: desk.view.workflow,
    approval_id: desk.view.approval_id,
    approver: "ana@example.com",
    role: "owner",
    expires_at: desk.view.deadline,
  });
  const { html } = await desk.get(`/approvals/${"l".repeat(32)}`);
  return html.slice(html.indexOf('id="arguments"'), html.indexOf('id="because"'));
}

test("other arguments have another hash, and another page", async () => {
  await fc.assert(
    fc.asyncProperty(json, json, async (left, right) => {
      fc.pre(jcs(left) !== jcs(right));
      const shown = plain(left);
      expect(matchesHash(shown)).toBe(true);
      expect(matchesHash({ ...shown, args: right })).toBe(false);
      expect(await pageOf(left)).not.toBe(await pageOf(right));
    }),
    { numRuns: 60 },
  );
}, 60_000);

test("values that only look alike look different", async () => {
  const alike: readonly (readonly [JsonObject, JsonObject])[] = [
    [{ a: 1 }, { a: "1" }],
    [{ a: null }, { a: "null" }],
    [{ a: { b: 1 } }, { "a.b": 1 }],
    [{ a: [1] }, { "a[0]": 1 }],
    [{ a: "" }, { a: "empty" }],
    [{ a: "x " }, { a: "x" }],
    [{ a: "e\u0301" }, { a: "é" }],
    [{ a: "x\u200b" }, { a: "x" }],
    [{ a: "x\u200b" }, { a: "x[U+200B]" }],
    [{ a: "[]" }, { a: [] }],
    [{ a: 0.1 }, { a: 0.10000000000000002 }],
    [{ A: 1 }, { a: 1 }],
  ];
  for (const [left, right] of alike)
    expect(await pageOf(left), JSON.stringify([left, right])).not.toBe(await pageOf(right));
});

test("stage, tool schema and contract are part of what is bound; 64 KiB are shown whole", async () => {
  const long = "x".repeat(64_000);
  expect(await pageOf({ text: `${long}END` })).toContain("xEND");
  const content = {
    run_id: "r",
    step: "1.proposal",
    tool: "t",
    tool_schema_hash: "a",
    args: {},
    contract_hash: "b",
    stage: "dev",
    expires_at: "2026-01-01T00:00:00.000Z",
  };
  const hashes = [
    content,
    { ...content, stage: "prod" },
    { ...content, tool_schema_hash: "c" },
    { ...content, contract_hash: "c" },
  ].map(actionHash);
  expect(new Set(hashes).size).toBe(4);
});

test("a form that comes back untouched, as browsers send it, changes nothing", () => {
  fc.assert(
    fc.property(json, (value) => {
      const sent = Object.fromEntries(
        fieldsOf(value, []).map(({ name, value: text }) => [name, text.replace(/\r\n?|\n/g, "\r\n")]),
      );
      expect(jcs(editedArgs(value, sent, []))).toBe(jcs(value));
    }),
    { numRuns: 200 },
  );
});
