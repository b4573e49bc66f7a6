/** What fits a Cedar type, and how it is said of what does not: kinds, never values, which may be sensitive. */
import { describe, expect, test } from "vitest";
import { cedarRecord, cedarType, misfit } from "../../lib/policy/cedar-types.js";

const type = cedarType(
  {
    type: "object",
    properties: {
      name: { type: "string" },
      count: { type: "integer" },
      open: { type: "boolean" },
      lines: { type: "array", items: { type: "object", properties: { sku: { type: "string" } }, required: ["sku"] } },
    },
    required: ["name"],
  },
  "input",
);

test.each([
  [{ name: "a", count: 1, open: true, lines: [{ sku: "s" }] }],
  [{ name: "" }],
  [{ name: "a", count: undefined }],
  [{ name: "a", count: Number.MAX_SAFE_INTEGER }],
])("%j fits", (value) => expect(misfit(type, value, "input")).toBeUndefined());

test.each([
  ["secret", "input: a value of type string is not an object"],
  [null, "input: null is not an object"],
  [["secret"], "input: a list is not an object"],
  [undefined, "input: nothing is not an object"],
  [{}, "input.name: is missing"],
  [{ name: null }, "input.name: null is not text"],
  [{ name: ["secret"] }, "input.name: a list is not text"],
  [{ name: "\ud800" }, "input.name: text with half a surrogate pair"],
  [{ name: "a", count: 1.5 }, "input.count: 1.5 is not an integer within ±2^53"],
  [{ name: "a", count: 2 ** 53 }, "input.count: 9007199254740992 is not an integer within ±2^53"],
  [{ name: "a", count: "secret" }, "input.count: a value of type string is not an integer within ±2^53"],
  [{ name: "a", open: 1 }, "input.open: 1 is not true or false"],
  [{ name: "a", lines: {} }, "input.lines: a value of type object is not a list"],
  [{ name: "a", lines: [{ sku: "s" }, { sku: true }] }, "input.lines[1].sku: a value of type boolean is not text"],
  [{ name: "a", other: "secret" }, "input.other: is not in the schema"],
  [{ name: "a", __proto__: null, toString: 1 }, "input.toString: is not in the schema"],
])("%j does not: %s", (value, why) => expect(misfit(type, value, "input")).toBe(why));

describe("a schema that has no Cedar type", () => {
  test.each([
    [{ type: "number" }, /^input: number has no Cedar type/],
    [{ type: "array" }, /^input: array has no Cedar type/],
    [{ type: "object" }, /^input: object has no Cedar type/],
    [{}, /^input: undefined has no Cedar type/],
    [
      { type: "object", properties: { a: { type: "array", items: { type: "null" } } } },
      /^input\.a\[\]: null has no Cedar type/,
    ],
  ])("%j is told by its path", (schema, why) => expect(() => cedarType(schema, "input")).toThrow(why));

  test("a record without fields has no attributes", () => {
    expect(cedarRecord({ type: "object" }, "input")).toEqual({ type: "Record", attributes: {} });
  });
});
