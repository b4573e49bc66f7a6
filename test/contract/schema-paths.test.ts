import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import {
  fieldAt,
  fieldPaths,
  jsonSchemaOf,
  pathParts,
  placesAt,
  scalarOf,
  touchesSensitive,
  valuesAt,
} from "../../lib/contract/schema-paths.js";

const schema = jsonSchemaOf(
  z.strictObject({
    email: z.email(),
    card: z.strictObject({ last4: z.string().optional() }),
    items: z.array(z.strictObject({ note: z.string(), tags: z.array(z.int()) })),
    count: z.int().default(1),
  }),
  "input",
);

describe("fieldAt", () => {
  it("finds fields in objects and lists, and says whether they are always there, once", () => {
    expect(fieldAt(schema, "email")).toMatchObject({ schema: { type: "string" }, optional: false, repeated: false });
    expect(fieldAt(schema, "card.last4")).toMatchObject({ optional: true, repeated: false });
    expect(fieldAt(schema, "items[].tags[]")).toMatchObject({ schema: { type: "integer" }, repeated: true });
    expect(fieldAt(schema, "count")).toMatchObject({ optional: true });
  });

  it.each([
    "",
    "mail",
    "email.x",
    "items.note",
    "items[0].note",
    "email[]",
    "__proto__",
    "constructor",
    "card..last4",
    ".",
    "items[]note",
  ])("finds nothing at %j", (path) => {
    expect(fieldAt(schema, path)).toBeUndefined();
  });

  it("lists every path", () => {
    expect(fieldPaths(schema)).toEqual([
      ...["email", "card", "card.last4", "items", "items[]", "items[].note", "items[].tags", "items[].tags[]", "count"],
    ]);
  });
});

describe("jsonSchemaOf", () => {
  it("resolves named schemas and leaves a reference where one contains itself", () => {
    const address = z.strictObject({ city: z.string() }).meta({ id: "schema_paths_address" });
    const tree: z.ZodType = z.strictObject({
      get next() {
        return tree.optional();
      },
    });

    const resolved = jsonSchemaOf(z.strictObject({ home: address, work: address, tree }), "input");

    expect(fieldAt(resolved, "work.city")).toMatchObject({ schema: { type: "string" } });
    expect(fieldAt(resolved, "tree.next.next.next")).toBeUndefined();
  });
});

describe("scalarOf", () => {
  it.each([
    [z.string(), "string"],
    [z.enum(["a"]), "string"],
    [z.literal(["a", "b"]), "string"],
    [z.iso.datetime(), "string"],
    [z.int(), "integer"],
    [z.literal(3), "integer"],
    [z.boolean(), "boolean"],
    [z.number(), undefined],
    [z.literal(0.5), undefined],
    [z.string().nullable(), undefined],
    [z.array(z.string()), undefined],
  ])("%#", (type, expected) => {
    expect(scalarOf(jsonSchemaOf(type, "input"))).toBe(expected);
  });
});

describe("valuesAt and placesAt", () => {
  const value = { email: "a", items: [{ note: "x" }, {}, { note: null }, "odd"], card: [] };

  it("give every value with its concrete path", () => {
    expect(placesAt(value, "items[].note")).toEqual([
      { path: "items[0].note", value: "x" },
      { path: "items[2].note", value: null },
    ]);
    expect(valuesAt(value, "items[].note")).toEqual(["x", null]);
    expect(valuesAt(value, "email")).toEqual(["a"]);
  });

  it("give nothing for what is absent, inherited or of another kind", () => {
    for (const path of ["toString", "__proto__", "card.last4", "email.length", "items.length", "x[].y"])
      expect(valuesAt(value, path)).toEqual([]);
  });

  it("never throw", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.oneof(fc.string(), fc.constantFrom("a.b", "a[].b", "[]")), (any, path) => {
        expect(Array.isArray(valuesAt(any, path))).toBe(true);
      }),
    );
  });

  it("take a path apart and refuse what is none", () => {
    expect(pathParts("items[].note")).toEqual(["items", "[]", "note"]);
    expect(pathParts("a[][]")).toEqual(["a", "[]", "[]"]);
    for (const path of ["", "a.", "a b", "[].a", "a[1]", "1a"]) expect(pathParts(path)).toBeUndefined();
  });
});

it("a path touches a sensitive one when it is the same, inside or around it", () => {
  expect(touchesSensitive("card.last4", ["card"])).toBe(true);
  expect(touchesSensitive("card", ["card.last4"])).toBe(true);
  expect(touchesSensitive("items", ["items[].note"])).toBe(true);
  expect(touchesSensitive("card_number", ["card"])).toBe(false);
});
