/** `npm run test:aws` against the local cloud's endpoint: the same script and suites that run on AWS. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { DynamoDBClient, ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Cloud, startCloud } from "../../lib/local/cloud.js";
import { root } from "../../scripts/ensure.mjs";
import { assemblyOf, BOOTSTRAP, type Fixture } from "../local/core/fixture.js";

let fixture: Fixture;
let cloud: Cloud;
const allow = (Action: string | string[]) => [
  { Version: "2012-10-17", Statement: [{ Effect: "Allow" as const, Action, Resource: "*" }] },
];
beforeAll(async () => {
  fixture = assemblyOf({ empty: { template: { ...BOOTSTRAP, Resources: {} } } });
  const people = { tester: allow("*"), reader: allow(["dynamodb:List*", "dynamodb:Describe*"]) };
  cloud = await startCloud({ assembly: fixture.folder, people });
});
afterAll(async () => {
  await cloud.close();
  fixture.remove();
});

const person = (name: string): Record<string, string> => {
  const { accessKeyId, secretAccessKey, sessionToken } = cloud.credentialsFor(`arn:aws:iam::111111111111:role/${name}`);
  return { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: sessionToken };
};

/** Nothing of this machine's own credentials reaches the script. */
async function testAws(environment: Record<string, string>, ...options: string[]) {
  const child = spawn(process.execPath, ["--import", "tsx", join("scripts", "test-aws.ts"), ...options], {
    cwd: root,
    env: {
      PATH: process.env.PATH ?? "",
      HOME: fixture.folder,
      AWS_EC2_METADATA_DISABLED: "true",
      AWS_REGION: "eu-central-1",
      AWS_ENDPOINT_URL: cloud.endpoint,
      ...environment,
    },
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, text };
}

async function tablesLeft(): Promise<readonly string[]> {
  const { AWS_ACCESS_KEY_ID = "", AWS_SECRET_ACCESS_KEY = "", AWS_SESSION_TOKEN = "" } = person("tester");
  const credentials = {
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    sessionToken: AWS_SESSION_TOKEN,
  };
  const client = new DynamoDBClient({ region: "eu-central-1", endpoint: cloud.endpoint, credentials });
  const { TableNames = [] } = await client.send(new ListTablesCommand({}));
  client.destroy();
  return TableNames;
}

it("runs every suite on tables of its own, says what it makes, and removes it", async () => {
  const { code, text } = await testAws({ COUNTERSIGN_AWS_TEST: "1", ...person("tester") });
  expect(text).toMatch(/account 111111111111 as arn:aws:sts::111111111111:assumed-role\/tester/);
  for (const port of ["log", "effects", "budgets", "approvals"])
    for (const sign of ["\\+", "-"])
      expect(text).toMatch(new RegExp(`^${sign} table countersign-test-\\d{14}-[0-9a-f]{6}-${port}$`, "m"));
  expect(text).toMatch(/Tests.*\d\d passed/);
  expect(text).not.toMatch(/\d (?:failed|skipped)/);
  expect(code).toBe(0);
  expect(await tablesLeft()).toEqual([]);
});

it("removes them after a failure too, and ends with its code", async () => {
  const { code, text } = await testAws(
    { COUNTERSIGN_AWS_TEST: "1", ...person("tester") },
    "--testNamePattern",
    "^no such test$",
    "--passWithNoTests=false",
    "no-such-file",
  );
  expect(text).toMatch(/No test files found/);
  expect(code).toBe(1);
  expect(text.match(/^- table /gm)).toHaveLength(4);
  expect(await tablesLeft()).toEqual([]);
});

it.each([
  ["is not asked for", {}, /^CS-5090 .*COUNTERSIGN_AWS_TEST=1/m],
  ["has no credentials", { COUNTERSIGN_AWS_TEST: "1" }, /^CS-5090 no usable credentials/m],
])("refuses when it %s", async (_, environment, message) => {
  const { code, text } = await testAws(environment);
  expect(text).toMatch(message);
  expect(text).not.toMatch(/^\s+at /m);
  expect(code).toBe(2);
});

it("says which grant is missing, and leaves nothing", async () => {
  const { code, text } = await testAws({ COUNTERSIGN_AWS_TEST: "1", ...person("reader") });
  expect(text).toMatch(/^CS-5091 .*not authorized to perform: dynamodb:CreateTable/m);
  expect(code).toBe(2);
  expect(await tablesLeft()).toEqual([]);
});
