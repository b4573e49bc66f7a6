/** A tool's function on the embedded tables, with a permit, what the gate put out, and a time of its own. */
import { afterAll, beforeAll, beforeEach, expect, vi } from "vitest";
import type { Handle } from "../../lambdas/tool/attempt.js";
import { createHandler } from "../../lambdas/tool/serve.js";
import { dynamoControl } from "../../lib/aws/control.js";
import { dynamoEffects } from "../../lib/aws/effects.js";
import { dynamoRunLog } from "../../lib/aws/run-log.js";
import type { Tool, ToolContext } from "../../lib/contract/model.js";
import { hashJson } from "../../lib/run/canonical.js";
import type { NewEvent } from "../../lib/run/events.js";
import type { RunRef } from "../../lib/run/keys.js";
import type { Action, PutOutCall } from "../../lib/run/protocol.js";
import { redactWithNonces } from "../../lib/run/redact.js";
import { openAnswer } from "../../lib/run/sealing.js";
import { withheldAction } from "../../lib/run/withheld.js";
import { newRun, startStage, type TestStage } from "../aws/cloud.js";
import { chain } from "../contract-suites/run-log.js";
import { hex, NOON, refund } from "../run/support.js";

export const ARGS = { charge_id: "ch_77", amount_cents: 42_000, memo: "for Jo Doe" };
export const NONCES = { memo: "d".repeat(64) };
export const ARGS_HASH = hashJson(redactWithNonces(ARGS, refund.sensitiveInput, NONCES));

export let stage: TestStage;
export let run: RunRef;
/** each time the tool's own code ran */
export let calls: ToolContext[];
/** the time, and what the gate put out last */
export const lab: { nowMs: number; putOut: PutOutCall | undefined } = { nowMs: NOON, putOut: undefined };
export const KEY = Buffer.alloc(32, 9).toString("base64");

/** In each file that tests a tool's function: tables for the file, and a run, a time and no call yet for each test. */
export function useTool(): void {
  beforeAll(async () => {
    stage = await startStage();
    vi.spyOn(console, "log").mockImplementation(() => {});
  });
  afterAll(() => stage.close());
  beforeEach(() => {
    anotherRun();
    lab.nowMs = NOON;
    calls = [];
  });
}
export function anotherRun(): void {
  run = newRun();
}

export const succeeds: Handle = async () => ({ refund_id: "re_1" });
export function functionOf(tool: Tool = refund, handle: Handle = succeeds) {
  const handler = createHandler({
    workflow: run.workflow,
    tool,
    handle: async (input, context) => {
      calls.push(context);
      return handle(input, context);
    },
    calls: { read: async () => lab.putOut },
    log: dynamoRunLog(stage.table("log")),
    control: dynamoControl(stage.table("control")),
    effects: dynamoEffects(stage.table("effects")),
    secret: async (name) => `value of ${name}`,
    local: undefined,
    nowMs: () => lab.nowMs,
  });
  return async (event: unknown) => {
    const answer = await handler(event);
    // what travels and lies in the ledger says how it ended and no more
    expect(answer.output).toBeUndefined();
    expect(answer.error?.message ?? "").toBe("");
    return openAnswer({ key: Buffer.from(KEY, "base64"), runId: run.runId, turn: 4 }, answer);
  };
}
export const effectOf = (tool: Tool = refund) =>
  dynamoEffects(stage.table("effects")).read({ run, tool: tool.name, turn: 4 });

export const permit = (over: Record<string, unknown> = {}): NewEvent => ({
  type: "ActionPermitted",
  data: {
    turn: 4,
    tool: refund.name,
    args_hash: ARGS_HASH,
    action_hash: hex("action"),
    idempotency_key: "cs_key",
    not_after: "2026-11-21T12:15:00.000Z",
    ...over,
  },
});
export const closed: NewEvent = {
  type: "RunClosed",
  data: {
    outcome: { status: "stopped", reason: "x" },
    closed_by: "close-run",
    turns: 4,
    tool_calls: 0,
    spent_micro_usd: 0,
  },
};
export async function write(...events: NewEvent[]): Promise<void> {
  await dynamoRunLog(stage.table("log")).append(chain(run, undefined, events, "4.proposal"));
}
/** Puts the action out as the gate does, and asks for it as the state machine does. */
export function request({ action = { tool: refund.name, args: ARGS, nonces: NONCES }, ...over }: Asked = {}) {
  lab.putOut = { v: 1, args: action.args, nonces: action.nonces, key: KEY };
  return {
    run_id: run.runId,
    tenant: run.tenant,
    turn: 4,
    action: withheldAction({ ...action, nonces: Object.hasOwn(action.nonces, "charge_id") ? {} : action.nonces }),
    permit_seq: 1,
    ...over,
  };
}
export type Asked = Readonly<Record<string, unknown>> & { readonly action?: Action };
