import { SFNClient } from "@aws-sdk/client-sfn";
import { beforeAll, expect, test } from "vitest";
import { executionHistory, statesEntered } from "../../lib/client/history.js";
import { of } from "../../lib/scenario/compare.js";
import { Flow } from "../support/flow.js";

let flow: Flow;
beforeAll(async () => {
  flow = await Flow.shared();
});

const TURNS = [
  { tool: "stripe.lookup_charge", args: { charge_id: "ch_77" } },
  { tool: "zendesk.get_ticket", args: { ticket_id: "4411" } },
  { tool: "stripe.list_refunds", args: { customer_id: "cus_9" } },
  { tool: "stripe.refund", args: { charge_id: "ch_77", amount_cents: 42_000, reason: "duplicate" } },
  {
    tool: "zendesk.reply",
    args: { ticket_id: "4411", template: "refund-confirmed", amount_cents: 42_000 },
    confidence: 95,
  },
  { finish: { outcome: "refunded" } },
];

test("6 model turns, 5 tool calls and 1 approval enter at most 28 states, and the task token is nowhere to be read", async () => {
  await flow.begin(TURNS);
  const run = await flow.start();
  await flow.asked(run);
  await flow.decide("ana@example.com", { decision: "approve", confirmation: "420.00" });
  const events = await flow.play(run);

  expect(events.at(-1)).toMatchObject({ type: "RunClosed", data: { outcome: { status: "refunded" }, tool_calls: 5 } });
  expect(of(events, "ToolReturned").map((event) => event.data.status)).toEqual(["ok", "ok", "ok", "ok", "ok"]);
  const { StateMachineArn } = await flow.connection.workflow("billing-dispute");
  const history = await executionHistory(new SFNClient(flow.connection.client("operator")), StateMachineArn, run.runId);
  expect(statesEntered(history)).toBeLessThanOrEqual(28);
  expect(history.at(-1)?.type).toBe("ExecutionSucceeded");
  // One approval costs one state beyond the re-decision, and there one call of its function.
  const entered = history.flatMap(({ stateEnteredEventDetails: state }) =>
    state?.name === undefined ? [] : [state.name],
  );
  const named = (name: string) => entered.filter((one) => one.startsWith(name));
  expect([named("AwaitApproval").length, named("ProposeAction").length, named("DecideAction").length]).toEqual([
    1, 6, 7,
  ]);
  const at = history.findIndex(({ stateEnteredEventDetails: state }) => state?.name?.startsWith("AwaitApproval"));
  const left = history.findIndex(({ stateExitedEventDetails: state }) => state?.name?.startsWith("AwaitApproval"));
  expect(history.slice(at, left).filter(({ type }) => type === "TaskScheduled")).toHaveLength(1);
  expect(JSON.stringify(history)).not.toMatch(/task_token\\*"\s*:\s*\\*"[^…]/);
  expect(flow.refunds()).toEqual({ refunds: [{ charge: "ch_77", amount: 42_000, reason: "duplicate" }] });
});
