/** `npm run test:aws`: the contract suites of the ports on real services. See docs/testing-on-aws.md. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { CountersignError } from "../lib/errors.js";
import { root } from "./ensure.mjs";
import { createTables, leftBehind } from "./test-aws-tables.js";

const PREFIX = "countersign-test-";
const say = (line: string): void => console.error(line);

/** Passes and failures of vitest itself; 2 when the tests did not run or left something behind. */
async function main(): Promise<number> {
  if (process.env.COUNTERSIGN_AWS_TEST !== "1")
    throw new CountersignError(
      "CS-5090",
      "test:aws creates tables in the AWS account of your credentials; set COUNTERSIGN_AWS_TEST=1 if you want that (cost: docs/testing-on-aws.md)",
    );
  const client = new DynamoDBClient({});
  say(await account());
  const old = await leftBehind(client, PREFIX);
  if (old.length > 0) say(`left by earlier runs, delete them when none runs: ${old.join(", ")}`);
  const at = new Date().toISOString().replace(/\D/g, "").slice(0, 14);
  const run = `${PREFIX}${at}-${randomBytes(3).toString("hex")}`;
  const tables = await createTables(client, run, say);
  try {
    return await suites(run);
  } finally {
    await tables.remove();
    client.destroy();
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

/** Ctrl-C ends the suites, and then the tables are removed as always. */
function suites(run: string): Promise<number> {
  const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
  const config = join(root, "test", "on-aws", "vitest.config.ts");
  const env = { ...process.env, COUNTERSIGN_AWS_RUN: run };
  const child = spawn(process.execPath, [vitest, "run", "--config", config, ...process.argv.slice(2)], {
    cwd: root,
    env,
    stdio: "inherit",
  });
  const stop = (): void => void child.kill("SIGTERM");
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, stop);
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
