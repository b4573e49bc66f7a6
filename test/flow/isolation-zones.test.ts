/**
 * The design's table of trust zones, as a matrix: every role × every known action × every place of the deployment. What each role may
 * is written down here by hand; that and nothing else is allowed.
 */
import { beforeAll, describe, expect, test } from "vitest";
import type { Zone } from "../../lib/constructs/names.js";
import { Flow } from "../support/flow.js";
import { type Matrix, matrixOf } from "../support/isolation-matrix.js";

let matrix: Matrix;
beforeAll(async () => {
  const flow = await Flow.shared();
  matrix = matrixOf(flow.session.cloud);
});

const row = (zone: Zone, part?: string) => matrix.row(zone, part);
const each = (actions: string, ...where: string[]) =>
  where.flatMap((place) => actions.split(" ").map((action) => `${action} ${place}`));
const sorted = (list: readonly string[]) => [...list].sort();
const logs = (group: string) => each("CreateLogStream PutLogEvents", `logs of ${group}`);

const LOG = "log of this workflow";
const BUDGETS = "budgets of this workflow";
const EFFECTS = [
  "stripe.lookup_charge",
  "stripe.list_refunds",
  "stripe.refund",
  "zendesk.get_ticket",
  "zendesk.reply",
].map((tool) => `effects of ${tool}`);
const USE_BUDGETS = each("GetItem Query PutItem UpdateItem DeleteItem", BUDGETS);
const USE_VAULT = [
  ...each("GetObject PutObject", "vault of this workflow", "sealed values of this workflow"),
  ...each("Decrypt GenerateDataKey", "vault key through S3"),
];
const WRITE_CONTEXT = [
  ...each("GetObject PutObject", "context of this workflow"),
  ...each("Decrypt GenerateDataKey", "data key through S3"),
];
const CALLS = EFFECTS.map((effects) => effects.replace("effects of", "call of"));
const APPEND = each("PartiQLInsert Query", LOG);
const BRAKE = each("GetItem", "brake of this workflow");
const STACKS = each("DescribeStacks", "stack of this stage");
const EXECUTIONS = [
  ...each("ListExecutions", "machine"),
  ...each("DescribeExecution GetExecutionHistory", "execution"),
];
const READ_LOG = each("GetItem Query", LOG, "log of another workflow", "log without a partition", "index of the log");
const FIND_RUNS = each("Query", LOG, "log of another workflow", "log without a partition", "index of the log");
const ANSWERS = ["act", "closing", "outcome"].flatMap((kind) => [kind, `${kind} of another workflow`]);
const READ_APPROVALS = each(
  "GetItem Query",
  "request",
  "request of another workflow",
  "decision",
  "decision of another workflow",
  ...ANSWERS,
  "link",
  "challenge",
);

describe("each zone may what the design's table says, and nothing else", () => {
  test("the places are all there, and each can be reached by someone or is meant for no one", () => {
    const reached = new Set([...matrix.may.values()].flat().map((line) => line.slice(line.indexOf(" ") + 1)));
    const nobody = [
      "vault key by itself",
      "data key by itself",
      "token key of no workflow",
      "another machine",
      "execution of another machine",
      "admit",
      "close-run",
      "approval-desk",
      "approval-slack",
      "notary",
      "oversight without a partition",
      "questions about anything else",
      "table of anything else",
      "schedule of another workflow",
      "schedule of another group",
      "clock as a function",
      "another policy store",
      "another model",
      "secret of another stage",
      "budgets of another workflow",
      "brake of no one",
      "another bucket",
      "another function",
      "stack of another stage",
      "address of someone else",
      "another route",
    ];
    expect(sorted(matrix.places.filter((place) => !reached.has(place)))).toEqual(sorted(nobody));
  });

  test("propose: the model and this workflow's context", () => {
    expect(sorted(row("propose"))).toEqual(
      sorted([
        ...logs("propose"),
        ...each("GetObject", "context of this workflow"),
        ...each("Decrypt", "data key through S3"),
        ...each("InvokeModel", "model"),
      ]),
    );
  });

  test("admit, decide, close-run: append to the log, budgets, and what each needs", () => {
    expect(sorted(row("log-writer", "Admit"))).toEqual(
      sorted([
        ...logs("admit"),
        ...APPEND,
        ...BRAKE,
        ...USE_BUDGETS,
        ...USE_VAULT,
        ...WRITE_CONTEXT,
        ...each("StartExecution", "machine"),
        ...each("DescribeExecution", "execution"),
      ]),
    );
    expect(sorted(row("log-writer", "Decide"))).toEqual(
      sorted([
        ...logs("decide"),
        ...APPEND,
        ...BRAKE,
        ...USE_BUDGETS,
        ...USE_VAULT,
        ...WRITE_CONTEXT,
        ...each("Query", "decision", "act"),
        ...each("GetItem", "closing"),
        ...each("PartiQLInsert", "closing", "outcome"),
        ...each("GetObject PutObject", ...CALLS, "view of this workflow"),
        ...each("GetItem", ...EFFECTS),
        ...each("IsAuthorized GetPolicy", "policy store"),
        ...each("InvokeFunction", "preview-stripe-refund", "preview-zendesk-reply"),
      ]),
    );
    expect(sorted(row("log-writer", "CloseRun"))).toEqual(
      sorted([
        ...logs("close-run"),
        ...APPEND,
        ...USE_BUDGETS,
        ...USE_VAULT,
        ...each("GetItem", ...EFFECTS),
        ...each("PartiQLInsert", "outcome"),
        ...each("DescribeExecution", "execution"),
      ]),
    );
  });

  const TOOLS = {
    "stripe.lookup_charge": "StripeLookup",
    "stripe.list_refunds": "StripeList",
    "stripe.refund": "StripeRefund",
    "zendesk.get_ticket": "ZendeskGet",
    "zendesk.reply": "ZendeskReply",
  };
  test.each(Object.entries(TOOLS))(
    "%s: its own secret, its own effects rows, its permit, the calls put out for it",
    (tool, part) => {
      const secret = tool.startsWith("stripe") ? "secret stripe-api-key" : "secret zendesk-api-token";
      expect(sorted(row("tool", `Tool${part}`))).toEqual(
        sorted([
          ...logs(`tool-${tool.replace(".", "-")}`),
          ...each("Query", LOG),
          ...BRAKE,
          ...each("GetItem PutItem UpdateItem", `effects of ${tool}`),
          ...each("GetSecretValue", secret),
          ...each("GetObject", `call of ${tool}`),
          ...each("Decrypt", "data key through S3"),
        ]),
      );
    },
  );

  test("previews: their secret", () => {
    expect(sorted(row("preview", "PreviewStripe"))).toEqual(
      sorted([...logs("preview-stripe-refund"), ...each("GetSecretValue", "secret stripe-api-key")]),
    );
    expect(sorted(row("preview", "PreviewZendesk"))).toEqual(
      sorted([...logs("preview-zendesk-reply"), ...each("GetSecretValue", "secret zendesk-api-token")]),
    );
  });

  test("request-approval inserts requests and sends mail; the desk inserts decisions; the sender answers tokens", () => {
    expect(sorted(row("approval-request"))).toEqual(
      sorted([
        ...logs("request-approval"),
        ...each("PartiQLInsert", "request", "link"),
        ...each("Query", "request"),
        ...each("Encrypt", "token key of this workflow"),
        ...each("SendEmail", "own address"),
        ...each("GetSecretValue", "secret slack-bot-token"),
        ...each("CreateSchedule", "schedule of this workflow"),
        ...each("PassRole", "clock as a scheduler"),
      ]),
    );
    expect(sorted(row("approval-clock"))).toEqual(each("InvokeFunction", "approval-sender"));
    expect(sorted(row("approval-slack"))).toEqual(
      sorted([
        ...logs("approval-slack"),
        ...READ_APPROVALS.filter((line) => !/ (?:link|challenge)$/.test(line)),
        ...each("GetItem Query", "receipt"),
        ...each("PartiQLInsert", "decision", "decision of another workflow", "receipt"),
        ...each("PartiQLInsert", "act", "act of another workflow", "closing", "closing of another workflow"),
        ...each("GetItem", "brake of this workflow", "brake of another workflow"),
        ...each("GetSecretValue", "secret slack-signing-secret", "secret slack-bot-token"),
      ]),
    );
    expect(sorted(row("approval-desk"))).toEqual(
      sorted([
        ...logs("approval-desk"),
        ...each("GetObject", "view of this workflow", "view of another workflow"),
        ...each("Decrypt", "data key through S3"),
        ...READ_APPROVALS,
        ...each("PartiQLInsert", "decision", "decision of another workflow"),
        ...each("PartiQLInsert", "act", "act of another workflow", "closing", "closing of another workflow"),
        ...each("UpdateItem", "challenge"),
        ...each("GetItem", "brake of this workflow", "brake of another workflow"),
      ]),
    );
    expect(sorted(row("approval-sender"))).toEqual(
      sorted([
        ...logs("approval-sender"),
        ...READ_APPROVALS.filter((line) => !line.includes("challenge")),
        ...each("PartiQLInsert", "request", "request of another workflow", "link"),
        ...each("PartiQLInsert", "closing", "closing of another workflow"),
        ...each("Decrypt", "token key of this workflow", "token key of another workflow"),
        ...each("SendTaskSuccess", "any task token"),
        ...each("SendEmail", "own address"),
        ...each("GetSecretValue", "secret slack-bot-token"),
        ...each("DescribeStream GetRecords GetShardIterator", "stream of approvals"),
        ...each("ListStreams", "any stream"),
      ]),
    );
  });

  test("the state machine: exactly its functions", () => {
    const tools = [
      "tool-stripe-lookup_charge",
      "tool-stripe-list_refunds",
      "tool-stripe-refund",
      "tool-zendesk-get_ticket",
      "tool-zendesk-reply",
    ];
    expect(sorted(row("machine"))).toEqual(
      sorted(each("InvokeFunction", "propose", "decide", "request-approval", ...tools)),
    );
  });

  test("notary: reads the log and its stream, signs, adds to the archive", () => {
    expect(sorted(row("notary"))).toEqual(
      sorted([
        ...logs("notary"),
        ...each("Query", LOG, "log of another workflow", "log without a partition", "index of the log"),
        ...each("DescribeStream GetRecords GetShardIterator", "stream of the log"),
        ...each("ListStreams", "any stream"),
        ...each("GetObject PutObject PutObjectRetention", "archive of records"),
        ...each("ListBucket", "archive bucket"),
        ...each("Sign GetPublicKey", "notary key"),
      ]),
    );
  });

  test("people", () => {
    expect(sorted(row("people", "Requester"))).toEqual(sorted([...STACKS, ...each("Invoke", "route of runs")]));
    expect(sorted(row("people", "Approver"))).toEqual(
      sorted([
        ...STACKS,
        ...READ_APPROVALS,
        ...each("GetItem Query", "index of approvals", "approvals without a partition", "receipt"),
      ]),
    );
    const brakes = ["brake of this workflow", "brake of another workflow"];
    expect(sorted(row("people", "Auditor"))).toEqual(
      sorted([
        ...STACKS,
        ...READ_LOG,
        ...READ_APPROVALS,
        ...each(
          "GetItem Query",
          "index of approvals",
          "approvals without a partition",
          "receipt",
          ...EFFECTS,
          "effects of another workflow",
        ),
        ...each("GetItem", ...brakes),
        ...EXECUTIONS,
        ...each("GetObject", "archive of records"),
        ...each("ListBucket", "archive bucket"),
        ...each("GetPublicKey", "notary key"),
        ...each(
          "StartQueryExecution StopQueryExecution GetQueryExecution GetQueryResults GetWorkGroup",
          "questions about the archive",
        ),
        ...each("GetNamedQuery BatchGetNamedQuery ListNamedQueries", "questions about the archive"),
        ...each("GetTable GetDatabase", "table of the archive"),
        ...each("Query", "record of readings", "record of shreddings"),
        ...each("PartiQLInsert Query", "reviews of this workflow", "reviews of another workflow"),
      ]),
    );
    expect(sorted(row("people", "Operator"))).toEqual(
      sorted([
        ...STACKS,
        ...READ_LOG,
        ...each("GetItem PutItem UpdateItem", ...brakes),
        ...EXECUTIONS,
        ...each("StopExecution", "execution"),
      ]),
    );
    expect(sorted(row("people", "BreakGlass"))).toEqual(
      sorted([
        ...STACKS,
        ...FIND_RUNS,
        ...each("GetObject", "vault of this workflow", "vault of another workflow", "sealed values of this workflow"),
        ...each("ListBucket", "vault bucket"),
        ...each("Decrypt", "vault key through S3"),
        ...each("PartiQLInsert Query", "record of readings"),
        ...each("Query", "record of shreddings"),
      ]),
    );
    expect(sorted(row("people", "Shredder"))).toEqual(
      sorted([
        ...STACKS,
        ...FIND_RUNS,
        ...each("ListBucketVersions", "vault bucket", "context bucket"),
        ...each("DeleteObjectVersion", "vault of this workflow", "vault of another workflow"),
        ...each(
          "DeleteObjectVersion",
          "context of this workflow",
          "context of another workflow",
          ...CALLS,
          "call of another workflow",
          "view of this workflow",
          "view of another workflow",
        ),
        ...each("PartiQLInsert Query", "record of shreddings"),
      ]),
    );
  });
});
