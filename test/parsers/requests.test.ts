/** What arrives over HTTP: the front door, the approval desk. */

import fc from "fast-check";
import { handle } from "hono/aws-lambda";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { readRequest } from "../../lambdas/admit/request.js";
import { createApp } from "../../lambdas/approval-desk/app.js";
import { hashJson } from "../../lib/run/canonical.js";
import { startStage, type TestStage } from "../aws/cloud.js";
import {
  codeOf,
  corpus,
  deepArray,
  HALF_CHARACTERS,
  HOSTILE_JSON,
  isPolluted,
  manyKeys,
  NAUGHTY,
  naughtyJson,
  naughtyText,
} from "../support/hostile.js";
import { DESK_PATH, openDesk, postEvent } from "./desk.js";

const signed = { authorizer: { iam: { userArn: "arn:aws:iam::111111111111:role/requester" } } };
const admit = (body: unknown, isBase64Encoded = false) =>
  readRequest({ body, isBase64Encoded, requestContext: signed });
const base64 = (text: string) => Buffer.from(text).toString("base64");

describe("the front door", () => {
  test.each(Object.entries(HOSTILE_JSON))("%s is CS-3009, as the body and inside the input", (_name, text) => {
    for (const body of [text, `{"input":${text}}`, `{"input":{"a":${text}}}`, `{"request_id":"a",${text.slice(1)}`]) {
      expect(codeOf(() => admit(body))).toBe("CS-3009");
      expect(codeOf(() => admit(base64(body), true))).toBe("CS-3009");
    }
    expect(isPolluted()).toBe(false);
  });

  test("what is too large is refused before it is read", () => {
    for (const value of [{ a: "a".repeat(300_000) }, manyKeys(), Array(200_000).fill(1)])
      expect(codeOf(() => admit(JSON.stringify({ input: value })))).toBe("CS-3009");
    expect(codeOf(() => admit("A".repeat(10_000_000), true))).toBe("CS-3009");
  });

  test("who is not signed is refused, whatever the event looks like", () => {
    fc.assert(
      fc.property(fc.oneof(naughtyJson, fc.anything()), (event) => {
        expect(codeOf(() => readRequest(event))).toBe("CS-3008");
      }),
    );
    expect(codeOf(() => readRequest({ body: deepArray(), requestContext: signed }))).toBe("CS-3008");
    expect(codeOf(() => readRequest({ requestContext: { authorizer: deepArray() } }))).toBe("CS-3008");
  });

  test("an input arrives as it was sent, with all its keys, or not at all", () => {
    fc.assert(
      fc.property(fc.record({ input: naughtyJson }), fc.boolean(), (body, encoded) => {
        const text = JSON.stringify(body);
        const code = codeOf(() => {
          const read = admit(encoded ? base64(text) : text, encoded);
          expect(hashJson(read.body)).toBe(hashJson(JSON.parse(text)));
        });
        expect([undefined, "CS-3009"]).toContain(code);
      }),
    );
  });

  test.each(corpus("admit"))("$name", ({ verdict, bytes }) => {
    expect(codeOf(() => admit(bytes.toString("base64"), true)) ?? "ok").toBe(verdict);
  });
});

describe("the approval desk", () => {
  let stage: TestStage;
  let desk: Awaited<ReturnType<typeof openDesk>>;
  beforeAll(async () => {
    vi.spyOn(console, "log").mockImplementation(() => {});
    stage = await startStage();
    desk = await openDesk(stage);
  });
  afterAll(async () => {
    expect(await desk.decided()).toBe(0);
    await stage.close();
  });
  const post = async (contentType: string, body: string) => {
    const headers = { "content-type": contentType, accept: "application/json" };
    const answer = await createApp(desk.deps).request(DESK_PATH, { method: "POST", headers, body });
    return { status: answer.status, body: await answer.text() };
  };
  const refused = async (contentType: string, body: string) => {
    const answer = await post(contentType, body);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect(answer.body).toMatch(/"code":"CS-21\d\d"/);
  };
  const JSON_TYPE = "application/json";
  const FORM = "application/x-www-form-urlencoded";

  test("takes no hostile JSON", async () => {
    for (const text of Object.values(HOSTILE_JSON)) await refused(JSON_TYPE, text);
    await refused(JSON_TYPE, '{"decision":"reject","decision":"approve","code":"ABCD-2345","comment":"x"}');
    await refused(JSON_TYPE, JSON.stringify({ decision: "reject", code: "x", comment: "a".repeat(20_000) }));
    await refused(JSON_TYPE, JSON.stringify(manyKeys()));
    expect(isPolluted()).toBe(false);
  });

  test("takes no field twice, no field too many, and none that has a meaning for JavaScript", async () => {
    for (const body of [
      "decision=reject&decision=approve&code=ABCD2345&comment=x",
      "decision=approve&%64ecision=reject&code=ABCD2345",
      "decision=approve&code=ABCD2345&__proto__=1",
      "decision=approve&code=ABCD2345&__proto__[polluted]=1",
      "decision=approve&code=ABCD2345&constructor=1",
      "decision[]=approve&code=ABCD2345",
      "decision=APPROVE&code=ABCD2345",
      "=&=&=",
      "&".repeat(10_000),
      "%",
      "%00%ff%c0%80",
      "a=b&".repeat(5000),
    ])
      await refused(FORM, body);
    expect(isPolluted()).toBe(false);
  });

  test("answers every text in every field with a page's own refusal", async () => {
    const texts = [...Object.values(NAUGHTY), ...HALF_CHARACTERS];
    for (const text of texts) {
      const fields = { decision: "reject", code: text, confirmation: text, comment: text };
      await refused(FORM, new URLSearchParams(fields).toString());
      await refused(JSON_TYPE, JSON.stringify(fields));
    }
  });

  test("answers whatever API Gateway hands over", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(JSON_TYPE, FORM, "text/plain", "multipart/form-data; boundary=a", ""),
        fc.oneof(
          naughtyText,
          naughtyJson.map((value) => JSON.stringify(value)),
          fc.webQueryParameters(),
        ),
        fc.boolean(),
        async (contentType, text, isBase64Encoded) => {
          const body = isBase64Encoded ? base64(text) : text;
          const answer = await handle(createApp(desk.deps))(postEvent(contentType, body, isBase64Encoded));
          expect(answer.statusCode).toBeGreaterThanOrEqual(400);
          expect(answer.statusCode).toBeLessThan(500);
        },
      ),
      { numRuns: 60 },
    );
  });

  test.each(corpus("desk"))("$name", async ({ name, verdict, bytes }) => {
    const answer = await post(name.endsWith(".json") ? JSON_TYPE : FORM, bytes.toString("utf8"));
    expect(/"code":"(CS-\d{4})"/.exec(answer.body)?.[1] ?? "ok").toBe(verdict);
  });
});
