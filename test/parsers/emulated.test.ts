/** What reaches the embedded cloud's own parsers: PartiQL, mails, bodies of AWS calls. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseStatement } from "../../lib/local/dynamodb/partiql/parser.js";
import { parseRawMail, splitAddresses } from "../../lib/local/services/ses/mime.js";
import { parseJsonBody } from "../../lib/local/services/support/request.js";
import {
  codeOf,
  corpus,
  deepObject,
  HALF_CHARACTERS,
  HOSTILE_JSON,
  isPolluted,
  NAUGHTY,
  naughtyText,
  nested,
} from "../support/hostile.js";

const texts = [...Object.values(NAUGHTY), ...HALF_CHARACTERS];

describe("PartiQL", () => {
  const code = (text: string) => codeOf(() => parseStatement(text, []));

  test("of any depth and size is a statement or a ValidationException", () => {
    for (const value of [
      nested("[", "]"),
      nested("{'a':", "}"),
      nested("<<", ">>"),
      "-".repeat(100_000),
      "[".repeat(100_000),
      "'".repeat(100_001),
      `[${"1,".repeat(100_000)}1`,
      `'${"a''".repeat(100_000)}`,
    ])
      expect(code(`INSERT INTO "t" VALUE {'a': ${value}}`)).toBe("ValidationException");
    const many = Array.from({ length: 3000 }, (_, index) => `'k${index}':1`).join(",");
    expect(code(`INSERT INTO "t" VALUE {${many}}`)).toBeUndefined();
    expect(code(`SELECT * FROM "t" WHERE ${"a = 1 AND ".repeat(5000)}a = 1`)).toBeUndefined();
    expect(code(`INSERT INTO "t" VALUE {'a':'${"x".repeat(1_000_000)}'}`)).toBeUndefined();
  });

  test("keeps every text as it is, as a value and as a name", () => {
    for (const text of [...Object.values(NAUGHTY)]) {
      const statement = parseStatement(`INSERT INTO "t" VALUE {'a':'${text.replaceAll("'", "''")}'}`, []);
      expect(statement).toEqual({ kind: "insert", table: "t", item: { a: { S: text } } });
    }
    for (const text of texts) code(text);
    fc.assert(
      fc.property(naughtyText, fc.stringMatching(/^[a-zA-Z'"{}<>[\],:?. =0-9-]{0,40}$/), (text, soup) => {
        expect([undefined, "ValidationException"]).toContain(code(text));
        expect([undefined, "ValidationException"]).toContain(code(`INSERT INTO "t" VALUE {${soup}`));
        expect([undefined, "ValidationException"]).toContain(code(`SELECT ${soup}`));
      }),
      { numRuns: 300 },
    );
    expect(isPolluted()).toBe(false);
  });

  test.each(corpus("partiql"))("$name", ({ verdict, bytes }) => {
    expect(code(bytes.toString("utf8")) ?? "ok").toBe(verdict);
  });
});

describe("a mail", () => {
  test("of any bytes is shown as far as it is understood", () => {
    const bomb = (levels: number) =>
      Array.from(
        { length: levels },
        (_, level) => `Content-Type: multipart/mixed; boundary=b${level}\r\n\r\n--b${level}\r\n`,
      ).join("");
    for (const raw of [
      bomb(5000),
      `Subject: ${"=?utf-8?B?".repeat(20_000)}\r\n\r\n`,
      `Subject: ${"=?utf-8?Q?=41?= ".repeat(20_000)}\r\n\r\n`,
      `${"X: y\r\n ".repeat(50_000)}\r\n\r\n`,
      `Content-Type: text/plain;${" a=b;".repeat(50_000)}\r\n\r\n`,
      `Content-Type: text/plain; a="${" ".repeat(200_000)}\r\n\r\n`,
      `Content-Type: multipart/mixed; boundary=a\r\n\r\n${"\r\n--a".repeat(100_000)}`,
      `To: ${'"\\'.repeat(50_000)}\r\n\r\n`,
      `To: ${"<,".repeat(50_000)}\r\n\r\n`,
      "\r\n".repeat(200_000),
      ":".repeat(200_000),
    ])
      expect(parseRawMail(Buffer.from(raw))).toHaveProperty("subject");
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
        expect(parseRawMail(Buffer.from(bytes))).toHaveProperty("text");
      }),
    );
  });

  test("carries every text in subject and body", () => {
    for (const text of Object.values(NAUGHTY)) {
      const word = Buffer.from(text).toString("base64");
      const raw = `Subject: =?utf-8?B?${word}?=\r\nContent-Transfer-Encoding: base64\r\n\r\n${word}`;
      const shown = parseRawMail(Buffer.from(raw));
      expect(shown.text).toBe(new TextDecoder().decode(Buffer.from(text)));
      expect(shown.subject).toBe(shown.text);
    }
    for (const text of texts) expect(Array.isArray(splitAddresses(text))).toBe(true);
  });

  test.each(corpus("mail"))("$name", ({ name, bytes }) => {
    const [, , subject] = name.split(".");
    expect(parseRawMail(bytes).subject.replaceAll(/\W+/g, "-")).toBe(subject);
  });
});

describe("the body of an AWS call", () => {
  test("is refused with the protocol's own error when it is too deep or no JSON", () => {
    for (const text of [
      HOSTILE_JSON["deep arrays"],
      HOSTILE_JSON["deep objects"],
      HOSTILE_JSON["unclosed depth"],
      HOSTILE_JSON.truncated,
    ])
      expect(codeOf(() => parseJsonBody(Buffer.from(text ?? "")))).toBe("SerializationException");
    expect(codeOf(() => parseJsonBody(Buffer.from(JSON.stringify({ a: deepObject(200) }))))).toBeUndefined();
  });
});
