import { describe, expect, it } from "vitest";
import * as z from "zod";
import { deskWithTool, faultsOf } from "./fixture.js";

const strict = (shape: z.ZodRawShape) => z.strictObject(shape);

describe("schemas that policies cannot judge", () => {
  const inputs: readonly (readonly [string, z.ZodType, string])[] = [
    [
      "number",
      z.number(),
      "may have a fraction, which policies cannot judge; use z.int(), in the smallest unit (cents)",
    ],
    [
      "nullable",
      z.string().nullable(),
      "may be null, which policies cannot judge; use .optional() instead of .nullable()",
    ],
    [
      "union",
      z.union([z.string(), z.int()]),
      "is a union, which policies cannot judge; use z.enum([…]) or one optional field per case",
    ],
    [
      "record",
      z.record(z.string(), z.string()),
      "is a record with open keys; use z.strictObject({ … }), or a list of { key, value }",
    ],
    ["loose object", z.object({ a: z.string() }), "lets unknown fields through; use z.strictObject({ … })"],
    ["tuple", z.tuple([z.string()]), "is a tuple; use z.array(…) or z.strictObject({ … })"],
    [
      "unknown",
      z.unknown(),
      "has no fixed type; use strings, z.enum, z.int(), booleans, lists or strict objects of them",
    ],
  ];
  it.each(inputs)("%s", (_name, field, told) => {
    const defined = deskWithTool("ledger.purge", {
      input: strict({ before: z.string(), odd: z.array(z.strictObject({ field })) }),
    });
    expect(faultsOf(defined)).toEqual([`CS-1009 contract.tools[4].input.odd[].field: ${told} (tools/ledger.ts)`]);
  });

  it.each([
    ["dates", z.date(), "date cannot be represented in JSON Schema"],
    ["transforms", z.string().transform((text) => text.length), "transforms cannot be represented in JSON Schema"],
  ])("%s", (_name, field, cause) => {
    expect(faultsOf(deskWithTool("ledger.purge", { input: strict({ before: z.string(), field }) }))).toEqual([
      `CS-1009 contract.tools[4].input: cannot be written as JSON Schema (${cause}); use JSON types; for times z.iso.datetime() (tools/ledger.ts)`,
    ]);
  });

  it("accepts what Cedar has: text, enums, integers, booleans, lists, strict objects, optional fields, named schemas", () => {
    const money = z.strictObject({ cents: z.int(), currency: z.enum(["EUR", "USD"]) }).meta({ id: "check_test_money" });
    const field = z.array(z.strictObject({ money, again: money.optional(), on: z.boolean(), one: z.literal("x") }));
    expect(faultsOf(deskWithTool("ledger.purge", { input: strict({ before: z.string(), field }) }))).toEqual([]);
  });
});
