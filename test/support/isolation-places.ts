/** Everything of a deployment that an action can be tried on, by what it is for: this workflow's, another's, and no one's. */
import type { Cloud } from "../../lib/local/cloud.js";
import type { AccessQuestion } from "../../lib/local/types.js";

export interface Place {
  readonly service: string;
  readonly resource: string;
  readonly context?: AccessQuestion["context"];
}

const PLANE = "countersign-dev";
const WORKFLOW = "billing-dispute";
export const TOOLS = [
  "stripe.lookup_charge",
  "stripe.list_refunds",
  "stripe.refund",
  "zendesk.get_ticket",
  "zendesk.reply",
];

export function placesOf(cloud: Cloud): ReadonlyMap<string, Place> {
  return new Map(Object.entries({ ...tables(cloud), ...storage(cloud), ...services(cloud), ...functions(cloud) }));
}

function output(cloud: Cloud, name: string, stack = PLANE): string {
  const value = cloud.outputs(stack)[name];
  if (value === undefined) throw new Error(`${stack} has no output ${name}`);
  return value;
}

function tables(cloud: Cloud): Record<string, Place> {
  const at = (table: string, ...keys: string[]): Place => ({
    service: "dynamodb",
    resource: output(cloud, `${table}Arn`),
    ...(keys.length === 0 ? {} : { context: { "dynamodb:LeadingKeys": keys } }),
  });
  const index = (table: string, name: string): Place => ({
    service: "dynamodb",
    resource: `${output(cloud, `${table}Arn`)}/index/${name}`,
    context: { "dynamodb:LeadingKeys": [WORKFLOW] },
  });
  return {
    "log of this workflow": at("RunLogTable", `${WORKFLOW}#acme#r1`),
    "log of another workflow": at("RunLogTable", "loan-review#acme#r1"),
    "log without a partition": at("RunLogTable"),
    "index of the log": index("RunLogTable", "runs"),
    "stream of the log": {
      service: "dynamodb",
      resource: `${output(cloud, "RunLogTableArn")}/stream/2026-01-01T00:00:00.000`,
    },
    "any stream": { service: "dynamodb", resource: "*" },
    request: at("ApprovalsTable", `request#${WORKFLOW}#a1`),
    "request of another workflow": at("ApprovalsTable", "request#loan-review#a1"),
    decision: at("ApprovalsTable", `decision#${WORKFLOW}#a1`),
    "decision of another workflow": at("ApprovalsTable", "decision#loan-review#a1"),
    act: at("ApprovalsTable", `act#${WORKFLOW}#a1`),
    "act of another workflow": at("ApprovalsTable", "act#loan-review#a1"),
    closing: at("ApprovalsTable", `closing#${WORKFLOW}#a1`),
    "closing of another workflow": at("ApprovalsTable", "closing#loan-review#a1"),
    outcome: at("ApprovalsTable", `outcome#${WORKFLOW}#a1`),
    "outcome of another workflow": at("ApprovalsTable", "outcome#loan-review#a1"),
    "stream of approvals": {
      service: "dynamodb",
      resource: `${output(cloud, "ApprovalsTableArn")}/stream/2026-01-01T00:00:00.000`,
    },
    receipt: at("ApprovalsTable", "receipt#h1"),
    link: at("ApprovalsTable", "link#l1"),
    challenge: at("ApprovalsTable", "challenge#l1"),
    "approvals without a partition": at("ApprovalsTable"),
    "index of approvals": index("ApprovalsTable", "waiting"),
    "budgets of this workflow": at("BudgetsTable", `${WORKFLOW}#acme#day#2026-05-02`),
    "budgets of another workflow": at("BudgetsTable", "loan-review#acme#day#2026-05-02"),
    "brake of this workflow": at("ControlTable", `brake#${WORKFLOW}`),
    "brake of another workflow": at("ControlTable", "brake#loan-review"),
    "brake of no one": at("ControlTable", "settings"),
    ...Object.fromEntries(
      TOOLS.map((tool) => [`effects of ${tool}`, at("EffectsTable", `${WORKFLOW}#${tool}#acme#r1`)]),
    ),
    "record of readings": at("OversightTable", "reading"),
    "record of shreddings": at("OversightTable", "shredding"),
    "reviews of this workflow": at("OversightTable", `review#${WORKFLOW}#acme#r1`),
    "reviews of another workflow": at("OversightTable", "review#loan-review#acme#r1"),
    "oversight without a partition": at("OversightTable"),
    "effects of another workflow": at("EffectsTable", "loan-review#stripe.refund#acme#r1"),
  };
}

function storage(cloud: Cloud): Record<string, Place> {
  const { region } = cloud.context;
  const [context, vault] = [output(cloud, "ContextBucketArn"), output(cloud, "VaultBucketArn")];
  const archive = `arn:aws:s3:::${output(cloud, "ArchiveBucket")}`;
  const s3 = (resource: string): Place => ({ service: "s3", resource });
  const key = (name: string, conditions: Record<string, string> = {}): Place => ({
    service: "kms",
    resource: output(cloud, `${name}Arn`),
    context: conditions,
  });
  const through = (bucket: string) => ({
    "kms:ViaService": `s3.${region}.amazonaws.com`,
    "kms:EncryptionContext:aws:s3:arn": bucket,
  });
  return {
    "context of this workflow": s3(`${context}/context/${WORKFLOW}/acme/r1/0001.json`),
    "context of another workflow": s3(`${context}/context/loan-review/acme/r1/0001.json`),
    ...Object.fromEntries(
      TOOLS.map((tool) => [`call of ${tool}`, s3(`${context}/call/${WORKFLOW}/${tool}/acme/r1/0001.json`)]),
    ),
    "call of another workflow": s3(`${context}/call/loan-review/stripe.refund/acme/r1/0001.json`),
    "view of this workflow": s3(`${context}/view/${WORKFLOW}/ap_1.json`),
    "view of another workflow": s3(`${context}/view/loan-review/ap_1.json`),
    "context bucket": s3(context),
    "vault of this workflow": s3(`${vault}/vault/${WORKFLOW}/acme/r1/key.json`),
    "vault of another workflow": s3(`${vault}/vault/loan-review/acme/r1/key.json`),
    "sealed values of this workflow": s3(`${vault}/vault/${WORKFLOW}/acme/r1/00000001-0a1b2c3d4e5f6071.json`),
    "vault bucket": s3(vault),
    "archive of records": s3(`${archive}/events/workflow=${WORKFLOW}/day=2026-05-02/tenant=acme/r1/00000001.jsonl.gz`),
    "archive bucket": s3(archive),
    "notary key": { service: "kms", resource: output(cloud, "NotaryKey") },
    "another bucket": s3(`arn:aws:s3:::payroll/context/${WORKFLOW}/x`),
    "data key through S3": key("DataKey", through(context)),
    "data key by itself": key("DataKey", { "kms:EncryptionContext:aws:s3:arn": context }),
    "vault key through S3": key("VaultKey", through(vault)),
    "vault key by itself": key("VaultKey", { "kms:EncryptionContext:aws:s3:arn": vault }),
    "token key of this workflow": key("TokenKey", { "kms:EncryptionContext:workflow": WORKFLOW }),
    "token key of another workflow": key("TokenKey", { "kms:EncryptionContext:workflow": "loan-review" }),
    "token key of no workflow": key("TokenKey"),
  };
}

function services(cloud: Cloud): Record<string, Place> {
  const { region, accountId } = cloud.context;
  const arn = (service: string, resource: string): string => `arn:aws:${service}:${region}:${accountId}:${resource}`;
  const place = (service: string, resource: string, context?: Record<string, string>): Place => ({
    service,
    resource,
    ...(context === undefined ? {} : { context }),
  });
  const stack = `${PLANE}-${WORKFLOW}`;
  const store = (id: string) =>
    place("verifiedpermissions", `arn:aws:verifiedpermissions::${accountId}:policy-store/${id}`);
  const model = (id: string) => place("bedrock", `arn:aws:bedrock:${region}::foundation-model/${id}`);
  const secret = (name: string) => place("secretsmanager", arn("secretsmanager", `secret:${name}-a1B2c3`));
  const mail = (from: string) =>
    place("ses", arn("ses", "identity/countersign@example.com"), { "ses:FromAddress": from });
  return {
    machine: place("states", output(cloud, "StateMachineArn", stack)),
    execution: place("states", arn("states", `execution:${stack}:r1`)),
    "another machine": place("states", arn("states", "stateMachine:payroll")),
    "execution of another machine": place("states", arn("states", "execution:payroll:r1")),
    "any task token": place("states", "*"),
    "policy store": store(output(cloud, "PolicyStoreId", stack)),
    "another policy store": store("PSEXAMPLEabcdefg111111"),
    model: model("anthropic.claude-sonnet-4-5-20250929-v1:0"),
    "another model": model("anthropic.claude-opus-4-1-20250805-v1:0"),
    "secret stripe-api-key": secret("countersign/dev/stripe-api-key"),
    "secret zendesk-api-token": secret("countersign/dev/zendesk-api-token"),
    "secret slack-signing-secret": secret("countersign/dev/slack-signing-secret"),
    "secret slack-bot-token": secret("countersign/dev/slack-bot-token"),
    "schedule of this workflow": place("scheduler", arn("scheduler", `schedule/${PLANE}/${WORKFLOW}-0a1b-r1`)),
    "schedule of another workflow": place("scheduler", arn("scheduler", `schedule/${PLANE}/loan-review-0a1b-r1`)),
    "schedule of another group": place("scheduler", arn("scheduler", `schedule/payroll/${WORKFLOW}-0a1b-r1`)),
    "clock as a scheduler": place("iam", output(cloud, "ScheduleRoleArn"), {
      "iam:PassedToService": "scheduler.amazonaws.com",
    }),
    "clock as a function": place("iam", output(cloud, "ScheduleRoleArn"), {
      "iam:PassedToService": "lambda.amazonaws.com",
    }),
    "secret of another stage": secret("countersign/prod/stripe-api-key"),
    "questions about the archive": place("athena", arn("athena", "workgroup/countersign-dev")),
    "questions about anything else": place("athena", arn("athena", "workgroup/primary")),
    "table of the archive": place("glue", arn("glue", "table/countersign_dev/events")),
    "table of anything else": place("glue", arn("glue", "table/payroll/records")),
    "own address": mail("countersign@example.com"),
    "address of someone else": mail("chief@example.com"),
    "stack of this stage": place("cloudformation", arn("cloudformation", `stack/${stack}/1a2b`)),
    "stack of another stage": place("cloudformation", arn("cloudformation", "stack/countersign-prod/1a2b")),
    "route of runs": place(
      "execute-api",
      arn("execute-api", `${output(cloud, "ApiId")}/$default/POST/runs/${WORKFLOW}`),
    ),
    "another route": place("execute-api", arn("execute-api", `${output(cloud, "ApiId")}/$default/POST/decisions`)),
  };
}

/** Functions by the end of their names (`decide`, `tool-stripe-refund`), each with its log group. */
function functions(cloud: Cloud): Record<string, Place> {
  const { region, accountId } = cloud.context;
  const found = cloud.stacks.flatMap(({ name, resources }) => {
    const groups = resources.filter(({ type }) => type === "AWS::Logs::LogGroup");
    return resources
      .filter(({ type }) => type === "AWS::Lambda::Function")
      .flatMap(({ physicalId, logicalId }): [string, Place][] => {
        const part = physicalId.slice(name.length + 1);
        // The construct id of both: `WorkflowToolStripeRefund` of `WorkflowToolStripeRefundAB12CD34` and `…RefundLogsAB12CD34`.
        const group = groups.find(
          (one) => one.logicalId.replace(/Logs[0-9A-F]{8}$/, "") === logicalId.replace(/(?:Function)?[0-9A-F]{8}$/, ""),
        );
        if (group === undefined)
          throw new Error(`${logicalId} has no log group among ${groups.map((one) => one.logicalId).join(", ")}`);
        return [
          [part, { service: "lambda", resource: `arn:aws:lambda:${region}:${accountId}:function:${physicalId}` }],
          [
            `logs of ${part}`,
            {
              service: "logs",
              resource: `arn:aws:logs:${region}:${accountId}:log-group:${group.physicalId}:log-stream:2026/x`,
            },
          ],
        ];
      });
  });
  return {
    ...Object.fromEntries(found),
    "another function": { service: "lambda", resource: `arn:aws:lambda:${region}:${accountId}:function:payroll` },
  };
}
