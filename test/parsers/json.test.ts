import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { jcs } from "../../lib/run/canonical.js";
import { JSON_FAULTS, jsonFault, readJson } from "../../lib/run/json.js";
import {
  deepArray,
  deepObject,
  HALF_CHARACTERS,
  HOSTILE_JSON,
  isPolluted,
  manyKeys,
  NAUGHTY,
  naughtyJson,
  nested,
} from "../support/hostile.js";

const MAX = 4 * 1024 * 1024;
const faultOf = (text: string | Uint8Array, max = MAX) => {
  const read = readJson(text, max);
  return read.ok ? undefined : read.fault;
};

describe("JSON from outside", () => {
  test.each(Object.entries(HOSTILE_JSON))("%s is refused, with a clause that says why", (_name, text) => {
    const read = readJson(text, MAX);
    expect(read.ok).toBe(false);
    if (!read.ok) expect(read.why.startsWith(JSON_FAULTS[read.fault])).toBe(true);
    expect(isPolluted()).toBe(false);
  });

  test("each kind of fault has its own name", () => {
    expect(faultOf("[1e400]")).toBe("not-json");
    expect(faultOf("[1e-400]")).toBe("unsafe-number");
    expect(faultOf("[-9007199254740992]")).toBe("unsafe-number");
    expect(faultOf("[9007199254740991,-9007199254740991,0,0e5,0.0,-0,1.5]")).toBeUndefined();
    expect(faultOf('{"a":{"b":1},"b":{"a":1}}')).toBeUndefined();
    expect(faultOf('{"a":"\\"a\\\\","b":["a","a","a"]}')).toBeUndefined();
    expect(faultOf('{"a":1,"b":{"a":1},"a":3}')).toBe("duplicate-key");
    expect(faultOf('{"\\ud83d\\ude00":1,"\u{1f600}":2}')).toBe("duplicate-key");
    expect(faultOf('{"a":"__proto__"}')).toBeUndefined();
    expect(faultOf('{"__proto__":1}')).toBe("unsafe-key");
    expect(faultOf('{"constructor":{"prototype":1}}')).toBeUndefined();
    expect(faultOf('"\\ud800"')).toBe("half-character");
    expect(faultOf(nested("[", "]", 65))).toBe("too-deep");
    expect(faultOf(nested("[", "]", 64))).toBeUndefined();
    expect(faultOf(Buffer.from([0x22, 0xff, 0x22]))).toBe("not-json");
    expect(faultOf(Buffer.from('\ufeff""'))).toBe("not-json");
    expect(faultOf('"aé"', 5)).toBeUndefined();
    expect(faultOf('"aé"', 4)).toBe("too-large");
    expect(faultOf(Buffer.from('"aé"'), 4)).toBe("too-large");
    expect(readJson("\ufeff1", 9)).toMatchObject({ why: "it is not JSON: it begins with a byte order mark" });
  });

  test("a value is measured like a text, on any depth", () => {
    expect(jsonFault(deepArray())).toBe("too-deep");
    expect(jsonFault(deepObject())).toBe("too-deep");
    expect(jsonFault(Object.fromEntries([["__proto__", 1]]))).toBe("unsafe-key");
    for (const text of HALF_CHARACTERS) expect(jsonFault([text])).toBe("half-character");
    for (const value of [2 ** 53, 1e300]) expect(jsonFault({ value })).toBe("unsafe-number");
    for (const value of [Number.NaN, 1n, () => 1, new Date(0), new Map()]) expect(jsonFault([value])).toBe("not-json");
    expect(jsonFault(Object.create(null))).toBeUndefined();
  });

  test("what is read is what was written: once more through text it is the same, and nothing was lost", () => {
    fc.assert(
      fc.property(naughtyJson, (value) => {
        const text = JSON.stringify(value);
        const read = readJson(text, MAX);
        const fault = jsonFault(JSON.parse(text));
        expect(read.ok).toBe(fault === undefined);
        if (read.ok) expect(JSON.stringify(read.value)).toBe(text);
        if (read.ok) expect(jcs(JSON.parse(jcs(read.value)))).toBe(jcs(value));
        expect(isPolluted()).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  test("any text gives a value or a fault", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[{}[\],:"\\a0-9eE.\s-]{0,30}$/), (text) => {
        const read = readJson(text, MAX);
        let native: unknown;
        try {
          native = JSON.parse(text);
        } catch {
          expect(read.ok).toBe(false);
          return;
        }
        if (read.ok) expect(read.value).toEqual(native);
      }),
      { numRuns: 2000 },
    );
  });

  test("a megabyte takes linear time: with another this would not end in the time a test has", () => {
    const backslashes = `{"a":"${"\\\\".repeat(400_000)}","b":"${'\\"'.repeat(400_000)}"}`;
    const texts = [
      backslashes,
      JSON.stringify(manyKeys()),
      JSON.stringify(NAUGHTY.long?.repeat(10)),
      `[${"1,".repeat(400_000)}1]`,
      `{"a"${" ".repeat(1_000_000)}:1}`,
    ];
    for (const text of texts) expect(faultOf(text)).toBeUndefined();
  });
});
