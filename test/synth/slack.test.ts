import { beforeAll, describe, expect, it } from "vitest";
import { secretNames } from "../../lib/constructs/secrets.js";
import { actionsOn, functions, leadingKeys, ofType, synthFixture, type Template } from "./harness.js";

let off: Awaited<ReturnType<typeof synthFixture>>;
let on: typeof off;
beforeAll(async () => {
  off = await synthFixture();
  on = await synthFixture("dev", undefined, { slack: "on" });
});
const named = (from: Template, type: string, name: string) =>
  ofType(from, type).filter(([, { Properties }]) => JSON.stringify(Properties).includes(name));
const slack = () => {
  const found = functions(on.plane, "countersign-dev").get("approval-slack");
  if (found === undefined) throw new Error("no function approval-slack");
  return found;
};

describe("a stage without Slack", () => {
  it("has no function, no route, no secret, and nobody who may read one", () => {
    expect(JSON.stringify([off.plane, off.workflow])).not.toMatch(/slack/i);
  });
});

describe("a stage with Slack", () => {
  it("has two secrets that a person fills, and one route for what Slack signed", () => {
    for (const name of ["slack-signing-secret", "slack-bot-token"]) {
      const [secret, ...more] = named(on.plane, "AWS::SecretsManager::Secret", `countersign/dev/${name}`);
      expect(more).toEqual([]);
      expect(Object.keys(secret?.[1].Properties ?? {})).not.toContain("SecretString");
    }
    expect(
      named(on.plane, "AWS::ApiGatewayV2::Route", "slack").map(([, { Properties }]) => Properties.RouteKey),
    ).toEqual(["POST /slack/interactions"]);
  });

  it("its function decides, and has no link, code, task token, mail, log or tool", () => {
    const { statements, path } = slack();
    expect(path).toBe("/countersign/dev/approval-slack/");
    const keysOf = (sid: string) =>
      statements.filter(({ Sid }) => Sid === sid).map((each) => [each.Action, leadingKeys(each)]);
    expect(keysOf("ReadApprovals")).toEqual([
      [
        ["dynamodb:GetItem", "dynamodb:Query"],
        ["request#*", "decision#*", "act#*", "closing#*", "outcome#*", "receipt#*"].map((key) =>
          key === "request#*" ? "request#*#*" : key,
        ),
      ],
    ]);
    expect(keysOf("AddDecisions")).toEqual([
      [["dynamodb:PartiQLInsert"], ["decision#*", "act#*", "closing#*", "receipt#*"]],
    ]);
    const services = new Set(statements.flatMap(({ Action }) => Action.map((action) => action.split(":")[0])));
    expect([...services].sort()).toEqual(["dynamodb", "logs", "secretsmanager"]);
    expect(
      statements.find(({ Sid }) => Sid === "ReadOwnSecrets")?.Resource.map((arn) => arn.split(":secret:")[1]),
    ).toEqual(["countersign/dev/slack-signing-secret-??????", "countersign/dev/slack-bot-token-??????"]);
  });

  it("who asks writes as the bot and cannot sign as Slack; the page and the tools have neither secret", () => {
    const request = functions(on.workflow, "countersign-dev-parcel-claim");
    expect(actionsOn(request.get("request-approval")?.statements ?? [], "slack-bot-token")).toEqual([
      "secretsmanager:GetSecretValue",
    ]);
    const others = [...functions(on.plane, "countersign-dev"), ...request].filter(
      ([name]) => !["approval-slack", "approval-sender", "request-approval"].includes(name),
    );
    expect(others.length).toBeGreaterThan(5);
    for (const [, { statements }] of others) expect(actionsOn(statements, "secret:countersign/dev/slack")).toEqual([]);
    expect(actionsOn(request.get("request-approval")?.statements ?? [], "slack-signing-secret")).toEqual([]);
  });
});

it("a tool cannot name the stage's own secrets", async () => {
  const change = synthFixture("dev", (contract) => ({
    ...contract,
    tools: contract.tools.map((tool) => ({ ...tool, secrets: ["slack-bot-token"] })),
  }));
  await expect(change).rejects.toMatchObject({ code: "CS-1311" });
  expect(secretNames([])).toEqual([]);
});
