/** The real `aws` command line against the running cloud: what people type, with a role's credentials, comes out as on AWS. */
import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import * as z from "zod";
import { type Cloud, startCloud } from "../../lib/local/cloud.js";
import { recordedModel } from "../../lib/local/services/bedrock.js";
import type { PolicyStatement } from "../../lib/local/types.js";
import { withFunctionCode } from "../support/isolation-hostile.js";

const PROPOSE = "countersign-dev-billing-dispute-propose";
const INSTALLED = spawnSync("aws", ["--version"]).status === 0;
const run = promisify(execFile);
const ADDING = {
  QueryLanguage: "JSONata",
  StartAt: "Add",
  States: { Add: { Type: "Pass", Output: "{% {'sum': $states.input.a + $states.input.b} %}", End: true } },
};
const WAITING = {
  QueryLanguage: "JSONata",
  StartAt: "Wait",
  States: { Wait: { Type: "Wait", Seconds: 3600, End: true } },
};

let cloud: Cloud;
let table: string;
let logArn: string;
let machineRole: string;
const home = mkdtempSync(join(tmpdir(), "countersign-aws-"));

const allow = (Action: string | string[]): PolicyStatement => ({ Effect: "Allow", Action, Resource: "*" });
/** Roles beside the template's: an administrator of the account, and a developer who may create machines but not pass a role on. */
const PEOPLE = {
  admin: [{ Version: "2012-10-17", Statement: [allow("*")] }],
  developer: [{ Version: "2012-10-17", Statement: [allow("states:*")] }],
};

beforeAll(async () => {
  if (!INSTALLED) return;
  // A function that takes a task token and leaves it open, in the place of one that the machine's role may invoke.
  const assembly = withFunctionCode(
    inject("assembly"),
    join(home, "cdk.out"),
    PROPOSE,
    "export const handler = async () => null;",
  );
  cloud = await startCloud({ assembly, people: PEOPLE, schedules: false, model: recordedModel(() => undefined) });
  const outputs = cloud.outputs("countersign-dev");
  [table = "", logArn = ""] = [outputs["RunLogTable"], outputs["RunLogTableArn"]];
  machineRole = role("/machine/");
});
afterAll(async () => {
  await cloud?.close();
  rmSync(home, { recursive: true, force: true });
});

const person = (name: keyof typeof PEOPLE): string => `arn:aws:iam::${cloud.context.accountId}:role/${name}`;
function role(path: string, part = ""): string {
  const found = cloud.roles.list().filter(({ arn }) => arn.includes(path) && arn.includes(part));
  if (found[0] === undefined || found.length > 1) throw new Error(`${found.length} roles for ${path} ${part}`);
  return found[0].arn;
}

/** Runs `aws`; nothing of this machine's own configuration or credentials reaches it. */
async function aws(roleArn: string, service: string, operation: string, ...options: string[]): Promise<unknown> {
  const { accessKeyId, secretAccessKey, sessionToken } = cloud.credentialsFor(roleArn, "aws-cli");
  const env = {
    ...{
      PATH: process.env.PATH,
      HOME: home,
      AWS_CONFIG_FILE: join(home, "config"),
      AWS_SHARED_CREDENTIALS_FILE: join(home, "credentials"),
      AWS_PAGER: "",
      AWS_MAX_ATTEMPTS: "1",
    },
    ...{
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_SESSION_TOKEN: sessionToken,
      AWS_REGION: cloud.context.region,
      AWS_DEFAULT_REGION: cloud.context.region,
    },
  };
  const { stdout } = await run(
    "aws",
    ["--endpoint-url", cloud.endpoint, "--output", "json", service, operation, ...options],
    { env },
  );
  return stdout.trim() === "" ? undefined : JSON.parse(stdout);
}
/** The error's code, as the command line shows it: `An error occurred (AccessDeniedException) when calling …`. */
const refusal = (attempt: Promise<unknown>): Promise<string> =>
  attempt.then(
    (answer) => `answered ${JSON.stringify(answer)}`,
    (error: unknown) => /An error occurred \((\w+)\)/.exec(String(error))?.[1] ?? String(error),
  );
const field = async (name: string, answer: Promise<unknown>) =>
  z.record(z.string(), z.unknown()).parse(await answer)[name];
const text = async (name: string, answer: Promise<unknown>) => z.string().parse(await field(name, answer));

describe.skipIf(!INSTALLED)("aws stepfunctions", () => {
  const sfn = (operation: string, ...options: string[]) => aws(person("admin"), "stepfunctions", operation, ...options);
  const create = (name: string, definition: object, by = person("admin")) =>
    aws(
      by,
      "stepfunctions",
      "create-state-machine",
      "--name",
      name,
      "--definition",
      JSON.stringify(definition),
      "--role-arn",
      machineRole,
    );

  test("create-state-machine, start-, describe-, list-executions, get-execution-history", async () => {
    const machine = await text("stateMachineArn", create("adder", ADDING));
    const execution = await text(
      "executionArn",
      sfn("start-execution", "--state-machine-arn", machine, "--name", "one", "--input", '{"a": 1, "b": 2}'),
    );
    const [described, listed, history, whole, again] = await Promise.all([
      sfn("describe-execution", "--execution-arn", execution),
      sfn("list-executions", "--state-machine-arn", machine, "--status-filter", "SUCCEEDED"),
      sfn("get-execution-history", "--execution-arn", execution, "--reverse-order", "--max-items", "2"),
      sfn("describe-state-machine", "--state-machine-arn", machine),
      refusal(sfn("start-execution", "--state-machine-arn", machine, "--name", "one", "--input", '{"a": 5}')),
    ]);
    expect(described).toMatchObject({ executionArn: execution, status: "SUCCEEDED", output: '{"sum":3}', name: "one" });
    expect(listed).toMatchObject({ executions: [{ executionArn: execution, status: "SUCCEEDED" }] });
    expect(history).toMatchObject({
      events: [{ type: "ExecutionSucceeded" }, { type: "PassStateExited" }],
      NextToken: expect.any(String),
    });
    expect(whole).toMatchObject({ status: "ACTIVE", definition: JSON.stringify(ADDING), roleArn: machineRole });
    expect(again).toBe("ExecutionAlreadyExists");
  });

  test("stop-execution ends what waits, with error and cause", async () => {
    const machine = await text("stateMachineArn", create("waiter", WAITING));
    const execution = await text("executionArn", sfn("start-execution", "--state-machine-arn", machine));
    await sfn("stop-execution", "--execution-arn", execution, "--error", "Enough", "--cause", "a person said so");
    expect(await sfn("describe-execution", "--execution-arn", execution)).toMatchObject({
      status: "ABORTED",
      error: "Enough",
      cause: "a person said so",
    });
  });

  test("send-task-success, -failure, -heartbeat settle a waiting task, once", async () => {
    const [ok, bad] = await Promise.all([waiting("asks-ok"), waiting("asks-bad")]);
    await sfn("send-task-heartbeat", "--task-token", ok.token);
    await Promise.all([
      sfn("send-task-success", "--task-token", ok.token, "--task-output", '{"answer":42}'),
      sfn("send-task-failure", "--task-token", bad.token, "--error", "No", "--cause", "not today"),
    ]);
    const [won, lost, late] = await Promise.all([
      sfn("describe-execution", "--execution-arn", ok.execution),
      sfn("describe-execution", "--execution-arn", bad.execution),
      refusal(sfn("send-task-success", "--task-token", ok.token, "--task-output", "{}")),
    ]);
    expect(won).toMatchObject({ status: "SUCCEEDED", output: '{"answer":42}' });
    expect(lost).toMatchObject({ status: "FAILED", error: "No", cause: "not today" });
    expect(late).toBe("TaskTimedOut");
  });

  /** An execution that waits with a token. The token is in the scheduled event, which no role but this administrator may read here. */
  async function waiting(name: string): Promise<{ token: string; execution: string }> {
    const ask = {
      Type: "Task",
      Resource: "arn:aws:states:::lambda:invoke.waitForTaskToken",
      Arguments: { FunctionName: PROPOSE, Payload: { token: "{% $states.context.Task.Token %}" } },
      HeartbeatSeconds: 600,
      End: true,
    };
    const machine = await text(
      "stateMachineArn",
      create(name, { QueryLanguage: "JSONata", StartAt: "Ask", States: { Ask: ask } }),
    );
    const execution = await text("executionArn", sfn("start-execution", "--state-machine-arn", machine));
    const history = z
      .object({
        events: z.array(z.object({ taskScheduledEventDetails: z.object({ parameters: z.string() }).optional() })),
      })
      .parse(await sfn("get-execution-history", "--execution-arn", execution));
    const parameters =
      history.events.find((event) => event.taskScheduledEventDetails)?.taskScheduledEventDetails?.parameters ?? "{}";
    return {
      token: z.object({ Payload: z.object({ token: z.string() }) }).parse(JSON.parse(parameters)).Payload.token,
      execution,
    };
  }

  test("faults carry AWS's names; who may create a machine may not thereby give it any role", async () => {
    const missing = `arn:aws:states:${cloud.context.region}:${cloud.context.accountId}:execution:adder:none`;
    expect(
      await Promise.all([
        refusal(sfn("describe-execution", "--execution-arn", missing)),
        refusal(create("broken", { StartAt: "Nowhere", States: {} })),
        refusal(sfn("send-task-success", "--task-token", "x", "--task-output", "{}")),
        refusal(create("borrowed", ADDING, person("developer"))),
        refusal(
          aws(
            role("/propose/"),
            "stepfunctions",
            "list-executions",
            "--state-machine-arn",
            missing.replace("execution:adder:none", "stateMachine:adder"),
          ),
        ),
      ]),
    ).toEqual([
      "ExecutionDoesNotExist",
      "InvalidDefinition",
      "InvalidToken",
      "AccessDeniedException",
      "AccessDeniedException",
    ]);
  });
});

describe.skipIf(!INSTALLED)("aws dynamodb on the run log", () => {
  const PK = "billing-dispute#acme#by-hand";
  const KEY = JSON.stringify({ pk: { S: PK }, sk: { S: "00000001" } });
  const ddb = (by: string, operation: string, ...options: string[]) => aws(by, "dynamodb", operation, ...options);
  const statement = (by: string, sql: string, ...values: string[]) =>
    ddb(
      by,
      "execute-statement",
      "--statement",
      sql,
      ...(values.length === 0 ? [] : ["--parameters", JSON.stringify(values.map((S) => ({ S })))]),
    );
  const insert = (by: string, sk = "00000001") =>
    statement(by, `INSERT INTO "${table}" VALUE {'pk': ?, 'sk': ?, 'event': ?}`, PK, sk, '{"type":"RunStarted"}');

  test("execute-statement inserts for a log writer, once; query and scan read for whom they are granted", async () => {
    const writer = role("/log-writer/", "WorkflowAdmit");
    await insert(writer);
    const query = (by: string, index: string[] = []) =>
      ddb(
        by,
        "query",
        "--table-name",
        table,
        ...index,
        "--key-condition-expression",
        "pk = :k",
        "--expression-attribute-values",
        JSON.stringify({ ":k": { S: PK } }),
      );
    const item = { pk: { S: PK }, sk: { S: "00000001" }, event: { S: '{"type":"RunStarted"}' } };
    const [again, read, scanned, selected, notScan] = await Promise.all([
      refusal(insert(writer)),
      query(role("/people/", "PeopleAuditor")),
      ddb(person("admin"), "scan", "--table-name", table),
      statement(person("admin"), `SELECT * FROM "${table}" WHERE pk = ?`, PK),
      refusal(ddb(role("/people/", "PeopleAuditor"), "scan", "--table-name", table)),
    ]);
    expect(again).toBe("DuplicateItemException");
    expect(read).toMatchObject({ Count: 1, Items: [item] });
    expect(scanned).toMatchObject({ Count: 1, Items: [item] });
    expect(selected).toMatchObject({ Items: [item] });
    expect(notScan).toBe("AccessDeniedException");
  });

  test("an administrator, whose own policy allows everything, cannot write, change, remove or weaken it", async () => {
    const admin = person("admin");
    const attempts: Record<string, () => Promise<unknown>> = {
      insert: () => insert(admin, "00000002"),
      put: () =>
        ddb(
          admin,
          "put-item",
          "--table-name",
          table,
          "--item",
          JSON.stringify({ ...JSON.parse(KEY), event: { S: "{}" } }),
        ),
      update: () =>
        ddb(admin, "update-item", "--table-name", table, "--key", KEY, "--update-expression", "REMOVE event"),
      delete: () => ddb(admin, "delete-item", "--table-name", table, "--key", KEY),
      batch: () =>
        ddb(
          admin,
          "batch-write-item",
          "--request-items",
          JSON.stringify({ [table]: [{ DeleteRequest: { Key: JSON.parse(KEY) } }] }),
        ),
      transaction: () =>
        ddb(
          admin,
          "transact-write-items",
          "--transact-items",
          JSON.stringify([{ Delete: { TableName: table, Key: JSON.parse(KEY) } }]),
        ),
      "update statement": () =>
        statement(admin, `UPDATE "${table}" SET event = ? WHERE pk = ? AND sk = ?`, "{}", PK, "00000001"),
      "delete statement": () => statement(admin, `DELETE FROM "${table}" WHERE pk = ? AND sk = ?`, PK, "00000001"),
      policy: () => ddb(admin, "delete-resource-policy", "--resource-arn", logArn),
      lifetime: () =>
        ddb(
          admin,
          "update-time-to-live",
          "--table-name",
          table,
          "--time-to-live-specification",
          "Enabled=true,AttributeName=at",
        ),
      protection: () => ddb(admin, "update-table", "--table-name", table, "--no-deletion-protection-enabled"),
      table: () => ddb(admin, "delete-table", "--table-name", table),
    };
    const refusals = await Promise.all(
      Object.entries(attempts).map(async ([name, attempt]) => [name, await refusal(attempt())] as const),
    );
    expect(Object.fromEntries(refusals)).toEqual(
      Object.fromEntries(Object.keys(attempts).map((name) => [name, "AccessDeniedException"])),
    );
    expect(await ddb(admin, "scan", "--table-name", table, "--select", "COUNT")).toMatchObject({ Count: 1 });
  });
});
