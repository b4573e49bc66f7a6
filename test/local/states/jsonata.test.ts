import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileExpression, expressionSource } from "../../../lib/local/states/jsonata.js";

const services = { nowMs: () => Date.parse("2026-11-21T10:00:00Z"), random: () => 0.25, uuid: () => "uuid-1" };
const evaluate = async (source: string, bindings: Record<string, unknown> = {}): Promise<unknown> =>
  compileExpression(source).evaluate(bindings, services);
const input = { order: { id: "o1", items: [{ id: 1 }, { id: 2 }], one: [7], none: [], empty: null } };

describe("the delimiters", () => {
  it.each([
    ["{% 1 %}", "1"],
    ["{%$x%}", "$x"],
    ["{% \n  10  %}", "10"],
    [" {% 1 %}", undefined],
    ["{% 1 %} ", undefined],
    ["$states.input", undefined],
  ])("%j holds %j", (text, source) => {
    expect(expressionSource(text)).toBe(source);
  });
});

describe("Step Functions' additions", () => {
  it.each([
    ["$partition([1,2,3,4,5], 2)", [[1, 2], [3, 4], [5]]],
    ["$partition([1], 4)", [[1]]],
    ["$range(1, 9, 3)", [1, 4, 7]],
    ["$range(9, 1, -4)", [9, 5, 1]],
    ["$range(1, 9, 9)", 1],
    ["$hash('abc', 'SHA-256')", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
    ["$hash('abc', 'MD5')", "900150983cd24fb0d6963f7d28e17f72"],
    ["$parse('{\"a\": [1]}')", { a: [1] }],
    ["$uuid()", "uuid-1"],
    ["$random()", 0.25],
    ["$random(42) = $random(42)", true],
    ["$random(1) = $random(2)", false],
    ["$now()", "2026-11-21T10:00:00.000Z"],
    ["$now('[Y]-[M01]')", "2026-11"],
    ["$millis()", Date.parse("2026-11-21T10:00:00Z")],
  ])("%s", async (source, value) => {
    expect(await evaluate(source)).toEqual(value);
  });

  it.each([
    ["$eval('1')", "T1006: Attempted to invoke a non-function"],
    ["$hash('abc', 'CRC')", 'unknown hash algorithm "CRC"; allowed are MD5, SHA-1, SHA-256, SHA-384, SHA-512'],
    ["$range(1, 2, 0)", "must not be zero"],
    ["$range(1, 5000, 1)", "at most 1000 are allowed"],
    ["$partition([1], 0)", "must be a positive integer"],
    ["$parse('{')", "D3141: parse: "],
  ])("%s fails", async (source, message) => {
    await expect(evaluate(source)).rejects.toThrow(message);
  });

  it("stay undefined for what is not there", async () => {
    expect(await evaluate("$hash($nope, 'MD5')")).toBeUndefined();
    expect(await evaluate("$parse($nope)")).toBeUndefined();
  });
});

describe("values", () => {
  it.each(["$sum", "function($x) { $x }", "/a/", "{'f': $sum}", "1/0", "[1, -1/0]"])(
    "%s is no JSON",
    async (source) => {
      await expect(evaluate(source)).rejects.toThrow("returned an unsupported result type");
    },
  );

  it("come out as plain JSON", async () => {
    const value = await evaluate("$states.input.order.items.id", { states: { input } });
    expect(value).toStrictEqual([1, 2]);
    expect(Object.getOwnPropertyNames(value)).toEqual(["0", "1", "length"]);
  });

  it("keep a member called __proto__ a member", async () => {
    const hostile: unknown = JSON.parse('{"__proto__": {"admin": true}, "n": [1]}');
    const value = await evaluate("{'copy': $states.input, 'list': [1..2].($ * 2)}", { states: { input: hostile } });
    expect(JSON.stringify(value)).toBe('{"copy":{"__proto__":{"admin":true},"n":[1]},"list":[2,4]}');
  });
});

describe("plain paths, which do without the engine", () => {
  const slow = (path: string): string => `(${path})`;

  it.each([
    "$states.input",
    "$states.input.order",
    "$states.input.order.id",
    "$states.input.order.items",
    "$states.input.order.items.id",
    "$states.input.order.one",
    "$states.input.order.one.id",
    "$states.input.order.none",
    "$states.input.order.empty",
    "$states.input.order.nope",
    "$states.input.order.id.length",
    "$nope",
    "$nope.a",
  ])("%s gives what the engine gives", async (path) => {
    const bindings = { states: { input } };
    expect(await evaluate(path, bindings)).toEqual(await evaluate(slow(path), bindings));
  });

  it.each([
    ["$states.input", true],
    ["$states.input.order.id", true],
    ["$states.input.order.items", true],
    ["$states.input.order.items.id", false],
    ["$states.input.order.nope", false],
    ["$states.input.order.items[0]", false],
    ["$states.input.order.one[]", false],
    ["$states.input.order{id: id}", false],
    ["$states.input.order^(id)", false],
    ["$states.input.order@$o.id", false],
    ["$states.input.order#$i.id", false],
    ["$states.input.order.id.%", false],
    ["$states.input.*", false],
    ["$states", true],
  ])("%s does without it: %s", (path, plain) => {
    const pending = compileExpression(path).evaluate({ states: { input } }, services);
    if (pending instanceof Promise) pending.catch(() => {});
    expect(pending instanceof Promise).toBe(!plain);
  });

  it("give what the engine gives, for any JSON", async () => {
    const name = fc.constantFrom("a", "b", "toString", "constructor");
    const tree = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: "small" },
        fc.jsonValue(),
        fc.dictionary(name, tie("value")),
        fc.array(tie("value")),
      ),
    })).value;
    await fc.assert(
      fc.asyncProperty(tree, fc.array(fc.constantFrom("a", "b"), { maxLength: 3 }), async (value, names) => {
        const path = ["$states.input", ...names].join(".");
        const bindings = { states: { input: JSON.parse(JSON.stringify(value)) } };
        expect(await evaluate(path, bindings)).toEqual(await evaluate(slow(path), bindings));
      }),
    );
  });
});
