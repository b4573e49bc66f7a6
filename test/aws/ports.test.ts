import { DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { GetObjectCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import { marshall } from "@aws-sdk/util-dynamodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { dynamoApprovals } from "../../lib/aws/approvals.js";
import { dynamoBudgets } from "../../lib/aws/budgets.js";
import { s3CallStore } from "../../lib/aws/call-store.js";
import { s3ContextStore } from "../../lib/aws/context-store.js";
import { dynamoControl } from "../../lib/aws/control.js";
import { dynamoEffects } from "../../lib/aws/effects.js";
import { dynamoRunLog } from "../../lib/aws/run-log.js";
import { s3Vault } from "../../lib/aws/vault.js";
import { logKey } from "../../lib/run/keys.js";
import { approvalsSuite } from "../contract-suites/approvals.js";
import { budgetsSuite } from "../contract-suites/budgets.js";
import { effectsSuite } from "../contract-suites/effects.js";
import { callStoreSuite, contextStoreSuite, vaultSuite } from "../contract-suites/objects.js";
import { chain, runLogSuite } from "../contract-suites/run-log.js";
import { memoryApprovals } from "../support/memory-approvals.js";
import { newRun, startStage, type TestStage } from "./cloud.js";

let stage: TestStage;
beforeAll(async () => {
  stage = await startStage();
});
afterAll(() => stage.close());

runLogSuite(() => dynamoRunLog(stage.table("log")));
effectsSuite(() => dynamoEffects(stage.table("effects")));
budgetsSuite(() => dynamoBudgets(stage.table("budgets"), "billing-dispute"));
approvalsSuite(() => dynamoApprovals(stage.table("approvals")));
describe("in memory, for tests with thousands of answers", () => {
  const { approvals } = memoryApprovals();
  approvalsSuite(() => approvals);
});
callStoreSuite(() => s3CallStore(stage.bucket("context")));
contextStoreSuite(() => s3ContextStore(stage.bucket("context")));
vaultSuite(() => s3Vault(stage.bucket("vault")), everythingInVault);

async function everythingInVault(): Promise<string> {
  const { Contents = [] } = await stage.s3.send(new ListObjectsV2Command({ Bucket: "vault" }));
  const bodies = Contents.map(async ({ Key }) => {
    const { Body } = await stage.s3.send(new GetObjectCommand({ Bucket: "vault", Key }));
    return (await Body?.transformToString()) ?? "";
  });
  return (await Promise.all(bodies)).join("\n");
}

describe("an answer that is lost on its way, so that the SDK asks again", () => {
  /** A client that does the next call of this kind twice, and hears only the second answer. */
  function deaf(command: string): DynamoDBClient {
    const { region, credentials, endpoint } = stage.dynamo.config;
    const client = new DynamoDBClient({ region, credentials, ...(endpoint === undefined ? {} : { endpoint }) });
    let isLost = false;
    client.middlewareStack.add(
      (next, context) => async (args) => {
        const answer = await next(args);
        if (isLost || context.commandName !== command) return answer;
        isLost = true;
        throw Object.assign(new Error("read ECONNRESET"), { name: "TimeoutError", code: "ECONNRESET" });
      },
      { step: "deserialize", priority: "high" },
    );
    return client;
  }

  test("does not make a claim another's", async () => {
    const ref = { run: newRun(), tool: "stripe.refund", turn: 4 };
    const claim = {
      args_hash: "a".repeat(64),
      claimed_at: "2026-11-21T12:00:00.000Z",
      deadline: "2026-11-21T12:00:30.000Z",
    };
    const others = dynamoEffects(stage.table("effects"));
    expect(await dynamoEffects({ client: deaf("PutItemCommand"), table: "effects" }).claim(ref, claim)).toBe(true);
    expect(await others.claim(ref, claim)).toBe(false);
    const again = dynamoEffects({ client: deaf("UpdateItemCommand"), table: "effects" });
    expect(await again.reclaim(ref, 1, claim)).toBe(true);
    expect(await others.reclaim(ref, 1, claim)).toBe(false);
    expect(await others.read(ref)).toEqual({ ...claim, attempts: 2 });
  });
});

describe("the brake", () => {
  test("is off until it is set, and says who set it", async () => {
    const control = dynamoControl(stage.table("control"));
    expect(await control.readBrake("billing-dispute")).toBeUndefined();
    const set = { on: true, by: "arn:aws:iam::1:role/op", at: "2026-11-21T12:00:00.000Z", reason: "incident 7" };
    await control.writeBrake("billing-dispute", set);
    expect(await control.readBrake("billing-dispute")).toEqual(set);
    expect(await control.readBrake("other")).toBeUndefined();
    await control.writeBrake("billing-dispute", { ...set, on: false });
    expect((await control.readBrake("billing-dispute"))?.on).toBe(false);
  });
});

describe("rows that we did not write", () => {
  const row = (pk: string, sk: string, event: string) =>
    stage.dynamo.send(new PutItemCommand({ TableName: "log", Item: marshall({ pk, sk, event }) }));

  test("an event moved to another run, or no event at all, is not read", async () => {
    const log = dynamoRunLog(stage.table("log"));
    const theirs = newRun();
    const usage = {
      model: "m",
      prompt_tokens: 1,
      completion_tokens: 1,
      cost_micro_usd: 1,
      latency_ms: 1,
      context_hash: "a".repeat(64),
    };
    const [event] = chain(theirs, undefined, [
      { type: "FinishProposed", data: { turn: 1, outcome: "x", summary: null, ...usage } },
    ]);
    const moved = newRun();
    await row(logKey.pk(moved), logKey.sk(1), JSON.stringify(event));
    await expect(log.read(moved)).rejects.toMatchObject({ code: "CS-3402" });
    const broken = newRun();
    await row(logKey.pk(broken), logKey.sk(1), "{");
    await expect(log.read(broken)).rejects.toMatchObject({ code: "CS-3402" });
    const strange = newRun();
    await row(logKey.pk(strange), logKey.sk(1), JSON.stringify({ ...event, type: "Approved" }));
    await expect(log.read(strange)).rejects.toMatchObject({ code: "CS-3402" });
  });
});
