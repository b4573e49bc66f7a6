/**
 * The design's table of trust zones, as a matrix: every role × every known action × every place of the deployment. What each role may
 * is written down here by hand; that and nothing else is allowed.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Zone } from "../../lib/constructs/names.js";
import { Flow } from "../support/flow.js";
import { allActions, WITHOUT_RESOURCE } from "../support/isolation-actions.js";
import { type Place, placesOf } from "../support/isolation-places.js";

let flow: Flow;
/** by role: `<action> <place>` of everything it may */
let may: ReadonlyMap<string, readonly string[]>;
let places: ReadonlyMap<string, Place>;
beforeAll(async () => {
  flow = await Flow.open();
  const { cloud } = flow.session;
  places = placesOf(cloud);
  may = new Map(
    cloud.roles.list().map(({ arn, name, path }) => [`${path.split("/")[3]}/${title(name)}`, matrixRow(arn)]),
  );
});
afterAll(() => flow.close());

/** `countersign-dev-billing-d-WorkflowToolStripeRefundR-MS7…` → `ToolStripeRefund`, which CloudFormation may have cut */
const title = (name: string): string =>
  name
    .split("-")
    .at(-2)
    ?.replace(/^(?:Workflow|People)/, "") ?? name;

function matrixRow(principalArn: string): string[] {
  const { iam, accountId } = flow.session.cloud.context;
  const caller = { principalArn, sessionArn: principalArn, accountId };
  return [...places].flatMap(([place, { service, resource, context }]) =>
    allActions()
      .filter((action) => action.startsWith(`${service}:`) && WITHOUT_RESOURCE.has(action) === (resource === "*"))
      .filter((action) => iam.evaluate({ caller, action, resource, context: context ?? {} }).allowed)
      .map((action) => `${action.split(":")[1]} ${place}`),
  );
}

/** The one role of a zone whose name begins like this. */
function row(zone: Zone, part = ""): readonly string[] {
  const found = [...may].filter(([name]) => name.toLowerCase().startsWith(`${zone}/${part}`.toLowerCase()));
  if (found.length !== 1 || found[0] === undefined)
    throw new Error(`${found.length} roles of ${zone} ${part}: ${[...may.keys()].join(", ")}`);
  return found[0][1];
}
const all = (zone: Zone) => [...may].filter(([name]) => name.startsWith(`${zone}/`)).map(([, allowed]) => allowed);
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
  ...each("GetObject PutObject", "vault of this workflow"),
  ...each("Decrypt GenerateDataKey", "vault key through S3"),
];
const WRITE_CONTEXT = [
  ...each("GetObject PutObject", "context of this workflow"),
  ...each("Decrypt GenerateDataKey", "data key through S3"),
];
const APPEND = each("PartiQLInsert Query", LOG);
const BRAKE = each("GetItem", "brake of this workflow");
const STACKS = each("DescribeStacks", "stack of this stage");
const EXECUTIONS = [
  ...each("ListExecutions", "machine"),
  ...each("DescribeExecution GetExecutionHistory", "execution"),
];
const READ_LOG = each("GetItem Query", LOG, "log of another workflow", "log without a partition", "index of the log");
const READ_APPROVALS = each(
  "GetItem Query",
  "request",
  "request of another workflow",
  "decision",
  "decision of another workflow",
  "link",
  "challenge",
);

describe("each zone may what the design's table says, and nothing else", () => {
  test("the places are all there, and each can be reached by someone or is meant for no one", () => {
    const reached = new Set([...may.values()].flat().map((line) => line.slice(line.indexOf(" ") + 1)));
    const nobody = [
      "vault key by itself",
      "data key by itself",
      "token key of no workflow",
      "another machine",
      "execution of another machine",
      "admit",
      "close-run",
      "approval-desk",
      "another policy store",
      "another model",
      "secret of another stage",
      "budgets of another workflow",
      "brake of no one",
      "context of another workflow",
      "another bucket",
      "another function",
      "stack of another stage",
      "address of someone else",
      "another route",
      "context bucket",
    ];
    expect(sorted([...places.keys()].filter((place) => !reached.has(place)))).toEqual(sorted(nobody));
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
        ...each("Query", "decision"),
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
  test.each(Object.entries(TOOLS))("%s: its own secret, its own effects rows, its permit", (tool, part) => {
    const secret = tool.startsWith("stripe") ? "secret stripe-api-key" : "secret zendesk-api-token";
    expect(sorted(row("tool", `Tool${part}`))).toEqual(
      sorted([
        ...logs(`tool-${tool.replace(".", "-")}`),
        ...each("Query", LOG),
        ...BRAKE,
        ...each("GetItem PutItem UpdateItem", `effects of ${tool}`),
        ...each("GetSecretValue", secret),
      ]),
    );
  });

  test("previews: their secret", () => {
    expect(sorted(row("preview", "PreviewStripe"))).toEqual(
      sorted([...logs("preview-stripe-refund"), ...each("GetSecretValue", "secret stripe-api-key")]),
    );
    expect(sorted(row("preview", "PreviewZendesk"))).toEqual(
      sorted([...logs("preview-zendesk-reply"), ...each("GetSecretValue", "secret zendesk-api-token")]),
    );
  });

  test("request-approval inserts requests and sends mail; the desk inserts decisions and answers tokens", () => {
    expect(sorted(row("approval-request"))).toEqual(
      sorted([
        ...logs("request-approval"),
        ...each("PartiQLInsert", "request", "link"),
        ...each("Query", "request"),
        ...each("Encrypt", "token key of this workflow"),
        ...each("SendEmail", "own address"),
      ]),
    );
    expect(sorted(row("approval-desk"))).toEqual(
      sorted([
        ...logs("approval-desk"),
        ...READ_APPROVALS,
        ...each("PartiQLInsert", "decision", "decision of another workflow"),
        ...each("UpdateItem", "challenge"),
        ...each("GetItem", "brake of this workflow", "brake of another workflow"),
        ...each("Decrypt", "token key of this workflow", "token key of another workflow"),
        ...each("SendTaskSuccess", "any task token"),
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

  test("people", () => {
    expect(sorted(row("people", "Requester"))).toEqual(sorted([...STACKS, ...each("Invoke", "route of runs")]));
    expect(sorted(row("people", "Approver"))).toEqual(
      sorted([
        ...STACKS,
        ...READ_APPROVALS,
        ...each("GetItem Query", "index of approvals", "approvals without a partition"),
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
          ...EFFECTS,
          "effects of another workflow",
        ),
        ...each("GetItem", ...brakes),
        ...EXECUTIONS,
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
        ...each("GetObject", "vault of this workflow", "vault of another workflow"),
        ...each("ListBucket", "vault bucket"),
        ...each("Decrypt", "vault key through S3"),
      ]),
    );
  });
});

/** Again as the design says it, so that a wider line above does not widen the promise. */
describe("and may never", () => {
  const READS = /^(?:Get|BatchGet|Query|Scan|Describe|List|PartiQLSelect|Filter)/;
  const never = (rows: readonly (readonly string[])[], ...patterns: RegExp[]) => {
    expect(rows.length).toBeGreaterThan(0);
    for (const line of rows.flat()) for (const pattern of patterns) expect(line).not.toMatch(pattern);
  };
  const ANY_LOG = /(?:log of|index of the log|log without)/;
  const LOG_WRITE = /^(?!Get|Query|Describe)\S+ (?:log of|index of the log|log without)/;
  const SECRET = / secret /;
  const TOOL = / tool-/;
  const MODEL = / (?:another )?model$/;

  test("propose: write or read the log, call a tool, ask Verified Permissions, see a tool's secret", () =>
    never(all("propose"), ANY_LOG, TOOL, /InvokeFunction/, / policy store/, SECRET, /approv|request|decision/));
  test("a log writer: call a model or a tool, hold a secret, update or delete in the log", () =>
    never(
      all("log-writer"),
      MODEL,
      TOOL,
      SECRET,
      /^(?:Put|Update|Delete|BatchWrite|PartiQLUpdate|PartiQLDelete)\S* (?:log of|log without|index of the log)/,
    ));
  test("a tool: anything of another tool, write the log, call anything else", () => {
    never(
      all("tool"),
      LOG_WRITE,
      /InvokeFunction/,
      MODEL,
      / policy store/,
      /^\S+ (?:request|decision|link|challenge|budgets|context|vault|machine|execution)/,
    );
    for (const allowed of all("tool"))
      expect(
        new Set(
          allowed
            .filter((line) => /(?:effects of| secret )/.test(line))
            .map((line) => line.slice(line.indexOf(" ") + 1)),
        ).size,
      ).toBe(2);
  });
  test("a preview: the log, the ledger, the permit, other functions", () =>
    never(all("preview"), ANY_LOG, / effects /, / brake /, /InvokeFunction/, MODEL));
  test("request-approval and the desk: the log, tools, models, secrets; overwrite a request or a decision", () =>
    never(
      [...all("approval-request"), ...all("approval-desk")],
      ANY_LOG,
      TOOL,
      /InvokeFunction/,
      MODEL,
      SECRET,
      /^(?:Put|Update|Delete|BatchWrite|PartiQLUpdate|PartiQLDelete)\S* (?:request|decision|link)/,
    ));
  test("the state machine: anything but invoke", () => never(all("machine"), /^(?!InvokeFunction )/));
  test("people: write, but for an operator's brake and stop and a requester's runs", () => {
    const written = all("people")
      .flat()
      .filter((line) => !READS.test(line))
      .sort();
    expect(written).toEqual(
      sorted([
        "Decrypt vault key through S3",
        "Invoke route of runs",
        "StopExecution execution",
        ...each("PutItem UpdateItem", "brake of this workflow", "brake of another workflow"),
      ]),
    );
  });
  test("anyone but admit starts runs, anyone but the desk answers task tokens, anyone but log writers inserts into the log", () => {
    const holders = (line: string) =>
      [...may].filter(([, allowed]) => allowed.includes(line)).map(([name]) => name.split("/")[0]);
    expect(holders("StartExecution machine")).toEqual(["log-writer"]);
    expect(holders("SendTaskSuccess any task token")).toEqual(["approval-desk"]);
    expect(holders(`PartiQLInsert ${LOG}`)).toEqual(["log-writer", "log-writer", "log-writer"]);
    expect(holders("InvokeFunction tool-stripe-refund")).toEqual(["machine"]);
  });
});
