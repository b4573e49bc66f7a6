/** `npm run test:aws` against the local cloud's endpoint: the same script and suites that run on AWS. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DynamoDBClient, ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { ListPolicyStoresCommand, VerifiedPermissionsClient } from "@aws-sdk/client-verifiedpermissions";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Cloud, startCloud } from "../../lib/local/cloud.js";
import { root } from "../../scripts/ensure.mjs";
import { FILES, stackTemplate } from "../../scripts/test-aws-template.js";
import { assemblyOf, codeOf, type Fixture } from "../local/core/fixture.js";

/** The local cloud creates no stacks by a call: here it is there before. */
const STACK = "countersign-test-suites";
let fixture: Fixture;
let cloud: Cloud;
const ASKED = { COUNTERSIGN_AWS_TEST: "1", COUNTERSIGN_AWS_STACK: STACK };
/** The actions that docs/testing-on-aws.md asks for: no more are needed. */
const GRANTS = [
  ...readFileSync(join(root, "docs", "testing-on-aws.md"), "utf8").matchAll(/`([a-z]+:[A-Za-z]+)`/g),
].flatMap(([, action]) => action ?? []);
const allow = (Action: string | string[]) => [
  { Version: "2012-10-17", Statement: [{ Effect: "Allow" as const, Action, Resource: "*" }] },
];
beforeAll(async () => {
  fixture = assemblyOf({ [STACK]: { template: stackTemplate(codeOf("asked")) } }, { asked: FILES });
  const lists = ["dynamodb:ListTables", "verifiedpermissions:ListPolicyStores", "cloudformation:ListStacks"];
  const people = {
    tester: allow(GRANTS),
    reader: allow(lists),
    tabler: allow([...lists, "dynamodb:*"]),
    stranger: allow("dynamodb:*"),
  };
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

async function testAws(environment: Record<string, string>, ...options: string[]) {
  return ended(startTestAws(environment, ...options));
}

/** Nothing of this machine's own credentials reaches the script. */
function startTestAws(environment: Record<string, string>, ...options: string[]) {
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
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => said.push(chunk.toString()));
  return { child, text: () => said.join("") };
}

async function ended({ child, text }: ReturnType<typeof startTestAws>) {
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, text: text() };
}

/** What a run makes and the local cloud lets it make. */
async function left(): Promise<readonly unknown[]> {
  const config = {
    region: "eu-central-1",
    endpoint: cloud.endpoint,
    credentials: cloud.credentialsFor("arn:aws:iam::111111111111:role/reader"),
  };
  const tables = new DynamoDBClient(config);
  const policies = new VerifiedPermissionsClient(config);
  const { TableNames = [] } = await tables.send(new ListTablesCommand({}));
  const { policyStores = [] } = await policies.send(new ListPolicyStoresCommand({}));
  tables.destroy();
  policies.destroy();
  return [...TableNames, ...policyStores];
}

it("runs every suite on tables of its own, says what it makes, and removes it", async () => {
  const { code, text } = await testAws({ ...ASKED, ...person("tester") });
  expect(text).toMatch(/account 111111111111 as arn:aws:sts::111111111111:assumed-role\/tester/);
  const kinds = ["log", "effects", "budgets", "approvals"].map((port) => ["table", port]);
  for (const [kind, port] of [...kinds, ["policy store", "policies"]])
    for (const sign of ["\\+", "-"])
      expect(text).toMatch(new RegExp(`^${sign} ${kind} countersign-test-\\d{14}-[0-9a-f]{6}-${port}$`, "m"));
  expect(text).toMatch(/^= stack countersign-test-suites \(was there, and stays\)$/m);
  expect(text).toMatch(/Tests.*\d\d passed/);
  expect(text).not.toMatch(/\d (?:failed|skipped)/);
  expect(code).toBe(0);
  expect(await left()).toEqual([]);
});

it("removes them after a failure too, and ends with its code", async () => {
  const { code, text } = await testAws(
    { ...ASKED, ...person("tester") },
    "--testNamePattern",
    "^no such test$",
    "--passWithNoTests=false",
    "no-such-file",
  );
  expect(text).toMatch(/No test files found/);
  expect(code).toBe(1);
  expect(text.match(/^- (?:table|policy store) /gm)).toHaveLength(5);
  expect(await left()).toEqual([]);
});

it("removes them when it is interrupted", async () => {
  const running = startTestAws({ ...ASKED, ...person("tester") });
  const over = ended(running);
  await expect.poll(running.text).toMatch(/ RUN /);
  running.child.kill("SIGINT");
  const { code, text } = await over;
  expect(text.match(/^- (?:table|policy store) /gm)).toHaveLength(5);
  expect(code).not.toBe(0);
  expect(await left()).toEqual([]);
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

it.each([
  ["stranger", /^CS-5091 nothing was created: .*verifiedpermissions:ListPolicyStores/m],
  ["reader", /^CS-5091 .*not authorized to perform: dynamodb:CreateTable/m],
  ["tabler", /^CS-5091 policy store .*not authorized to perform: verifiedpermissions:CreatePolicyStore/m],
])("says which grant %s lacks, and leaves nothing", async (name, message) => {
  const { code, text } = await testAws({ ...ASKED, ...person(name) });
  expect(text).toMatch(message);
  expect(text).not.toMatch(/^\s+at /m);
  expect(code).toBe(2);
  expect(await left()).toEqual([]);
});

it.each([
  ["cannot be made", {}, /^CS-5091 stack countersign-test-\d{14}-[0-9a-f]{6}: not created: /m],
  ["is named and not there", { COUNTERSIGN_AWS_STACK: "none" }, /^CS-5091 stack none: .*none does not exist/m],
])("removes the rest when its stack %s", async (_, environment, message) => {
  const { code, text } = await testAws({ COUNTERSIGN_AWS_TEST: "1", ...environment, ...person("tester") });
  expect(text).toMatch(message);
  expect(text).toMatch(/^left by earlier runs, .*: stack countersign-test-suites$/m);
  expect(text.match(/^- (?:table|policy store) /gm)).toHaveLength(5);
  expect(text).not.toMatch(/^\s+at /m);
  expect(code).toBe(2);
  expect(await left()).toEqual([]);
});
