import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { eventHash } from "../../lib/audit/chain.js";
import { hashOfLine, isCanonical, parseLine } from "../../lib/audit/line.js";
import { jcs } from "../../lib/run/canonical.js";
import { recordedEvent } from "../../lib/run/events.js";
import { wholeRun } from "../run/support.js";
import { referenceJcs } from "./support.js";

/** As `verify` asks; what it refuses before is asked without the shortcut. */
function isLineCanonical(text: string, value: unknown): boolean {
  const read = parseLine(text);
  return isCanonical("why" in read ? { text, value, plain: false } : read);
}

/** What it answers, without its shortcuts. */
function reference(line: string, value: unknown): boolean {
  try {
    return referenceJcs(value) === line;
  } catch {
    return false;
  }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

const events = wholeRun().events;
const lines = events.map((event) => jcs(event));

/** Parts that parse to the same or nearly the same as other parts, so that a mutation is seldom broken JSON. */
const PARTS = [
  [" ", "\n", "\t", ""],
  ["100", "1e2", "1E2", "1.0e2", "10e1", "100.0", "1000000000", "1.0e9", "-0", "0", "-0.0", "0e5", "0.5", "5e-1", "12"],
  ['"a"', '"\\u0061"', '"\\ud83d\\ude00"', '"😀"', '"\\ud800"', '"\ud800"', '"/"', '"\\/"', '":1e2"', '"\\n"', '"é"'],
  ['"a":1,"b":2', '"b":2,"a":1', '"a":1,"a":2', '"10":1,"9":2', '"9":2,"10":1', '"":1', '"__proto__":1', '"a":1,"1":2'],
  ["[]", "[ ]", "{}", "{ }", "[[]]", "null", "true", "false"],
];
const part = fc.constantFrom(...PARTS.flat());
const text: fc.Memo<string> = fc.memo((depth) =>
  depth <= 1
    ? part
    : fc.oneof(
        part,
        fc.array(text(), { maxLength: 4 }).map((items) => `[${items.join(",")}]`),
        fc
          .tuple(fc.constantFrom("a", "b", "10", "é", "__proto__"), text())
          .map(([key, value]) => `{"${key}":${value}}`),
        fc.tuple(part, part, text()).map(([one, other, value]) => `{${one},${other},"z":${value}}`),
        fc.tuple(part, text()).map(([space, value]) => `${space.trim() === "" ? space : ""}${value}`),
      ),
);

describe("canonical lines", () => {
  test("the shortcut says what the reference says, whatever the line", () => {
    let canonical = 0;
    fc.assert(
      fc.property(text(4), (line) => {
        const value = parsed(line);
        if (value === undefined) return;
        const expected = reference(line, value);
        if (expected) canonical += 1;
        expect(isLineCanonical(line, value)).toBe(expected);
      }),
      { numRuns: 3000 },
    );
    expect(canonical).toBeGreaterThan(100);
  });
  test("and of lines of a log with parts put in, cut out or written otherwise", () => {
    const at = fc.nat({ max: 5000 });
    fc.assert(
      fc.property(fc.constantFrom(...lines), at, fc.nat({ max: 3 }), part, (line, place, cut, put) => {
        const start = place % line.length;
        const changed = line.slice(0, start) + put + line.slice(start + cut);
        const value = parsed(changed);
        if (value !== undefined) expect(isLineCanonical(changed, value)).toBe(reference(changed, value));
      }),
      { numRuns: 3000 },
    );
    for (const [index, line] of lines.entries()) expect(isLineCanonical(line, events[index])).toBe(true);
  });
  test.each([
    ['{"a":1e2}', false],
    ['{"a":1e3}', false],
    ['{"a":100,"b":15e3, "c":1}', false],
    ['{"a":100,"b":15000}', true],
    ['{"a":1.0e9}', false],
    ['{"a":1.0e9,"b": 1}', false],
    ['{"a":1,"1":2}', false],
    ['{"1":2,"a":1}', true],
    ['{"a":1,"b":2,"a":3}', false],
    ['{"a":":1e2"}', true],
    ['{"a":0.5}', true],
    ['{"a":"\\n"}', true],
    ['{"a":1e+21}', true],
    ['{"a":-0}', false],
  ])("%s: %s", (line, expected) => {
    expect(isLineCanonical(line, JSON.parse(line))).toBe(expected);
  });
  test("the proof covers nearly all lines of a log, so that few are written again", () => {
    const plain = lines.filter((line) => Reflect.get(parseLine(line), "plain") === true);
    expect(plain.length).toBeGreaterThan(lines.length * 0.9);
  });
  test.each([
    ["nested deeper than may be read", `${"[".repeat(66)}${"]".repeat(66)}`],
    ["a name that schemas drop", '{"__proto__":1}'],
  ])("%s is refused, however it is written", (_what, line) => {
    expect(parseLine(line)).toHaveProperty("why");
  });
  test("nesting without end is not canonical, and no exception", () => {
    const deep = "[".repeat(50_000) + "]".repeat(50_000);
    expect(isLineCanonical(deep, JSON.parse(deep))).toBe(false);
  });
});

test("the hash of a line is the hash of its event", () => {
  for (const [index, line] of lines.entries()) {
    const event = events[index];
    if (event === undefined) throw new Error("no event");
    expect(hashOfLine(line, event.prev, event.hash)).toBe(eventHash(event.prev, event));
    expect(hashOfLine(line, event.prev, event.hash)).toBe(event.hash);
    expect(recordedEvent.parse(JSON.parse(line))).toEqual(event);
  }
});

test("canonical JSON is that of the reference, or refused by both", () => {
  fc.assert(
    fc.property(fc.oneof(fc.anything({ withNullPrototype: true, withSparseArray: true }), fc.jsonValue()), (value) => {
      const [mine, theirs] = [jcs, referenceJcs].map((write) => {
        try {
          return write(value);
        } catch {
          return "refused";
        }
      });
      expect(mine).toBe(theirs);
    }),
    { numRuns: 2000 },
  );
  for (const keys of [
    ["10", "9", "a"],
    ["__proto__", "a"],
    ["é", "a", ""],
    ["constructor", "toString"],
  ]) {
    const value = JSON.parse(`{${keys.map((key) => `${JSON.stringify(key)}:{"b":1,"a":-0}`).join(",")}}`);
    expect(jcs(value)).toBe(referenceJcs(value));
  }
});
