/** What people type with `aws stepfunctions`, with a role's credentials, comes out as on AWS. */
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import * as z from "zod";
import { AwsCli, INSTALLED, member, refusal, SILENT_FUNCTION } from "../support/isolation-aws-cli.js";

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

let cli: AwsCli;
beforeAll(async () => {
  if (INSTALLED) cli = await AwsCli.open(inject("assembly"));
});
afterAll(() => cli?.close());

describe.skipIf(!INSTALLED)("aws stepfunctions", () => {
  const sfn = (operation: string, ...options: string[]) =>
    cli.run(cli.person("admin"), "stepfunctions", operation, ...options);
  const create = (name: string, definition: object, by = cli.person("admin")) =>
    cli.run(
      by,
      "stepfunctions",
      "create-state-machine",
      "--name",
      name,
      "--definition",
      JSON.stringify(definition),
      "--role-arn",
      cli.role("/machine/"),
    );

  test("create-state-machine, start-, describe-, list-executions, get-execution-history", async () => {
    const machine = await member("stateMachineArn", create("adder", ADDING));
    const execution = await member(
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
    expect(whole).toMatchObject({
      status: "ACTIVE",
      definition: JSON.stringify(ADDING),
      roleArn: cli.role("/machine/"),
    });
    expect(again).toBe("ExecutionAlreadyExists");
  });

  test("stop-execution ends what waits, with error and cause", async () => {
    const machine = await member("stateMachineArn", create("waiter", WAITING));
    const execution = await member("executionArn", sfn("start-execution", "--state-machine-arn", machine));
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
      Arguments: { FunctionName: SILENT_FUNCTION, Payload: { token: "{% $states.context.Task.Token %}" } },
      HeartbeatSeconds: 600,
      End: true,
    };
    const machine = await member(
      "stateMachineArn",
      create(name, { QueryLanguage: "JSONata", StartAt: "Ask", States: { Ask: ask } }),
    );
    const execution = await member("executionArn", sfn("start-execution", "--state-machine-arn", machine));
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
    const missing = `arn:aws:states:${cli.cloud.context.region}:${cli.cloud.context.accountId}:execution:adder:none`;
    expect(
      await Promise.all([
        refusal(sfn("describe-execution", "--execution-arn", missing)),
        refusal(create("broken", { StartAt: "Nowhere", States: {} })),
        refusal(sfn("send-task-success", "--task-token", "x", "--task-output", "{}")),
        refusal(create("borrowed", ADDING, cli.person("developer"))),
        refusal(
          cli.run(
            cli.role("/propose/"),
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
