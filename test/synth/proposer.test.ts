import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Agent } from "../../lib/contract/model.js";
import { FIXTURES, functions, ofType, synthFixture } from "./harness.js";

async function proposer(agent: Agent) {
  const { plane, workflow } = await synthFixture("dev", (contract) => ({ ...contract, agent }));
  const found = functions(workflow, "countersign-dev-parcel-claim").get("propose");
  if (found === undefined) throw new Error("no proposer");
  const own = found.statements.filter(({ Sid }) => !["WriteOwnLogs", "ReadContext", "OpenContext"].includes(Sid ?? ""));
  return { plane, environment: Object.keys(found.Environment.Variables).sort(), timeout: found.Timeout, own };
}
const bedrock = (model: string): Agent => ({
  kind: "bedrock",
  model,
  instructions: join(FIXTURES, "workflows/parcel-claim/instructions.md"),
  maxTokens: 1000,
  temperature: 0,
  price: { inputPerMillionUsd: 3, outputPerMillionUsd: 15 },
});

describe("the proposer", () => {
  it("with a fixed plan calls no model and has no secret", async () => {
    const { own, environment } = await proposer({ kind: "plan", steps: [], outcome: "settled" });
    expect(own).toEqual([]);
    expect(environment).toEqual(["CONTEXT_BUCKET", "STAGE", "WORKFLOW"]);
  });

  it("with the team's own agent reads that agent's secrets, which the control plane holds", async () => {
    const handler = join(FIXTURES, "workflows/parcel-claim/agent.ts");
    const { own, environment, timeout, plane } = await proposer({
      kind: "lambda",
      handler,
      secrets: ["agent-key"],
      hosts: ["api.example.com"],
      timeoutMs: 45_000,
    });
    expect(own).toMatchObject([
      {
        Action: ["secretsmanager:GetSecretValue"],
        Resource: [expect.stringMatching(/:secret:countersign\/dev\/agent-key-\?{6}$/)],
      },
    ]);
    expect(environment).toEqual(["CONTEXT_BUCKET", "SECRET_PREFIX", "STAGE", "WORKFLOW"]);
    expect(timeout).toBe(55);
    const names = ofType(plane, "AWS::SecretsManager::Secret").map(([, { Properties }]) => Properties.Name);
    expect(names).toContain("countersign/dev/agent-key");
  });

  it.each([
    ["anthropic.claude-x", [":bedrock:<AWS::Region>::foundation-model/anthropic.claude-x"]],
    [
      "eu.anthropic.claude-x",
      [
        ":bedrock:<AWS::Region>:<AWS::AccountId>:inference-profile/eu.anthropic.claude-x",
        ":bedrock:*::foundation-model/anthropic.claude-x",
      ],
    ],
  ])("with model %s may invoke it alone", async (model, resources) => {
    const { own } = await proposer(bedrock(model));
    expect(own).toMatchObject([
      { Action: ["bedrock:InvokeModel"], Resource: resources.map((name) => `arn:<AWS::Partition>${name}`) },
    ]);
  });

  it("with an application profile's ARN may invoke that profile, and models through it alone", async () => {
    const arn = "arn:aws:bedrock:eu-central-1:111111111111:application-inference-profile/abc";
    expect((await proposer(bedrock(arn))).own).toMatchObject([
      { Resource: [arn] },
      {
        Resource: ["arn:<AWS::Partition>:bedrock:*::foundation-model/*"],
        Condition: { StringEquals: { "bedrock:InferenceProfileArn": arn } },
      },
    ]);
  });
});
