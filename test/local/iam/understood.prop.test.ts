import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { glob, matches } from "../../../lib/local/iam/pattern.js";
import { compilePolicy } from "../../../lib/local/iam/statement.js";
import type { PolicyDocument } from "../../../lib/local/types.js";
import { ALLOW_ALL, allows, policy, ROLE } from "./fixtures.js";

/** A policy as hostile as JSON can be: the check reads shapes it was never promised. */
function asPolicy(value: unknown): PolicyDocument {
  return JSON.parse(JSON.stringify({ Version: "2012-10-17", Statement: value }));
}
const KNOWN = [
  "Sid",
  "Effect",
  "Principal",
  "NotPrincipal",
  "Action",
  "NotAction",
  "Resource",
  "NotResource",
  "Condition",
];
const OPERATORS = ["StringEquals", "StringNotEquals", "StringLike", "Bool", "Null", "ArnNotLike", "NumericLessThan"];

const unknownName = fc.string({ minLength: 1 }).filter((name) => !KNOWN.includes(name) && name !== "__proto__");
const base = { Action: "*", Resource: "*" };

describe("what is not understood", () => {
  it("never allows and always denies: elements", () => {
    fc.assert(
      fc.property(unknownName, fc.jsonValue(), (name, value) => {
        expect(allows({ identity: [asPolicy([{ Effect: "Allow", ...base, [name]: value }])] })).toBe(false);
        expect(allows({ identity: [ALLOW_ALL, asPolicy([{ Effect: "Deny", ...base, [name]: value }])] })).toBe(false);
      }),
    );
  });

  it("never allows and always denies: operators", () => {
    const name = fc.string().filter((text) => !OPERATORS.some((known) => text.includes(known)) && text !== "__proto__");
    const known = /^(?:For(?:All|Any)Values?:)?(?:String|Arn|Numeric|Date|Bool|Null)/;
    fc.assert(
      fc.property(name, (operator) => {
        fc.pre(!known.test(operator));
        const Condition = { [operator]: { "aws:PrincipalArn": ROLE } };
        expect(allows({ identity: [asPolicy([{ Effect: "Allow", ...base, Condition }])] })).toBe(false);
        expect(allows({ identity: [ALLOW_ALL, asPolicy([{ Effect: "Deny", ...base, Condition }])] })).toBe(false);
      }),
    );
  });

  it("never allows: effects", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (Effect) => {
        fc.pre(Effect !== "Allow");
        expect(allows({ identity: [ALLOW_ALL, asPolicy([{ ...base, Effect }])] })).toBe(false);
      }),
    );
  });

  it("never throws, whatever the document is", () => {
    const document = fc.oneof(
      fc.jsonValue(),
      fc.record({
        Version: fc.constant("2012-10-17"),
        Statement: fc.array(fc.dictionary(fc.constantFrom(...KNOWN), fc.jsonValue())),
      }),
    );
    fc.assert(
      fc.property(document, fc.constantFrom("identity", "resource", "trust"), (value, kind) => {
        for (const statement of compilePolicy(value, kind)) {
          expect(["Allow", "Deny"]).toContain(statement.effect);
        }
        expect(typeof allows({ identity: [asPolicy(value)], resourcePolicy: asPolicy(value) })).toBe("boolean");
      }),
    );
  });

  it("an added Deny never allows more, an added Allow never denies more", () => {
    const condition = fc.dictionary(
      fc.constantFrom(...OPERATORS, "ForAllValues:StringLike", "ForAnyValue:StringEquals", "IpAddress"),
      fc.dictionary(
        fc.constantFrom("aws:PrincipalArn", "aws:SourceVpc", "x:k"),
        fc.constantFrom("*", ROLE, "true", "1"),
      ),
    );
    const statement = fc.record({
      Effect: fc.constantFrom("Allow", "Deny"),
      Action: fc.constantFrom("*", "dynamodb:*", "s3:*"),
      Resource: fc.constantFrom("*", "arn:aws:dynamodb:*:*:table/*", "arn:aws:s3:::x"),
      Condition: condition,
    });
    fc.assert(
      fc.property(fc.array(statement, { maxLength: 4 }), statement, (before, added) => {
        const was = allows({ identity: [asPolicy(before)] });
        const is = allows({ identity: [asPolicy([...before, added])] });
        if (added.Effect === "Deny" && is) expect(was).toBe(true);
        if (added.Effect === "Allow" && was) expect(is).toBe(true);
      }),
    );
  });
});

describe("patterns", () => {
  it("agree with a regular expression", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "b", ".", ":", "*", "?"), maxLength: 8 });
    fc.assert(
      fc.property(text, text, (pattern, subject) => {
        const source = pattern.replaceAll(/[.]/g, "\\.").replaceAll("*", "[^]*").replaceAll("?", "[^]");
        expect(matches(glob(pattern), subject)).toBe(new RegExp(`^${source}$`).test(subject));
      }),
      { numRuns: 2000 },
    );
  });

  it("end on patterns made to hang: one that tries every way would not", () => {
    expect(matches(glob(`${"*a".repeat(50)}b`), "a".repeat(5_000))).toBe(false);
  });

  it("is what a policy of one statement means, whether in a list or not", () => {
    const statement = { Effect: "Allow", Action: "*", Resource: "*" } as const;
    expect(allows({ identity: [{ Version: "2012-10-17", Statement: statement }] })).toBe(true);
    expect(allows({ identity: [policy(statement)] })).toBe(true);
  });
});
