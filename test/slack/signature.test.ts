import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { checkSlackSignature, slackSignature } from "../../lib/slack/signature.js";
import { root } from "../../scripts/ensure.mjs";

const SECRET = "8f742231b10e8888abcd99yyyzzz85a5";
const NOW_SEC = 1_531_420_618;
const BODY = Buffer.from("payload=%7B%22type%22%3A%22block_actions%22%7D");
const signed = (timestamp = String(NOW_SEC), rawBody: Uint8Array = BODY) => ({
  timestamp,
  signature: slackSignature(SECRET, timestamp, rawBody),
  rawBody,
});

describe("a request that Slack signed", () => {
  it("is right for five minutes before and after", () => {
    for (const offset of [-300, 0, 300]) expect(checkSlackSignature(SECRET, signed(), NOW_SEC + offset)).toBe("right");
    for (const offset of [-301, 301]) expect(checkSlackSignature(SECRET, signed(), NOW_SEC + offset)).toBe("stale");
  });

  it.each([
    ["no signature", { ...signed(), signature: undefined }],
    ["no time", { ...signed(), timestamp: undefined }],
    ["another version", { ...signed(), signature: signed().signature.replace("v0=", "v1=") }],
    ["a shorter signature", { ...signed(), signature: signed().signature.slice(0, -2) }],
    ["a signature given twice", { ...signed(), signature: `${signed().signature},${signed().signature}` }],
    ["another time than was signed", { ...signed(), timestamp: String(NOW_SEC + 1) }],
    ["a time that is no number", { ...signed(), timestamp: "1e9" }],
    ["a body that was decoded", { ...signed(), rawBody: Buffer.from(decodeURIComponent(BODY.toString())) }],
  ])("is wrong with %s", (_, request) => {
    expect(checkSlackSignature(SECRET, request, NOW_SEC)).toBe("wrong");
  });

  it("is wrong under an empty or other secret, whatever the body", () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.string(), (rawBody, secret) => {
        const request = signed(undefined, rawBody);
        expect(checkSlackSignature(SECRET, request, NOW_SEC)).toBe("right");
        expect(checkSlackSignature("", request, NOW_SEC)).toBe("wrong");
        if (secret !== SECRET) expect(checkSlackSignature(secret, request, NOW_SEC)).toBe("wrong");
      }),
    );
  });
});

const VECTORS = join(root, "../shared/data/slack/signature_vectors.json");
describe.skipIf(!existsSync(VECTORS))("Slack's published example and its variants", () => {
  const schema = z.object({
    signingSecret: z.string(),
    timestamp: z.string(),
    rawBody: z.string(),
    signature: z.string(),
    cases: z.array(z.object({ name: z.string(), now: z.number(), mutate: z.string().optional(), expect: z.string() })),
  });
  const { signingSecret, timestamp, rawBody, signature, cases } = schema.parse(
    existsSync(VECTORS)
      ? JSON.parse(readFileSync(VECTORS, "utf8"))
      : { signingSecret: "", timestamp: "", rawBody: "", signature: "", cases: [] },
  );
  it.each(cases.map((one) => [one.name, one] as const))("%s", (_, one) => {
    const body = one.mutate === "decodePercent2F" ? rawBody.replaceAll("%2F", "/") : rawBody;
    const changed: Record<string, string> = {
      "v1=": signature.replace("v0=", "v1="),
      truncate: signature.slice(0, 20),
      dupHeader: `${signature}, ${signature}`,
    };
    const request = { timestamp, signature: changed[one.mutate ?? ""] ?? signature, rawBody: Buffer.from(body) };
    // That the same request counts once is the desk's doing: see the tests of decisions.
    expect(checkSlackSignature(signingSecret, request, one.now) === "right").toBe(one.expect !== "reject");
  });
});
