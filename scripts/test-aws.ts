/** `npm run test:aws`: the contract suites of the ports on real services. See docs/testing-on-aws.md. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { CloudFormationClient } from "@aws-sdk/client-cloudformation";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { VerifiedPermissionsClient } from "@aws-sdk/client-verifiedpermissions";
import { CountersignError } from "../lib/errors.js";
import { root } from "./ensure.mjs";
import { createStack, readStack, stacksLeftBehind } from "./test-aws-stack.js";
import { createStore, storesLeftBehind } from "./test-aws-store.js";
import { createTables, tablesLeftBehind } from "./test-aws-tables.js";

const PREFIX = "countersign-test-";
const say = (line: string): void => console.error(line);
/** Ctrl-C ends what is under way, and then everything is removed as always. */
const stop = new AbortController();

/** Passes and failures of vitest itself; 2 when the tests did not run or left something behind. */
async function main(): Promise<number> {
  if (process.env.COUNTERSIGN_AWS_TEST !== "1")
    throw new CountersignError(
      "CS-5090",
      "test:aws creates resources in the AWS account of your credentials; set COUNTERSIGN_AWS_TEST=1 if you want that (cost: docs/testing-on-aws.md)",
    );
  const clients = {
    tables: new DynamoDBClient({}),
    policies: new VerifiedPermissionsClient({}),
    stacks: new CloudFormationClient({}),
  };
  say(await account());
  await tellLeftBehind(clients);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
  const made: { remove(): Promise<void> }[] = [];
  try {
    const code = await testOn(clients, made);
    return (await removeAll(made.splice(0))) ? code : 2;
  } finally {
    await removeAll(made);
    for (const client of Object.values(clients)) client.destroy();
  }
}

interface Clients {
  readonly tables: DynamoDBClient;
  readonly policies: VerifiedPermissionsClient;
  readonly stacks: CloudFormationClient;
}

/** Makes what the suites need, adds it to `made`, and runs them. @throws CountersignError CS-5091 */
async function testOn({ tables, policies, stacks }: Clients, made: { remove(): Promise<void> }[]): Promise<number> {
  const at = new Date().toISOString().replace(/\D/g, "").slice(0, 14);
  const run = `${PREFIX}${at}-${randomBytes(3).toString("hex")}`;
  made.push(await createTables(tables, run, say));
  const store = await createStore(policies, run, say);
  made.push(store);
  const outputs = await stackOf(stacks, run, made);
  if (stop.signal.aborted) return 1;
  const { policyStoreId } = store;
  return suites({ COUNTERSIGN_AWS_RUN: run, COUNTERSIGN_AWS_MADE: JSON.stringify({ policyStoreId, stack: outputs }) });
}

async function stackOf(client: CloudFormationClient, run: string, made: { remove(): Promise<void> }[]) {
  const name = process.env.COUNTERSIGN_AWS_STACK;
  if (name !== undefined && name !== "") {
    say(`= stack ${name} (was there, and stays)`);
    return readStack(client, name);
  }
  const stack = await createStack(client, run, say, stop.signal);
  made.push(stack);
  return stack.outputs;
}

/** Whether everything is gone; what is not is named. */
async function removeAll(made: readonly { remove(): Promise<void> }[]): Promise<boolean> {
  const results = await Promise.allSettled(made.map((each) => each.remove()));
  const failed = results.filter((result) => result.status === "rejected");
  for (const { reason } of failed) say(String(reason));
  return failed.length === 0;
}

async function tellLeftBehind({ tables, policies, stacks }: Clients): Promise<void> {
  try {
    const left = await Promise.all([
      tablesLeftBehind(tables, PREFIX),
      storesLeftBehind(policies, PREFIX),
      stacksLeftBehind(stacks, PREFIX),
    ]);
    const names = left.flat().filter((name) => name !== `stack ${process.env.COUNTERSIGN_AWS_STACK}`);
    if (names.length > 0) say(`left by earlier runs, delete them when none runs: ${names.join(", ")}`);
  } catch (error) {
    throw new CountersignError("CS-5091", `nothing was created: ${String(error)}`);
  }
}

/** Who is asked, and where. @throws CountersignError CS-5090 without credentials */
async function account(): Promise<string> {
  const client = new STSClient({});
  try {
    const { Account, Arn } = await client.send(new GetCallerIdentityCommand({}));
    const place = process.env.AWS_ENDPOINT_URL === undefined ? "AWS" : process.env.AWS_ENDPOINT_URL;
    return `account ${Account} as ${Arn} in ${await client.config.region()} at ${place}`;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CountersignError(
      "CS-5090",
      `no usable credentials or region: ${why}; set AWS_PROFILE and AWS_REGION, or sign in with \`aws login\` or \`aws sso login\``,
    );
  } finally {
    client.destroy();
  }
}

function suites(environment: Readonly<Record<string, string>>): Promise<number> {
  const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
  const config = join(root, "test", "on-aws", "vitest.config.ts");
  const env = { ...process.env, ...environment };
  const child = spawn(process.execPath, [vitest, "run", "--config", config, ...process.argv.slice(2)], {
    cwd: root,
    env,
    stdio: "inherit",
  });
  stop.signal.addEventListener("abort", () => void child.kill("SIGTERM"));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof CountersignError)) throw error;
  console.error(error.toString());
  process.exitCode = 2;
}
