/** The whole definition, as it is deployed: what the console shows and what the embedded cloud interprets. */
import { createRequire } from "node:module";
import { beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { decideRequest, proposeAnswer } from "../../lib/run/protocol.js";
import { flat, ofType, synthFixture, type Template } from "./harness.js";

const state = z.looseObject({ Type: z.string(), Next: z.string().optional() });
const definition = z.looseObject({ StartAt: z.string(), States: z.record(z.string(), state) });

let workflow: Template;
let asl: z.output<typeof definition>;
beforeAll(async () => {
  ({ workflow } = await synthFixture());
  const [machine] = ofType(workflow, "AWS::StepFunctions::StateMachine");
  const text = flat(machine?.[1].Properties.DefinitionString).replace(/<Workflow(\w+)Function\w{8}\.Arn>/g, "$1");
  asl = definition.parse(JSON.parse(text));
});

const LAMBDA = ["Lambda.ServiceException", "Lambda.AWSLambdaException", "Lambda.SdkClientException"];
const THROTTLED = "Lambda.TooManyRequestsException";
const TURN = "{% $states.input.turn %}";
const ACTION = "{% $states.input.action %}";
const RUN = { run_id: "{% $states.context.Execution.Name %}", tenant: "{% $states.context.Execution.Input.tenant %}" };
const PAYLOAD = "{% $states.result.Payload %}";
const DECIDED = {
  phase: "approval",
  turn: TURN,
  round: "{% $states.input.round %}",
  action: ACTION,
  rationale: "{% $states.input.rationale %}",
};
const INVOKE = "arn:<AWS::Partition>:states:::lambda:invoke";
const retry = (ErrorEquals: string[], IntervalSeconds: number, MaxAttempts: number, BackoffRate: number) => ({
  ErrorEquals,
  IntervalSeconds,
  MaxAttempts,
  BackoffRate,
});
const runTool = (FunctionName: string, TimeoutSeconds: number) => ({
  Type: "Task",
  Resource: INVOKE,
  Arguments: {
    FunctionName,
    Payload: { ...RUN, turn: TURN, action: ACTION, permit_seq: "{% $states.input.permit_seq %}" },
  },
  TimeoutSeconds,
  Retry: [
    retry(["ToolRetryable"], 2, 2, 3),
    // after its claim, which ends five seconds after the function's own limit
    { ErrorEquals: ["Runtime.ExitError"], IntervalSeconds: TimeoutSeconds + 5, MaxAttempts: 1 },
    retry([...LAMBDA, THROTTLED], 2, 3, 2),
  ],
  Catch: [{ ErrorEquals: ["States.ALL"], Output: { phase: "outcome", turn: TURN }, Next: "DecideAction" }],
  Output: { turn: "{% $states.input.turn + 1 %}", last: PAYLOAD },
  Next: "ProposeAction",
});
const failedProposal = {
  proposal: {
    kind: "invalid",
    reason: "model-error",
    detail: "{% 'the proposer failed: ' & $substring($states.errorOutput.Error, 0, 200) %}",
  },
  model: "anthropic.claude-sonnet-4-5-20250929-v1:0",
  prompt_tokens: 0,
  completion_tokens: 0,
  cost_micro_usd: 0,
  latency_ms: 0,
  context_hash: "0".repeat(64),
};

describe("the state machine", () => {
  it("is this, whole", () => {
    expect(asl).toEqual({
      Comment: "Settle a claim about one lost parcel.",
      QueryLanguage: "JSONata",
      TimeoutSeconds: 86_400,
      StartAt: "ProposeAction",
      States: {
        ProposeAction: {
          Type: "Task",
          Resource: INVOKE,
          Arguments: {
            FunctionName: "Propose",
            Payload: { ...RUN, turn: TURN, last: "{% $exists($states.input.last) ? $states.input.last : null %}" },
          },
          Retry: [retry([...LAMBDA, THROTTLED], 2, 4, 2)],
          Catch: [
            { ErrorEquals: ["NotAdmitted"], Next: "NotAdmitted" },
            {
              ErrorEquals: ["States.ALL"],
              Output: { phase: "proposal", turn: TURN, proposed: failedProposal },
              Next: "DecideAction",
            },
          ],
          Output: { phase: "proposal", turn: TURN, proposed: PAYLOAD },
          Next: "DecideAction",
        },
        DecideAction: {
          Type: "Task",
          Resource: INVOKE,
          Arguments: {
            FunctionName: "Decide",
            Payload:
              "{% $merge([$states.input, {'run_id': $states.context.Execution.Name, 'tenant': $states.context.Execution.Input.tenant, 'execution_arn': $states.context.Execution.Id}]) %}",
          },
          Retry: [
            { ...retry(["ClaimOpen"], 5, 7, 1.5), MaxDelaySeconds: 60 },
            retry(["Conflict"], 1, 6, 2),
            retry(
              [
                "Unavailable",
                ...LAMBDA,
                "Lambda.ClientExecutionTimeoutException",
                "Lambda.Unknown",
                "Sandbox.Timedout",
                "Runtime.ExitError",
                THROTTLED,
              ],
              2,
              6,
              2,
            ),
          ],
          Catch: [{ ErrorEquals: ["NotAdmitted"], Next: "NotAdmitted" }],
          Output: PAYLOAD,
          Next: "RouteDecision",
        },
        RouteDecision: {
          Type: "Choice",
          Choices: [
            {
              Condition: "{% $states.input.decision = 'permit' and $states.input.action.tool = 'carrier.track' %}",
              Next: "RunTool carrier.track",
            },
            {
              Condition: "{% $states.input.decision = 'permit' and $states.input.action.tool = 'carrier.compensate' %}",
              Next: "RunTool carrier.compensate",
            },
            { Condition: "{% $states.input.decision = 'ask' %}", Next: "AwaitApproval" },
            { Condition: "{% $states.input.decision = 'deny' %}", Next: "ProposeAction" },
            { Condition: "{% $states.input.decision = 'finish' %}", Next: "RunClosed" },
          ],
          Default: "UnknownDecision",
        },
        "RunTool carrier.track": runTool("ToolCarrierTrack", 25),
        "RunTool carrier.compensate": runTool("ToolCarrierCompensate", 35),
        AwaitApproval: {
          Type: "Task",
          Resource: `${INVOKE}.waitForTaskToken`,
          Arguments: {
            FunctionName: "RequestApproval",
            Payload: { task_token: "{% $states.context.Task.Token %}", approval: "{% $states.input.approval %}" },
          },
          TimeoutSeconds: "{% $states.input.wait_seconds %}",
          // The time that people have is a time limit, which TaskFailed is not.
          Retry: [retry([...LAMBDA, THROTTLED], 2, 3, 2), retry(["States.TaskFailed"], 5, 6, 2)],
          Catch: [{ ErrorEquals: ["States.ALL"], Output: DECIDED, Next: "DecideAction" }],
          Output: { ...DECIDED, called_back: true },
          Next: "DecideAction",
        },
        RunClosed: { Type: "Succeed", Output: "{% $states.input.outcome %}" },
        NotAdmitted: { Type: "Fail", Error: "NotAdmitted", Cause: expect.stringContaining("POST /runs/<workflow>") },
        UnknownDecision: { Type: "Fail", Error: "UnknownDecision", Cause: expect.any(String) },
      },
    });
  });

  it("passes the Amazon States Language validator, and says nothing that Step Functions does not know", () => {
    // It comes without types.
    const validator: unknown = createRequire(import.meta.url)("asl-validator");
    const validate = z
      .custom<(definition: unknown) => unknown>((value) => typeof value === "function")
      .parse(validator);
    const result = validate(JSON.parse(JSON.stringify(asl).replaceAll("<AWS::Partition>", "aws")));
    expect(result).toMatchObject({ errors: [], isValid: true });
    const text = JSON.stringify(asl);
    expect(text).not.toContain("??");
    expect(text).not.toMatch(/JsonPath|"\$\.|\.\$":|TimeoutSecondsPath|ResultPath/);
    // With a space outside the braces it would stay a literal.
    expect(text).not.toMatch(/" \{%|%\} "/);
  });

  it("never retries a tool after a timeout, when the effect may have happened", () => {
    for (const [name, each] of Object.entries(asl.States)) {
      if (!name.startsWith("RunTool")) continue;
      const retried = z
        .array(z.object({ ErrorEquals: z.array(z.string()) }))
        .parse(each.Retry)
        .flatMap((one) => one.ErrorEquals);
      expect(retried).not.toEqual(expect.arrayContaining([expect.stringMatching(/Timeout|Timedout|States\.|Unknown/)]));
    }
  });

  it("enters 27 states in the reference run: six proposals, five tools, one approval", () => {
    const turn = ["ProposeAction", "DecideAction", "RouteDecision"];
    const tool = [...turn, "RunTool"];
    const asked = [...turn, "AwaitApproval", "DecideAction", "RouteDecision", "RunTool"];
    const entered = [tool, tool, tool, asked, tool, [...turn, "RunClosed"]].flat();
    const first = (name: string) => (name === "RunTool" ? "RunTool carrier.track" : name);
    entered.forEach((name, index) => {
      const next = entered[index + 1];
      if (next !== undefined) expect(successors(first(name))).toContain(first(next));
    });
    expect(entered).toHaveLength(27);
  });

  it("says of a failed proposer what the gate can parse", () => {
    const proposed = {
      ...failedProposal,
      proposal: { ...failedProposal.proposal, detail: `the proposer failed: ${"E".repeat(200)}` },
    };
    expect(proposeAnswer.safeParse(proposed).error).toBeUndefined();
    const request = { phase: "proposal", turn: 1, proposed, run_id: "r-1", tenant: "acme", execution_arn: "arn:x" };
    expect(decideRequest.safeParse(request).error).toBeUndefined();
  });
});

function successors(name: string): string[] {
  const each = asl.States[name];
  const choices = z
    .array(z.object({ Next: z.string() }))
    .default([])
    .parse(each?.Choices);
  return [each?.Next, ...choices.map(({ Next }) => Next)].flatMap((next) => next ?? []);
}

describe("what watches over it", () => {
  it("close-run hears of executions that failed, and sweeps every five minutes", () => {
    const rules = ofType(workflow, "AWS::Events::Rule").map(([, { Properties }]) => Properties);
    expect(rules[0]?.EventPattern).toMatchObject({
      source: ["aws.states"],
      "detail-type": ["Step Functions Execution Status Change"],
      detail: { status: ["FAILED", "TIMED_OUT", "ABORTED"] },
    });
    expect(rules[1]?.ScheduleExpression).toBe("rate(5 minutes)");
    const targets = z.array(z.object({ Arn: z.unknown().transform(flat), Input: z.string().optional() }));
    const [ended, sweep] = rules.map((rule) => targets.parse(rule.Targets));
    expect(ended).toEqual([{ Arn: expect.stringMatching(/^<WorkflowCloseRunFunction/) }]);
    expect(sweep).toEqual([{ Arn: ended?.[0]?.Arn, Input: '{"sweep":true}' }]);
  });

  it("three alarms wake the owner", () => {
    const alarms = ofType(workflow, "AWS::CloudWatch::Alarm").map(([, { Properties }]) => Properties);
    expect(alarms.map(({ Namespace, MetricName }) => `${Namespace} ${MetricName}`).sort()).toEqual([
      "AWS/Lambda Errors",
      "AWS/Lambda Errors",
      "AWS/States ExecutionsFailed",
    ]);
    const [topic] = ofType(workflow, "AWS::SNS::Topic");
    for (const { AlarmActions } of alarms) expect(AlarmActions).toEqual([{ Ref: topic?.[0] }]);
    const [subscription] = ofType(workflow, "AWS::SNS::Subscription");
    expect(subscription?.[1].Properties).toMatchObject({ Protocol: "email", Endpoint: "logistics@example.com" });
  });

  it("runs start with a signed POST", () => {
    const [route, ...more] = ofType(workflow, "AWS::ApiGatewayV2::Route").map(([, { Properties }]) => Properties);
    expect(more).toEqual([]);
    expect(route).toMatchObject({ RouteKey: "POST /runs/parcel-claim", AuthorizationType: "AWS_IAM" });
  });
});
