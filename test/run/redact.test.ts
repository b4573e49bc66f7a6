import { createHash, createHmac } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { placesAt } from "../../lib/contract/schema-paths.js";
import {
  asJson,
  hashJson,
  isJson,
  type Json,
  jcs,
  jsonFault,
  jsonSizeBytes,
  sameJson,
} from "../../lib/run/canonical.js";
import { actionHash, approvalId, idempotencyKey, previewHash } from "../../lib/run/hash.js";
import { commit, jsonAt, nonceMap, noncesOf, redact, redactWithNonces, seal } from "../../lib/run/redact.js";
import { SECRET } from "./support.js";

const nonces = noncesOf(SECRET, 3, "args");

describe("canonical JSON", () => {
  const folder = new URL("../../../shared/data/jcs/testdata/", import.meta.url);
  test.skipIf(!existsSync(folder))("RFC 8785 vectors, text and bytes", () => {
    const names = readdirSync(new URL("input/", folder));
    expect(names.length).toBeGreaterThan(4);
    for (const name of names) {
      const text = jcs(JSON.parse(readFileSync(new URL(`input/${name}`, folder), "utf8")));
      expect(text).toBe(readFileSync(new URL(`output/${name}`, folder), "utf8").trimEnd());
      const bytes = readFileSync(new URL(`outhex/${name.replace(".json", ".txt")}`, folder), "utf8")
        .split(/\s+/)
        .filter(Boolean);
      expect(Buffer.from(text)).toEqual(Buffer.from(bytes.join(""), "hex"));
    }
  });
  test("numbers and keys as the RFC has them", () => {
    expect(jcs({ b: [1e21, 0.1, -0, 1e-7], a: null, "\u20ac": true, "10": 1, "9": 2 })).toBe(
      '{"10":1,"9":2,"a":null,"b":[1e+21,0.1,0,1e-7],"€":true}',
    );
  });
  test.each([[Number.NaN], [Number.POSITIVE_INFINITY], ["\udc00"], [{ "\ud800": 1 }], [undefined], [() => 1], [[1n]]])(
    "%s has no canonical form",
    (value) => {
      expect(() => jcs(value)).toThrow(/canonical JSON/);
    },
  );
  test("what is JSON is what can be written", () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withDate: true, withNullPrototype: true }), (value) => {
        if (jsonFault(value) === undefined && value !== undefined) expect(() => jcs(value)).not.toThrow();
      }),
    );
    expect(isJson(undefined)).toBe(false);
    expect(asJson(new Date())).toBeUndefined();
    expect(jsonFault({ a: undefined })).toBeUndefined();
    expect(jsonFault({ "\ud800": 1 })).toBe("half-character");
    expect(jsonFault(Symbol("x"))).toBe("not-json");
    expect(jsonSizeBytes(undefined)).toBe(0);
    expect(jsonSizeBytes("€")).toBe(5);
    expect(sameJson({ a: 1, b: 2 }, { b: 2, a: 1 })).toBe(true);
  });
  test("survives a round trip", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(jcs(JSON.parse(jcs(value)))).toBe(jcs(value));
      }),
    );
  });
});

describe("redaction", () => {
  test("a commitment is SHA-256 over the nonce's bytes and the canonical value, the nonce an HMAC of the run's secret", () => {
    const nonce = createHmac("sha256", SECRET).update("3|args|card.last4").digest("hex");
    expect(nonces("card.last4")).toBe(nonce);
    const hash = createHash("sha256").update(Buffer.from(nonce, "hex")).update('"4242"').digest("hex");
    expect(redact({ card: { last4: "4242", brand: "visa" } }, ["card.last4"], nonces)).toEqual({
      redacted: { card: { last4: { $commitment: hash }, brand: "visa" } },
      sealed: { "card.last4": { nonce, value: "4242" } },
    });
  });
  test("arrays, absent fields, whole objects, and a path inside another", () => {
    const value = { items: [{ note: "a" }, {}, { note: "c" }], who: { name: "x", id: 1 } };
    const { redacted, sealed } = redact(value, ["items[].note", "who", "who.name", "absent"], nonces);
    expect(Object.keys(sealed)).toEqual(["items[0].note", "items[2].note", "who"]);
    expect(redacted).toMatchObject({
      items: [{ note: { $commitment: expect.any(String) } }, {}, {}],
      who: { $commitment: expect.any(String) },
    });
  });
  test("equal values at other places, in other turns and of other runs look different", () => {
    const seen = [
      redact({ a: "x", b: "x" }, ["a", "b"], nonces).redacted,
      redact({ a: "x", b: "x" }, ["a", "b"], noncesOf(SECRET, 4, "args")).redacted,
      redact({ a: "x", b: "x" }, ["a", "b"], noncesOf(new Uint8Array(32), 3, "args")).redacted,
    ].flatMap((value) => Object.values(value ?? {}).map((part) => JSON.stringify(part)));
    expect(new Set(seen).size).toBe(6);
  });

  const paths = fc.subarray(["a", "b.c", "l[]", "l[].x", "b"], { minLength: 1 });
  const values = fc.record(
    {
      a: fc.jsonValue(),
      b: fc.record({ c: fc.string(), d: fc.integer() }),
      l: fc.array(fc.oneof(fc.record({ x: fc.string() }), fc.string())),
    },
    { requiredKeys: [] },
  );
  test("no sensitive value remains; who has the nonces comes to the same hash; the rest is untouched", () => {
    fc.assert(
      fc.property(values, paths, (raw, sensitive) => {
        const value = asJson(raw) ?? null;
        const { redacted, sealed } = redact(value, sensitive, nonces);
        for (const path of sensitive) {
          for (const place of placesAt(redacted, path)) expect(place.value).toHaveProperty("$commitment");
        }
        for (const { nonce, value: plain } of Object.values(sealed))
          expect(jcs(redacted)).toContain(commit(plain, nonce).$commitment);
        expect(hashJson(redactWithNonces(value, sensitive, nonceMap(sealed)))).toBe(hashJson(redacted));
        if (Object.keys(sealed).length === 0) expect(redacted).toEqual(value);
      }),
    );
  });
  test("a changed value, a missing or an extra nonce does not pass", () => {
    const { redacted, sealed } = redact({ a: "x", b: 1 }, ["a"], nonces);
    expect(redactWithNonces({ a: "y", b: 1 }, ["a"], nonceMap(sealed))).not.toEqual(redacted);
    expect(() => redactWithNonces({ a: "x" }, ["a"], {})).toThrow(/a has no nonce/);
    expect(() => redactWithNonces({ b: 1 }, ["a"], nonceMap(sealed))).toThrow(/a has a nonce but is not/);
    expect(() => redactWithNonces({ a: "x" }, ["a"], Object.create({ a: "00" }))).toThrow(/a has no nonce/);
  });
  test("hostile keys stay keys", () => {
    const value: Json = JSON.parse('{"__proto__":{"x":1},"a":"s"}');
    const { redacted } = redact(value, ["a"], nonces);
    expect(Object.keys(redacted ?? {})).toEqual(["__proto__", "a"]);
    expect(Object.hasOwn(Object.prototype, "x")).toBe(false);
  });
  test("whole values", () => {
    const { commitment, sealed } = seal(SECRET, 1, "rationale", "why");
    expect(sealed["rationale|"]?.value).toBe("why");
    expect(commit("why", sealed["rationale|"]?.nonce ?? "")).toEqual(commitment);
    expect(jsonAt({ a: { b: 1 } }, "a.b")).toBe(1);
    expect(jsonAt({}, "a.b")).toBeUndefined();
  });
});

describe("hashes that bind", () => {
  const content = {
    run_id: "r",
    step: "2.proposal",
    tool: "stripe.refund",
    tool_schema_hash: "a",
    args: { x: 1 },
    contract_hash: "c",
    stage: "dev",
    expires_at: "2026-11-21T12:00:00.000Z",
  };
  test("action_hash is over the members that DESIGN.md names", () => {
    const text =
      '{"args":{"x":1},"contractHash":"c","expiresAt":"2026-11-21T12:00:00.000Z","runId":"r","stage":"dev","step":"2.proposal","tool":"stripe.refund","toolSchemaHash":"a"}';
    expect(actionHash(content)).toBe(createHash("sha256").update(text).digest("hex"));
  });
  test("any other member gives another hash", () => {
    for (const key of Object.keys(content))
      expect(actionHash({ ...content, [key]: "other" })).not.toBe(actionHash(content));
  });
  test("keys and ids depend on run, turn and action alone", () => {
    expect(idempotencyKey("r", 2, "h")).toMatch(/^cs_[0-9a-f]{40}$/);
    expect(
      new Set([
        idempotencyKey("r", 2, "h"),
        idempotencyKey("r", 3, "h"),
        idempotencyKey("q", 2, "h"),
        idempotencyKey("r", 2, "i"),
      ]).size,
    ).toBe(4);
    expect(approvalId("r", 2, "h")).toMatch(/^ap_[0-9a-f]{32}$/);
    expect(previewHash(SECRET, 2, { a: 1 })).toBe(previewHash(SECRET, 2, { a: 1 }));
    expect(previewHash(SECRET, 2, { a: 1 })).not.toBe(previewHash(SECRET, 2, { a: 2 }));
  });
});
