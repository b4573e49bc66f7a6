import { beforeAll, describe, expect, it } from "vitest";
import {
  actionsOn,
  flat,
  functions,
  grants,
  leadingKeys,
  type Statement,
  synthFixture,
  type Template,
} from "./harness.js";

let plane: Template;
let workflow: Template;
let zone: ReturnType<typeof functions>;
beforeAll(async () => {
  ({ plane, workflow } = await synthFixture());
  zone = functions(workflow, "countersign-dev-parcel-claim");
});

const of = (name: string) => {
  const found = zone.get(name);
  if (found === undefined) throw new Error(`no function ${name}; there are ${[...zone.keys()].join(", ")}`);
  return found;
};
const may = (name: string, target: string) => actionsOn(of(name).statements, target);
const everyone = () => [...grants(workflow), ...grants(plane)];
/** services a role may use, besides its own log group */
const services = (statements: readonly Statement[]) =>
  [...new Set(statements.flatMap(({ Action }) => Action.map((action) => action.split(":")[0] ?? "")))]
    .filter((service) => service !== "logs")
    .sort();

describe("functions", () => {
  it("are one per zone, tool and preview, each with a role of its own", () => {
    expect([...zone.keys()].sort()).toEqual([
      "admit",
      "close-run",
      "decide",
      "preview-carrier-compensate",
      "propose",
      "request-approval",
      "tool-carrier-compensate",
      "tool-carrier-track",
    ]);
    expect(new Set([...zone.values()].map(({ role }) => role)).size).toBe(zone.size);
  });

  it("write into their own log group alone", () => {
    for (const { statements } of zone.values()) {
      const [own, ...more] = statements.filter(({ Action }) => Action.some((action) => action.startsWith("logs:")));
      expect(more).toEqual([]);
      expect(own).toMatchObject({
        Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
        Resource: [expect.stringMatching(/^<\w+Logs\w+\.Arn>$/)],
      });
    }
  });

  it("wait for tools a little longer than the contract allows", () => {
    expect(of("tool-carrier-compensate").Timeout).toBe(30);
    expect(of("preview-carrier-compensate").Timeout).toBe(30);
  });
});

describe("log writers", () => {
  it("are exactly admit, decide and close-run, by role path", () => {
    const writers = [...zone].filter(([, { path }]) => path === "/countersign/dev/log-writer/").map(([name]) => name);
    expect(writers.sort()).toEqual(["admit", "close-run", "decide"]);
    for (const { Properties } of Object.values(plane.Resources))
      expect(Properties.Path).not.toBe("/countersign/dev/log-writer/");
  });

  it("hold PartiQLInsert as their only write on the log, on their workflow's runs", () => {
    for (const name of ["admit", "decide", "close-run"]) {
      expect(may(name, "RunLogTable")).toEqual(["dynamodb:PartiQLInsert", "dynamodb:Query"]);
      const [statement] = of(name).statements.filter(({ Resource }) =>
        Resource.some((each) => each.includes("RunLogTable")),
      );
      expect(statement?.Condition).toEqual({
        "ForAllValues:StringLike": { "dynamodb:LeadingKeys": ["parcel-claim#*"] },
        Null: { "dynamodb:LeadingKeys": "false" },
      });
    }
  });

  it("nobody else may write the log", () => {
    const writers = new Set(["admit", "decide", "close-run"].map((name) => of(name).role));
    for (const [role, statements] of everyone()) {
      if (writers.has(role)) continue;
      const actions = [...actionsOn(statements, "RunLogTable"), ...actionsOn(statements, "RunLog")];
      const reads = /^dynamodb:(GetItem|Query|DescribeStream|GetRecords|GetShardIterator)$/;
      expect(actions.filter((action) => !reads.test(action))).toEqual([]);
    }
  });
});

describe("what only one may", () => {
  const holders = (action: RegExp) =>
    everyone().flatMap(([role, statements]) =>
      statements.some(({ Effect, Action }) => Effect === "Allow" && Action.some((each) => action.test(each)))
        ? [role]
        : [],
    );

  it("only admit starts executions, of this machine", () => {
    expect(holders(/^states:Start|^states:\*|^\*/)).toEqual([of("admit").role]);
    expect(may("admit", ":stateMachine:countersign-dev-parcel-claim")).toEqual(["states:StartExecution"]);
  });

  it("only the sender answers task tokens", () => {
    const sender = functions(plane, "countersign-dev").get("approval-sender");
    expect(holders(/^states:SendTask/)).toEqual([sender?.role]);
  });

  it("only the proposer calls the model, and only the contract's", () => {
    expect(holders(/^bedrock:/)).toEqual([of("propose").role]);
    expect(may("propose", "foundation-model/anthropic.claude-sonnet-4-5-20250929-v1:0")).toEqual([
      "bedrock:InvokeModel",
    ]);
  });

  it("only the gate asks Verified Permissions, of this workflow's store", () => {
    expect(holders(/^verifiedpermissions:/)).toEqual([of("decide").role]);
    expect(may("decide", "PolicyStore")).toEqual(["verifiedpermissions:GetPolicy", "verifiedpermissions:IsAuthorized"]);
  });

  it("request-approval seals task tokens, the sender opens them", () => {
    expect(may("request-approval", "TokenKeyArn")).toEqual(["kms:Encrypt"]);
    const at = (name: string) => functions(plane, "countersign-dev").get(name)?.statements ?? [];
    expect(actionsOn(at("approval-sender"), "<TokenKey")).toEqual(["kms:Decrypt"]);
    expect(actionsOn(at("approval-desk"), "<TokenKey")).toEqual([]);
  });

  it("the machine invokes its functions, and no preview, admit or close-run", () => {
    const invokers = holders(/^lambda:/);
    // The third is the clock of reminders, in the control plane: it calls the sender.
    expect(invokers).toHaveLength(3);
    const machine = invokers.find((role) => role !== of("decide").role && role in workflow.Resources) ?? "";
    const clock = invokers.find((role) => role in plane.Resources) ?? "";
    expect(
      grants(plane)
        .get(clock)
        ?.map(({ Action, Resource }) => [Action, Resource]),
    ).toEqual([[["lambda:InvokeFunction"], [expect.stringMatching(/:function:countersign-dev-approval-sender$/)]]]);
    const statements = grants(workflow).get(machine) ?? [];
    expect(statements).toHaveLength(1);
    expect(statements[0]?.Action).toEqual(["lambda:InvokeFunction"]);
    expect(statements[0]?.Resource.map((arn) => arn.replace(/<Workflow(\w+)Function\w+\.Arn>/, "$1"))).toEqual([
      "Propose",
      "Decide",
      "RequestApproval",
      "ToolCarrierTrack",
      "ToolCarrierCompensate",
    ]);
    expect(workflow.Resources[machine]?.Properties.Path).toBe("/countersign/dev/machine/");
  });
});

describe("propose", () => {
  it("reads its contexts and calls the model, nothing else", () => {
    expect(services(of("propose").statements)).toEqual(["bedrock", "kms", "s3"]);
    expect(may("propose", "ContextBucketArn>/context/parcel-claim/*")).toEqual(["s3:GetObject"]);
    expect(may("propose", "DataKeyArn")).toEqual(["kms:Decrypt"]);
    expect(Object.keys(of("propose").Environment.Variables).sort()).toEqual(["CONTEXT_BUCKET", "STAGE", "WORKFLOW"]);
  });
});

describe("tools", () => {
  it("read permit and brake, and write their own effects", () => {
    for (const tool of ["carrier.track", "carrier.compensate"]) {
      const name = `tool-${tool.replace(".", "-")}`;
      expect(may(name, "RunLogTable")).toEqual(["dynamodb:Query"]);
      expect(may(name, "ControlTable")).toEqual(["dynamodb:GetItem"]);
      expect(may(name, "EffectsTable")).toEqual(["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]);
      const keys = Object.fromEntries(
        of(name).statements.flatMap((each) => (leadingKeys(each) === undefined ? [] : [[each.Sid, leadingKeys(each)]])),
      );
      expect(may(name, "ContextBucket")).toEqual(["s3:GetObject"]);
      expect(may(name, `ContextBucketArn>/call/parcel-claim/${tool}/*`)).toEqual(["s3:GetObject"]);
      expect(may(name, "DataKeyArn")).toEqual(["kms:Decrypt"]);
      expect(keys).toEqual({
        ReadLog: ["parcel-claim#*"],
        ReadBrake: ["brake#parcel-claim"],
        ClaimEffects: [`parcel-claim#${tool}#*`],
      });
    }
  });

  it("have their own secrets and their contract's actions, and not each other's", () => {
    expect(may("tool-carrier-track", "secret:countersign/dev/carrier-key-??????")).toEqual([
      "secretsmanager:GetSecretValue",
    ]);
    expect(may("tool-carrier-track", "bank-key")).toEqual([]);
    expect(may("tool-carrier-compensate", "carrier-key")).toEqual([]);
    expect(may("tool-carrier-compensate", "table/claims")).toEqual(["dynamodb:GetItem", "dynamodb:PutItem"]);
    expect(may("tool-carrier-track", "table/claims")).toEqual([]);
  });

  it("a preview has the secrets and only the actions that look", () => {
    expect(may("preview-carrier-compensate", "bank-key")).toEqual(["secretsmanager:GetSecretValue"]);
    expect(may("preview-carrier-compensate", "table/claims")).toEqual(["dynamodb:GetItem"]);
    expect(services(of("preview-carrier-compensate").statements)).toEqual(["dynamodb", "secretsmanager"]);
    expect(may("preview-carrier-compensate", "Table")).toEqual([]);
  });
});

describe("gate, admission and close-run", () => {
  it("the gate reads answers and effects, ends questions and says what became of them, and invokes previews alone", () => {
    expect(may("decide", "ApprovalsTable")).toEqual(["dynamodb:GetItem", "dynamodb:PartiQLInsert", "dynamodb:Query"]);
    const keysOf = (sid: string) =>
      of("decide")
        .statements.filter(({ Sid }) => Sid === sid)
        .flatMap(leadingKeys);
    expect(keysOf("ReadAnswers")).toEqual(["decision#parcel-claim#*", "act#parcel-claim#*", "told#parcel-claim#*"]);
    expect(keysOf("ReadClosings")).toEqual(["closing#parcel-claim#*"]);
    expect(keysOf("TellOutcomes")).toEqual(["closing#parcel-claim#*", "outcome#parcel-claim#*"]);
    expect(may("decide", "EffectsTable")).toEqual(["dynamodb:GetItem"]);
    expect(of("decide").statements.find(({ Sid }) => Sid === "InvokePreviews")?.Resource).toEqual([
      expect.stringMatching(/^<WorkflowPreviewCarrierCompensateFunction\w+\.Arn>$/),
    ]);
    expect(flat(of("decide").Environment.Variables.PREVIEW_FUNCTION_PREFIX)).toBe(
      "countersign-dev-parcel-claim-preview-",
    );
  });

  it.each([
    ["admit", ["dynamodb", "kms", "s3", "states"]],
    ["decide", ["dynamodb", "kms", "lambda", "s3", "verifiedpermissions"]],
    ["close-run", ["dynamodb", "kms", "s3", "states"]],
    ["request-approval", ["dynamodb", "iam", "kms", "scheduler", "ses"]],
  ])("%s uses %j and nothing else", (name, expected) => {
    expect(services(of(name).statements)).toEqual(expected);
  });

  it("keep budgets, contexts and vault of their workflow alone", () => {
    for (const name of ["admit", "decide", "close-run"]) {
      const budgets = of(name).statements.find(({ Sid }) => Sid === "KeepBudgets");
      expect(budgets && leadingKeys(budgets)).toEqual(["parcel-claim#*"]);
      expect(may(name, "VaultBucketArn>/vault/parcel-claim/*")).toEqual(["s3:GetObject", "s3:PutObject"]);
    }
    expect(may("admit", "ContextBucketArn>/context/parcel-claim/*")).toEqual(["s3:GetObject", "s3:PutObject"]);
    expect(may("admit", "/call/")).toEqual([]);
    expect(may("decide", "ContextBucketArn>/call/parcel-claim/*")).toEqual(["s3:GetObject", "s3:PutObject"]);
    expect(may("decide", "ContextBucketArn>/view/parcel-claim/*")).toEqual(["s3:GetObject", "s3:PutObject"]);
    const desk = functions(plane, "countersign-dev").get("approval-desk");
    expect(actionsOn(desk?.statements ?? [], "BucketsContext")).toEqual(["s3:GetObject"]);
    expect(may("close-run", "ContextBucket")).toEqual([]);
    expect(may("close-run", "execution:countersign-dev-parcel-claim:*")).toEqual(["states:DescribeExecution"]);
  });
});

describe("approval zone", () => {
  it("request-approval adds requests and links of its workflow, and mails as the stage's sender", () => {
    const { statements } = of("request-approval");
    const insert = statements.find(({ Action }) => Action.includes("dynamodb:PartiQLInsert"));
    expect(insert && leadingKeys(insert)).toEqual(["request#parcel-claim#*", "link#*"]);
    expect(actionsOn(statements, "ApprovalsTable")).toEqual(["dynamodb:PartiQLInsert", "dynamodb:Query"]);
    expect(statements.find(({ Sid }) => Sid === "SendMail")).toMatchObject({
      Action: ["ses:SendEmail"],
      Condition: { StringEquals: { "ses:FromAddress": "countersign@example.com" } },
    });
    expect(statements.find(({ Sid }) => Sid === "SealTokens")?.Condition).toEqual({
      StringEquals: { "kms:EncryptionContext:workflow": "parcel-claim" },
    });
  });

  it("the desk adds decisions, counts tries, and has no log, tool or model", () => {
    const statements = functions(plane, "countersign-dev").get("approval-desk")?.statements ?? [];
    const keysOf = (sid: string) =>
      statements.filter(({ Sid }) => Sid === sid).map((each) => [each.Action, leadingKeys(each)]);
    expect(keysOf("AddDecisions")).toEqual([[["dynamodb:PartiQLInsert"], ["decision#*", "act#*", "closing#*"]]]);
    expect(keysOf("CountTries")).toEqual([[["dynamodb:UpdateItem"], ["challenge#*"]]]);
    expect(actionsOn(statements, "RunLog")).toEqual([]);
    expect(services(statements)).toEqual(["dynamodb", "kms", "s3"]);
  });

  it("the sender adds what it sent, ends questions, and has no log, tool or model", () => {
    const statements = functions(plane, "countersign-dev").get("approval-sender")?.statements ?? [];
    const keysOf = (sid: string) => statements.filter(({ Sid }) => Sid === sid).flatMap(leadingKeys);
    expect(keysOf("AddSent")).toEqual(["request#*#*", "link#*", "told#*", "closing#*"]);
    expect(actionsOn(statements, "RunLog")).toEqual([]);
    expect(services(statements)).toEqual(["dynamodb", "kms", "ses", "states"]);
  });
});

describe("every table grant", () => {
  it("names partitions, and a request without partitions does not count as one", () => {
    for (const { statements } of zone.values()) {
      for (const each of statements.filter(
        ({ Sid, Action }) => Sid !== "Contract0" && Action.some((name) => name.startsWith("dynamodb:")),
      )) {
        expect(leadingKeys(each)).toBeInstanceOf(Array);
        expect(each.Condition?.Null).toEqual({ "dynamodb:LeadingKeys": "false" });
      }
    }
  });
});
