/** What the suites of callbacks and schedules need, as one stack: a function, a state machine that waits, a schedule group, a key. */
import * as z from "zod";

/** The stack's outputs. */
export const stackOutputs = z.object({
  MachineArn: z.string(),
  KeyArn: z.string(),
  FunctionArn: z.string(),
  Group: z.string(),
  /** lets EventBridge Scheduler assume it */
  SchedulerRoleArn: z.string(),
  /** lets only Lambda assume it */
  StrangerRoleArn: z.string(),
});
export type StackOutputs = z.output<typeof stackOutputs>;

const HANDLER = 'exports.handler = async () => "asked";\n';
/** `Code` of the function, for a stack that needs no upload. */
export const INLINE = { ZipFile: HANDLER };
/** The same as files, where code comes from a folder. */
export const FILES = { "index.js": HANDLER };

const arnOf = (logicalId: string) => ({ "Fn::GetAtt": [logicalId, "Arn"] });
const POLICY = { Version: "2012-10-17" };

function role(service: string, mayInvoke: boolean) {
  const trust = { Effect: "Allow", Action: "sts:AssumeRole", Principal: { Service: service } };
  const invoke = { Effect: "Allow", Action: "lambda:InvokeFunction", Resource: arnOf("Function") };
  const Policies = [{ PolicyName: "invoke", PolicyDocument: { ...POLICY, Statement: [invoke] } }];
  return {
    Type: "AWS::IAM::Role",
    Properties: { AssumeRolePolicyDocument: { ...POLICY, Statement: [trust] }, ...(mayInvoke ? { Policies } : {}) },
  };
}

const DEFINITION = {
  QueryLanguage: "JSONata",
  StartAt: "Ask",
  States: {
    Ask: {
      Type: "Task",
      Resource: "arn:aws:states:::lambda:invoke.waitForTaskToken",
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a substitution of CloudFormation
      Arguments: { FunctionName: "${FunctionArn}", Payload: { token: "{% $states.context.Task.Token %}" } },
      HeartbeatSeconds: "{% $states.input.heartbeat_sec %}",
      // Whatever a broken test leaves waiting ends by itself.
      TimeoutSeconds: 600,
      End: true,
    },
  },
};

/** @param code `Code` of the function */
export function stackTemplate(code: object) {
  const root = { Effect: "Allow", Action: "kms:*", Resource: "*", Principal: { AWS: { "Fn::Sub": ROOT } } };
  const outputs = {
    MachineArn: { Ref: "Machine" },
    KeyArn: arnOf("Key"),
    FunctionArn: arnOf("Function"),
    Group: { Ref: "Group" },
    SchedulerRoleArn: arnOf("SchedulerRole"),
    StrangerRoleArn: arnOf("FunctionRole"),
  } satisfies Record<keyof StackOutputs, object>;
  return {
    Description: "Countersign: resources of npm run test:aws; remove any time",
    Resources: {
      FunctionRole: role("lambda.amazonaws.com", false),
      Function: {
        Type: "AWS::Lambda::Function",
        Properties: { Code: code, Handler: "index.handler", Runtime: "nodejs22.x", Role: arnOf("FunctionRole") },
      },
      MachineRole: role("states.amazonaws.com", true),
      Machine: {
        Type: "AWS::StepFunctions::StateMachine",
        Properties: {
          RoleArn: arnOf("MachineRole"),
          DefinitionString: JSON.stringify(DEFINITION),
          DefinitionSubstitutions: { FunctionArn: arnOf("Function") },
        },
      },
      Group: { Type: "AWS::Scheduler::ScheduleGroup", Properties: { Name: { Ref: "AWS::StackName" } } },
      SchedulerRole: role("scheduler.amazonaws.com", true),
      Key: {
        Type: "AWS::KMS::Key",
        Properties: { KeyPolicy: { ...POLICY, Statement: [root] }, PendingWindowInDays: 7 },
      },
    },
    Outputs: Object.fromEntries(Object.entries(outputs).map(([name, Value]) => [name, { Value }])),
  };
}
// biome-ignore lint/suspicious/noTemplateCurlyInString: a pseudo parameter of CloudFormation
const ROOT = "arn:aws:iam::${AWS::AccountId}:root";
