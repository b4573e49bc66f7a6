import type { RequestKeys } from "./keys.js";
import { matches, matchesArn, type Pattern } from "./pattern.js";
import { type Truth, truth } from "./truth.js";
import { template } from "./variables.js";

/** Compares one value of the request with one value of the policy, which `compile` reads once. */
export interface Operator {
  /** `Not…`: true when no policy value matches, and for a key that is absent */
  readonly negated: boolean;
  /** `text` compares patterns, `value` numbers, dates and booleans: other text has no meaning there */
  readonly kind: "text" | "value";
  compile(policyValue: string, variables: boolean): (requestValue: string, keys: RequestKeys) => Truth;
}

type Compile = Operator["compile"];

function textual(wildcards: boolean, test: (pattern: Pattern, value: string) => Truth): Compile {
  return (policyValue, variables) => {
    const wanted = template(policyValue, { variables, wildcards });
    return (value, keys) => {
      const pattern = wanted.expand(keys);
      return pattern === undefined ? "unknown" : test(pattern, value);
    };
  };
}

const equal = textual(false, (pattern, value) => truth(matches(pattern, value)));
const like = textual(true, (pattern, value) => truth(matches(pattern, value)));
const arn = textual(true, matchesArn);
const equalIgnoringCase = textual(false, (pattern, value) =>
  truth(matches(pattern.map(lowerCase), value.toLowerCase())),
);
function lowerCase(token: Pattern[number]): Pattern[number] {
  return typeof token === "string" ? token.toLowerCase() : token;
}

function ordered(
  read: (text: string) => number | undefined,
  test: (request: number, policy: number) => boolean,
): Compile {
  return (policyValue) => {
    const wanted = read(policyValue);
    return (value) => {
      const actual = read(value);
      return wanted === undefined || actual === undefined ? "unknown" : truth(test(actual, wanted));
    };
  };
}

const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
const DATE = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2}))?$/;

function readNumber(text: string): number | undefined {
  const value = NUMBER.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(value) ? value : undefined;
}
/** ISO 8601 with a zone, a date (midnight UTC), or epoch seconds; as epoch milliseconds. */
function readDate(text: string): number | undefined {
  const seconds = readNumber(text);
  if (seconds !== undefined) return seconds * 1000;
  const value = DATE.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(value) ? undefined : value;
}
function readBool(text: string): number | undefined {
  const lower = text.toLowerCase();
  return lower === "true" ? 1 : lower === "false" ? 0 : undefined;
}

const is = (compile: Compile, kind: Operator["kind"] = "text"): Operator => ({ negated: false, kind, compile });
const isNot = (compile: Compile, kind: Operator["kind"] = "text"): Operator => ({ negated: true, kind, compile });

function comparisons(kind: "Numeric" | "Date", read: (text: string) => number | undefined): [string, Operator][] {
  const equals = ordered(read, (a, b) => a === b);
  return [
    [`${kind}Equals`, is(equals, "value")],
    [`${kind}NotEquals`, isNot(equals, "value")],
    [
      `${kind}LessThan`,
      is(
        ordered(read, (a, b) => a < b),
        "value",
      ),
    ],
    [
      `${kind}LessThanEquals`,
      is(
        ordered(read, (a, b) => a <= b),
        "value",
      ),
    ],
    [
      `${kind}GreaterThan`,
      is(
        ordered(read, (a, b) => a > b),
        "value",
      ),
    ],
    [
      `${kind}GreaterThanEquals`,
      is(
        ordered(read, (a, b) => a >= b),
        "value",
      ),
    ],
  ];
}

/** The operators that are understood, without prefix and `IfExists`; `Null` is no comparison and lives in conditions.ts. */
export const OPERATORS: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ["StringEquals", is(equal)],
  ["StringNotEquals", isNot(equal)],
  ["StringEqualsIgnoreCase", is(equalIgnoringCase)],
  ["StringNotEqualsIgnoreCase", isNot(equalIgnoringCase)],
  ["StringLike", is(like)],
  ["StringNotLike", isNot(like)],
  ["ArnEquals", is(arn)],
  ["ArnLike", is(arn)],
  ["ArnNotEquals", isNot(arn)],
  ["ArnNotLike", isNot(arn)],
  [
    "Bool",
    is(
      ordered(readBool, (a, b) => a === b),
      "value",
    ),
  ],
  ...comparisons("Numeric", readNumber),
  ...comparisons("Date", readDate),
]);
