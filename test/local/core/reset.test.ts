import { afterAll, beforeAll, expect, it } from "vitest";
import { type Cloud, startCloud } from "../../../lib/local/cloud.js";
import type { AwsReply, Engine } from "../../../lib/local/types.js";
import { assemblyOf, type Fixture, FunctionRole, lambdaFunction, role } from "./fixture.js";

/** A function that calls a service without end; signed by hand, as its fixture bundles no SDK. */
const CODE = `
const { createHash, createHmac } = require("node:crypto");
const sha = (text) => createHash("sha256").update(text).digest("hex");
const hmac = (key, text) => createHmac("sha256", key).update(text).digest();
exports.handler = async () => {
  for (;;) {
    const host = new URL(process.env.AWS_ENDPOINT_URL).host;
    const time = new Date().toISOString().replace(/[-:]|\\.\\d+/g, "");
    const scope = [time.slice(0, 8), process.env.AWS_REGION, "slow", "aws4_request"];
    const headers = { host, "x-amz-date": time, "x-amz-security-token": process.env.AWS_SESSION_TOKEN };
    const names = Object.keys(headers);
    const canonical = ["POST", "/", "", ...names.map((name) => name + ":" + headers[name]), "", names.join(";"), sha("")].join("\\n");
    const key = scope.reduce(hmac, "AWS4" + process.env.AWS_SECRET_ACCESS_KEY);
    const signature = hmac(key, ["AWS4-HMAC-SHA256", time, scope.join("/"), sha(canonical)].join("\\n")).toString("hex");
    const authorization = "AWS4-HMAC-SHA256 Credential=" + [process.env.AWS_ACCESS_KEY_ID, ...scope].join("/") + ", SignedHeaders=" + names.join(";") + ", Signature=" + signature;
    await fetch(process.env.AWS_ENDPOINT_URL + "/", { method: "POST", headers: { ...headers, authorization } });
  }
};`;

/** Takes its time for every call, and notes what happens in which order. */
class SlowStore implements Engine {
  readonly service = "slow";
  readonly resources = {};
  readonly notes: string[] = [];
  #seen: (() => void)[] = [];
  /** When the next call has begun. */
  begun = () => new Promise<void>((done) => this.#seen.push(done));
  async handle(): Promise<AwsReply> {
    this.notes.push("begin");
    for (const done of this.#seen.splice(0)) done();
    await new Promise((done) => setTimeout(done, 100));
    this.notes.push("write");
    return { status: 200, body: {} };
  }
  async reset() {
    this.notes.push("reset");
  }
  async close() {
    this.notes.push("close");
  }
}

const store = new SlowStore();
let fixture: Fixture;
let cloud: Cloud;
beforeAll(async () => {
  fixture = assemblyOf(
    {
      main: {
        template: {
          Resources: {
            FunctionRole,
            Busy: lambdaFunction("busy", { FunctionName: "busy", Timeout: 60 }),
            Invoker: role("ec2.amazonaws.com", [{ Effect: "Allow", Action: "lambda:InvokeFunction", Resource: "*" }], {
              RoleName: "invoker",
            }),
          },
        },
      },
    },
    { busy: { "index.js": CODE } },
  );
  cloud = await startCloud({ assembly: fixture.folder, engines: () => [store] });
});
afterAll(async () => {
  await cloud.close();
  fixture.remove();
});
const caller = { principalArn: "arn:aws:iam::111111111111:role/invoker", sessionArn: "s", accountId: "111111111111" };
const start = () => cloud.context.functions.invoke("busy", {}, caller).catch((error: unknown) => String(error));

it("a reset stops functions at work, and none of their writes comes after it", async () => {
  const ended = start();
  await store.begun();
  await store.begun();
  await cloud.reset();
  expect(await ended).toContain("the local cloud stopped the function");
  await new Promise((done) => setTimeout(done, 250));
  expect(store.notes.at(-1)).toBe("reset");
});

it("so does the end", async () => {
  const ended = start();
  await store.begun();
  await cloud.close();
  await ended;
  await new Promise((done) => setTimeout(done, 250));
  expect(store.notes.at(-1)).toBe("close");
});
