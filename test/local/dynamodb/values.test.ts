import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { equalValues, topLevelAttributes } from "../../../lib/local/dynamodb/expressions.js";
import { canonicalNumber } from "../../../lib/local/dynamodb/values.js";

describe("canonicalNumber", () => {
  it.each([
    ["1.50", "15e-1"],
    ["+1.5", "15e-1"],
    ["15e-1", "15e-1"],
    ["0.0", "0"],
    ["-0", "0"],
    ["100", "1e2"],
    ["1E2", "1e2"],
    ["007", "7"],
    ["seven", "seven"],
    ["", ""],
  ])("%s is %s", (text, expected) => expect(canonicalNumber(text)).toBe(expected));

  it("property: is the same for equal numbers and different for others", () => {
    const number = fc.double({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(number, number, (a, b) => {
        expect(canonicalNumber(a.toExponential())).toBe(canonicalNumber(String(a)));
        expect(canonicalNumber(String(a)) === canonicalNumber(String(b))).toBe(a === b);
      }),
    );
  });
});

describe("expressions", () => {
  const maps = { names: { "#a": "alpha", "#d.x": "no" }, values: { ":p": { S: "x" }, ":q": { S: "y" } } };
  it.each<[string, string[]]>([
    ["SET a.b[0] = :p, #a = if_not_exists(c, :q) REMOVE d ADD e :p DELETE f :q", ["a", "alpha", "c", "d", "e", "f"]],
    [
      "attribute_not_exists(pk) AND (NOT size(#a) > :p OR b IN (:p, :q)) AND c BETWEEN :p AND :q",
      ["pk", "alpha", "b", "c"],
    ],
    ["a, b.c, #a[1]", ["a", "b", "alpha"]],
    ["a=:p", ["a"]],
  ])("names the attributes of %s", (expression, expected) => {
    expect(topLevelAttributes(expression, maps)).toEqual(expected);
  });

  it("finds what an attribute must equal, on either side", () => {
    expect(equalValues("#a = :p AND sk >= :q", "alpha", maps)).toEqual([{ S: "x" }]);
    expect(equalValues("(:q=alpha)", "alpha", maps)).toEqual([{ S: "y" }]);
    expect(equalValues("alpha = :p AND alpha = :q", "alpha", maps)).toEqual([{ S: "x" }, { S: "y" }]);
    expect(equalValues("alpha >= :p", "alpha", maps)).toEqual([]);
    expect(equalValues("alpha = :unknown", "alpha", maps)).toEqual([]);
  });
});
