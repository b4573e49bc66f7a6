/** The real `aws` command line against a running cloud of the synthesised template. */
import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import * as z from "zod";
import { type Cloud, startCloud } from "../../lib/local/cloud.js";
import { recordedModel } from "../../lib/local/services/bedrock.js";
import type { PolicyStatement } from "../../lib/local/types.js";
import { withFunctionCode } from "./isolation-hostile.js";

export const INSTALLED = spawnSync("aws", ["--version"]).status === 0;
/** A function that the machine's role may invoke; here it takes what it is given and answers nothing, so a task token stays open. */
export const SILENT_FUNCTION = "countersign-dev-billing-dispute-propose";
const run = promisify(execFile);

const allow = (Action: string): PolicyStatement => ({ Effect: "Allow", Action, Resource: "*" });
/** Roles beside the template's: an administrator of the account, and a developer who may do all with machines but pass no role on. */
const PEOPLE = {
  admin: [{ Version: "2012-10-17", Statement: [allow("*")] }],
  developer: [{ Version: "2012-10-17", Statement: [allow("states:*")] }],
};

export class AwsCli {
  private constructor(
    readonly cloud: Cloud,
    private readonly home: string,
  ) {}

  static async open(assembly: string): Promise<AwsCli> {
    const home = mkdtempSync(join(tmpdir(), "countersign-aws-"));
    const quiet = withFunctionCode(assembly, join(home, "cdk.out"), SILENT_FUNCTION, {
      "index.mjs": "export const handler = async () => null;",
    });
    const cloud = await startCloud({
      assembly: quiet,
      people: PEOPLE,
      schedules: false,
      model: recordedModel(() => undefined),
    });
    return new AwsCli(cloud, home);
  }

  async close(): Promise<void> {
    await this.cloud.close();
    rmSync(this.home, { recursive: true, force: true });
  }

  person(name: keyof typeof PEOPLE): string {
    return `arn:aws:iam::${this.cloud.context.accountId}:role/${name}`;
  }

  /** ARN of the template's one role whose path and name contain these. */
  role(path: string, part = ""): string {
    const [found, second] = this.cloud.roles.list().filter(({ arn }) => arn.includes(path) && arn.includes(part));
    if (found === undefined || second !== undefined) throw new Error(`not one role for ${path} ${part}`);
    return found.arn;
  }

  /** Runs `aws` as a role and gives its answer; nothing of this machine's own configuration or credentials reaches it. */
  async run(roleArn: string, service: string, operation: string, ...options: string[]): Promise<unknown> {
    const { endpoint, context } = this.cloud;
    const { accessKeyId, secretAccessKey, sessionToken } = this.cloud.credentialsFor(roleArn, "aws-cli");
    const env = {
      PATH: process.env.PATH,
      HOME: this.home,
      AWS_CONFIG_FILE: join(this.home, "config"),
      AWS_SHARED_CREDENTIALS_FILE: join(this.home, "credentials"),
      AWS_PAGER: "",
      AWS_MAX_ATTEMPTS: "1",
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_SESSION_TOKEN: sessionToken,
      AWS_DEFAULT_REGION: context.region,
    };
    const { stdout } = await run(
      "aws",
      ["--endpoint-url", endpoint, "--output", "json", service, operation, ...options],
      { env },
    );
    return stdout.trim() === "" ? undefined : JSON.parse(stdout);
  }
}

/** The error's code as the command line shows it: `An error occurred (AccessDeniedException) when calling …`. */
export const refusal = (attempt: Promise<unknown>): Promise<string> =>
  attempt.then(
    (answer) => `answered ${JSON.stringify(answer)}`,
    (error: unknown) => /An error occurred \((\w+)\)/.exec(String(error))?.[1] ?? String(error),
  );

/** A text member of an answer. */
export async function member(name: string, answer: Promise<unknown>): Promise<string> {
  return z.string().parse(z.record(z.string(), z.unknown()).parse(await answer)[name]);
}
