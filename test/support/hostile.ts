/** What people, models and machines send that nobody expected: our own list, used against every parser. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { CountersignError } from "../../lib/errors.js";
import { AwsFault } from "../../lib/local/types.js";
import { root } from "../../scripts/ensure.mjs";

const point = (...codes: readonly number[]) => String.fromCodePoint(...codes);

/** By what is odd about them. No string holds half a character: those are HALF_CHARACTERS, as JSON refuses them. */
export const NAUGHTY: Readonly<Record<string, string>> = {
  empty: "",
  blank: " \t\r\n\v\f",
  "no-break space": point(0xa0),
  "ideographic space": point(0x3000),
  nul: `a${point(0)}b`,
  controls: Array.from({ length: 32 }, (_, code) => point(code)).join(""),
  "delete and c1": point(0x7f, 0x80, 0x85, 0x9f),
  "line separators": `a${point(0x2028)}b${point(0x2029)}c`,
  "byte order mark": `${point(0xfeff)}{"a":1}`,
  "right-to-left override": `${point(0x202e)}eur 0024 dnufeR`,
  isolates: `${point(0x2066)}a${point(0x2069)}${point(0x2067)}b${point(0x2069)}`,
  "zero width": `cus${point(0x200b)}_${point(0x200c)}9${point(0x200d)}${point(0x2060)}`,
  "soft hyphen": `re${point(0xad)}fund`,
  "combining marks": `e${point(0x301).repeat(200)}`,
  "two normal forms": `${point(0xe9)}e${point(0x301)}`,
  emoji: point(0x1f469, 0x200d, 0x1f469, 0x200d, 0x1f467, 0x1f3fd),
  flag: point(0x1f1e9, 0x1f1ea),
  "tag characters": `safe${point(0xe0069, 0xe0067, 0xe006e, 0xe006f, 0xe0072, 0xe0065)}`,
  "variation selectors": `a${point(0xfe0f)}${point(0xe0100)}`,
  "private use": point(0xe000, 0xf8ff, 0x10fffd),
  noncharacters: point(0xfdd0, 0xfffe, 0xffff, 0x1ffff),
  "replacement character": point(0xfffd),
  "hangul filler": point(0x3164, 0x115f, 0xffa0),
  "full width": "ｒｅｆｕｎｄ ＜script＞",
  "cyrillic look-alike": "сus_9 аdmin",
  "dotless i": "İıſKÅ",
  arabic: "مرحبا 123 العالم",
  thai: "กำลังคืนเงิน",
  zalgo: "Z̸̛͎a̷͇̎l̶̼̈g̶̡̈o̸̩͝",
  "prototype name": "__proto__",
  "constructor name": "constructor",
  "inherited names": "toString valueOf hasOwnProperty __defineGetter__ prototype",
  "not a number": "NaN Infinity -0 1e400 9007199254740993 0x1F 1_000 ٣",
  "null as text": "null undefined None nil true",
  "json in text": '{"kind":"finish","outcome":"refunded"}',
  quotes: `'"\`\\ " ' &quot; %22`,
  html: "<script>alert(1)</script><img src=x onerror=alert(1)>",
  "closing tag": "</textarea></title></style>-->]]>",
  sql: "'; DROP TABLE log; --",
  partiql: `' VALUE {'pk':'x'} "t" ?`,
  cedar: '"]; permit(principal, action, resource); //',
  jsonata: "{% $eval('1') %}",
  sub: "$" + "{AWS::AccountId} $" + "{!Literal} $" + "{",
  template: "{{now-2d}} {amount_cents:EUR} {resource} {{constructor.constructor('x')()}}",
  "printf and shell": "%s%n%p $(id) `id` | ; && \n",
  path: "../../../../etc/passwd\0.json",
  windows: "C:\\CON\\..\\NUL aux.txt",
  url: "javascript:alert(1)//https://a@b:c/%00?__proto__[x]=1",
  header: "a\r\nSet-Cookie: b=c\r\n\r\nbody",
  "encoded word": "=?utf-8?B?44GC?= =?x?Q?=ZZ?=",
  "regular expression": "(a+)+$ [[:alpha:]] (?<n>",
  long: "ab".repeat(40_000),
  "long without a space": "0".repeat(100_000),
};
export const HALF_CHARACTERS = ["\ud800", "\udc00", "a\ud83d", "\ude00b", "\udc00\ud800"];

export const DEEP = 100_000;
/** Arrays in arrays, as a value. */
export function deepArray(levels = DEEP): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}
/** Objects in objects, as a value. */
export function deepObject(levels = DEEP, key = "a"): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = { [key]: value };
  return value;
}
export const nested = (open: string, close: string, levels = DEEP, inner = "1"): string =>
  open.repeat(levels) + inner + close.repeat(levels);

export const manyKeys = (count = 50_000): Record<string, number> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, index]));

/** JSON texts that no boundary may take, whatever its form. */
export const HOSTILE_JSON: Readonly<Record<string, string>> = {
  "deep arrays": nested("[", "]"),
  "deep objects": nested('{"a":', "}"),
  "unclosed depth": "[".repeat(DEEP),
  "65 levels": nested("[", "]", 65),
  "duplicate key": '{"a":1,"a":2}',
  "duplicate key, escaped": '{"a":1,"\\u0061":2}',
  "duplicate key, deep": '[{"b":{"x":[],"y":0, "x" :1}}]',
  prototype: '{"__proto__":{"polluted":true}}',
  "prototype, escaped": '{"\\u005f_proto__":{"polluted":true}}',
  "prototype, deep": '{"a":[{"__proto__":1}]}',
  "lone surrogate": '{"a":"\\ud800"}',
  "lone surrogate in a key": '{"\\udc00":1}',
  "past 2^53": '{"a":9007199254740993}',
  "2^53": '{"a":-9007199254740992}',
  "past 2^53 as a fraction": '{"a":9007199254740993.0}',
  "past every double": '{"a":1e400}',
  "under every double": '{"a":1e-400}',
  "byte order mark": '\ufeff{"a":1}',
  "trailing comma": '{"a":1,}',
  comment: '{"a":1/*2*/}',
  "not a number": '{"a":NaN}',
  "single quotes": "{'a':1}",
  "two values": "{}{}",
  nothing: "",
  blank: " \r\n",
  nul: '{"a":\u0000}',
  "raw control character": '{"a":"\u0001"}',
  "bad escape": '{"a":"\\x41"}',
  truncated: '{"a":"b',
};

/** Strings of every kind, the list above first. */
export const naughtyText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...Object.values(NAUGHTY)),
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({ unit: "grapheme", maxLength: 40 }),
  fc.stringMatching(/^[\ud800-\udfff"\\{}[\],:a-z\d]{0,20}$/),
);
const leaf = fc.oneof(
  naughtyText,
  fc.constantFrom(null, true, false, 0, -0, 2 ** 53, -(2 ** 53), 1e21, 5e-324, Number.MAX_VALUE),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);
/** Values as JSON.parse gives them, with the names that JavaScript has a meaning for. */
export const naughtyJson: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    leaf,
    fc.array(tie("value"), { maxLength: 4 }),
    fc
      .array(
        fc.tuple(fc.oneof(fc.constantFrom("__proto__", "constructor", "toString", "kind"), naughtyText), tie("value")),
        {
          maxLength: 4,
        },
      )
      .map((entries) => Object.fromEntries(entries)),
  ),
})).value;
export const anything: fc.Arbitrary<unknown> = fc.oneof(
  naughtyJson,
  fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true, withSparseArray: true }),
);

/** Whether what was thrown is an answer: coded, with a whole message, and no stack's end. */
export function isCoded(error: unknown): boolean {
  return (error instanceof CountersignError && /^CS-\d{4}$/.test(error.code)) || error instanceof AwsFault;
}

/** Runs a parser; gives the code it refused with, or undefined. What is not coded is thrown on. */
export function codeOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof CountersignError || error instanceof AwsFault) return error.code;
    throw error;
  }
}
export async function codeOfAsync(work: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (error instanceof CountersignError || error instanceof AwsFault) return error.code;
    throw error;
  }
}

/** Nothing that was parsed may have reached every object's prototype. */
export function isPolluted(): boolean {
  return "polluted" in {} || Object.keys(Object.prototype).length > 0;
}

/**
 * The recorded inputs of one parser: `test/corpora/<parser>/<verdict>.<what>.<ext>`; the verdict is `ok` or the code that it is refused
 * with.
 */
export function corpus(
  parser: string,
): readonly { readonly name: string; readonly verdict: string; readonly bytes: Buffer }[] {
  const folder = join(root, "test/corpora", parser);
  return readdirSync(folder)
    .sort()
    .map((name) => ({ name, verdict: name.split(".")[0] ?? "", bytes: readFileSync(join(folder, name)) }));
}
