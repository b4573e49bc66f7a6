import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from "@aws-sdk/client-sfn";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { RunRef } from "../../lib/run/keys.js";
import { of } from "../../lib/scenario/compare.js";
import { FINISH, Flow, LOOKUP, REFUND } from "../support/flow.js";

let flow: Flow;
beforeAll(async () => {
  flow = await Flow.shared();
});
beforeEach(() => flow.begin([LOOKUP, REFUND, FINISH]));

const NONE = { refunds: [] };

/** Invokes the refund function as the state machine's own role does: nobody else may. */
async function invokeRefund(run: RunRef, over: Record<string, unknown>): Promise<{ failed: boolean; answer: string }> {
  const client = new LambdaClient(flow.as(flow.roleOf("/machine/")));
  const payload = {
    run_id: run.runId,
    tenant: run.tenant,
    turn: 2,
    action: { tool: REFUND.tool, args: REFUND.args, nonces: {} },
    permit_seq: 1,
    ...over,
  };
  const { FunctionError, Payload } = await client.send(
    new InvokeCommand({
      FunctionName: "countersign-dev-billing-dispute-tool-stripe-refund",
      Payload: JSON.stringify(payload),
    }),
  );
  return { failed: FunctionError !== undefined, answer: Buffer.from(Payload ?? []).toString() };
}

describe("a tool acts on a permit in the log and on nothing else", () => {
  test("invoked directly without a permit it does nothing and says why", async () => {
    const run = await flow.start();
    await flow.asked(run);
    for (const permit_seq of [1, 2, 5, 9999]) {
      const { failed, answer } = await invokeRefund(run, { permit_seq });
      expect(failed, answer).toBe(true);
      expect(answer).toMatch(/permit/);
    }
    expect(flow.refunds()).toEqual(NONE);
  });

  test("a permit for other arguments, another tool's permit and another run's permit are refused", async () => {
    const run = await flow.start();
    const events = await flow.asked(run);
    const lookupPermit = of(events, "ActionPermitted")[0]?.seq ?? 0;
    expect(lookupPermit).toBeGreaterThan(0);
    const attempts = [
      { permit_seq: lookupPermit, turn: 1 },
      { permit_seq: lookupPermit, turn: 2 },
      { run_id: "bd-other", permit_seq: lookupPermit },
      { permit_seq: lookupPermit, action: { tool: "stripe.lookup_charge", args: LOOKUP.args, nonces: {} }, turn: 1 },
    ];
    for (const attempt of attempts) {
      const { failed, answer } = await invokeRefund(run, attempt);
      expect(failed, answer).toBe(true);
    }
    expect(flow.refunds()).toEqual(NONE);
  });

  test("a used permit does not act again, whatever the amount it is given", async () => {
    const run = await flow.start();
    await flow.asked(run);
    await flow.decide("ana@example.com", { decision: "approve", confirmation: "420.00" });
    const events = await flow.play(run);
    const permit = of(events, "ActionPermitted").find((event) => event.data.tool === "stripe.refund");
    expect(flow.refunds()).toMatchObject({ refunds: [{ amount: 42_000 }] });
    for (const amount_cents of [42_000, 1]) {
      const { failed, answer } = await invokeRefund(run, {
        permit_seq: permit?.seq,
        action: { tool: REFUND.tool, args: { ...REFUND.args, amount_cents }, nonces: {} },
      });
      expect(failed, answer).toBe(true);
    }
    expect(flow.refunds()).toEqual({ refunds: [{ charge: "ch_77", amount: 42_000, reason: "duplicate" }] });
  });

  test("after stop nothing is admitted, decided or run; resume lifts it", async () => {
    const run = await flow.start();
    await flow.asked(run);
    await flow.brake(true);
    const { failed, answer } = await invokeRefund(run, {});
    expect(failed, answer).toBe(true);
    expect(answer).toMatch(/stopped|brake/);
    await expect(flow.start({ ...DISPUTE_2 })).rejects.toMatchObject({ details: { status: 423 } });
    await flow.brake(false);
    await expect(flow.start({ ...DISPUTE_2 })).resolves.toMatchObject({ tenant: "acme" });
    expect(flow.refunds()).toEqual(NONE);
  });
});

const DISPUTE_2 = {
  dispute_id: "dp_119",
  charge_id: "ch_77",
  customer_id: "cus_9",
  ticket_id: "4411",
  opened_at: "2026-05-01T09:00:00Z",
  claim: "again",
};

test("an execution started around admit does nothing: no model call, no record, no effect", async () => {
  const { StateMachineArn } = await flow.connection.workflow("billing-dispute");
  const client = new SFNClient(flow.as(flow.roleOf("/log-writer/", "admit")));
  const { executionArn } = await client.send(
    new StartExecutionCommand({
      stateMachineArn: StateMachineArn,
      name: "rogue",
      input: JSON.stringify({ tenant: "acme", turn: 1 }),
    }),
  );
  await flow.clock.settled();

  const operator = new SFNClient(flow.connection.client("operator"));
  const described = await operator.send(new DescribeExecutionCommand({ executionArn }));
  expect(described).toMatchObject({ status: "FAILED", error: "NotAdmitted" });
  expect(await flow.reader.events({ workflow: "billing-dispute", tenant: "acme", runId: "rogue" })).toEqual([]);
  expect(flow.refunds()).toEqual(NONE);
});

test("nobody but admit may start an execution, and nobody but the machine may invoke a tool", async () => {
  const { StateMachineArn } = await flow.connection.workflow("billing-dispute");
  for (const { arn } of flow.session.cloud.roles.list()) {
    const start = new SFNClient(flow.as(arn)).send(
      new StartExecutionCommand({
        stateMachineArn: StateMachineArn,
        name: `by-${arn.length}-${Date.now()}`,
        input: "{}",
      }),
    );
    const invoke = new LambdaClient(flow.as(arn)).send(
      new InvokeCommand({ FunctionName: "countersign-dev-billing-dispute-tool-stripe-refund", Payload: "{}" }),
    );
    if (arn !== flow.roleOf("/log-writer/", "admit"))
      await expect(start, arn).rejects.toMatchObject({ name: "AccessDeniedException" });
    else await start;
    if (!arn.includes("/machine/")) await expect(invoke, arn).rejects.toMatchObject({ name: "AccessDeniedException" });
    else await invoke;
  }
}, 120_000);
