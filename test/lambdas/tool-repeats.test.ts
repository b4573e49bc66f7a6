import { afterEach, describe, expect, test } from "vitest";
import type { Handle } from "../../lambdas/tool/attempt.js";
import { createHandler } from "../../lambdas/tool/serve.js";
import { dynamoControl } from "../../lib/aws/control.js";
import { dynamoEffects } from "../../lib/aws/effects.js";
import { dynamoRunLog } from "../../lib/aws/run-log.js";
import type { Tool } from "../../lib/contract/model.js";
import { REPEAT_WITHIN_MS } from "../../lib/run/claim.js";
import { TOOL_ATTEMPTS } from "../../lib/run/protocol.js";
import { ToolError } from "../../lib/tool/errors.js";
import { chain } from "../contract-suites/run-log.js";
import { hex, refund } from "../run/support.js";
import {
  ARGS_HASH,
  calls,
  closed,
  effectOf,
  functionOf,
  lab,
  permit,
  request,
  run,
  stage,
  succeeds,
  useTool,
  write,
} from "./tool-lab.js";

useTool();

describe("repeats", () => {
  const busy =
    (effectPossible: boolean): Handle =>
    async () => {
      throw new ToolError("busy", "come back", { retryable: true, effectPossible });
    };
  const open = { args_hash: ARGS_HASH, claimed_at: "2026-11-21T11:50:00.000Z", deadline: "2026-11-21T11:50:35.000Z" };
  const leaveOpen = (deadline = open.deadline) =>
    dynamoEffects(stage.table("effects")).claim({ run, tool: refund.name, turn: 4 }, { ...open, deadline });

  test("a failure without effect is tried again as new", async () => {
    await write(permit());
    await expect(functionOf(refund, busy(false))(request())).rejects.toMatchObject({ name: "ToolRetryable" });
    expect(await effectOf()).toMatchObject({ attempts: 1, failed: { code: "busy", effect_possible: false } });
    expect((await functionOf()(request())).status).toBe("ok");
    expect(calls.map((call) => call.repeated)).toEqual([false, false]);
    expect(await effectOf()).toMatchObject({ attempts: 2, outcome: { status: "ok" } });
  });

  test.each(["key", "read-back"] as const)(
    "a lost answer is tried again as a repeat when idempotency is %s",
    async (idempotency) => {
      await write(permit({ not_after: "2026-11-21T12:00:01.000Z" }));
      const tool = { ...refund, idempotency };
      await expect(functionOf(tool, busy(true))(request())).rejects.toMatchObject({ name: "ToolRetryable" });
      lab.nowMs += REPEAT_WITHIN_MS; // a repeat may begin after the permit's time, a first claim may not
      expect((await functionOf(tool)(request())).status).toBe("ok");
      expect(calls.map((call) => [call.repeated, call.idempotencyKey])).toEqual([
        [false, "cs_key"],
        [true, "cs_key"],
      ]);
    },
  );

  test("a repeat that comes too late is refused: the gate has waited long enough for it", async () => {
    await write(permit());
    await expect(functionOf(refund, busy(false))(request())).rejects.toMatchObject({ name: "ToolRetryable" });
    lab.nowMs += REPEAT_WITHIN_MS + 1;
    await expect(functionOf()(request())).rejects.toThrow(/CS-3205/);
    expect(calls).toHaveLength(1);
  });

  test.each([
    [true, "unknown"],
    [false, "error"],
  ])("how the last attempt ended is final (effect possible: %s)", async (effectPossible, status) => {
    await write(permit());
    const failing = () => functionOf(refund, busy(effectPossible))(request());
    for (let attempt = 1; attempt < TOOL_ATTEMPTS; attempt++)
      await expect(failing()).rejects.toMatchObject({ name: "ToolRetryable" });
    expect(await failing()).toMatchObject({ status, error: { code: "busy" } });
    expect(await functionOf()(request())).toMatchObject({ status });
    expect(calls).toHaveLength(TOOL_ATTEMPTS);
  });

  test.each<[string, Handle]>([
    ["may be repeated", busy(false)],
    [
      "is final",
      async () => {
        throw new ToolError("card_declined", "no", { retryable: false, effectPossible: false });
      },
    ],
  ])("what a lost answer may have done stays possible after a repeat that did nothing and %s", async (_, second) => {
    await write(permit());
    await expect(functionOf(refund, busy(true))(request())).rejects.toMatchObject({ name: "ToolRetryable" });
    await functionOf(refund, second)(request()).catch(() => {});
    const last = await functionOf(refund, busy(false))(request());
    expect(last).toMatchObject({ status: "unknown" });
    expect(await effectOf()).toMatchObject({ outcome: { status: "unknown", effect_possible: true } });
    expect(calls.every(({ idempotencyKey }) => idempotencyKey === "cs_key")).toBe(true);
  });

  test("a code that is somebody's words is in no message that the execution's history keeps", async () => {
    await write(permit());
    const chatty: Handle = async () => {
      throw new ToolError("no card 4242 of Jo Doe", "m", { retryable: true, effectPossible: false });
    };
    await expect(functionOf(refund, chatty)(request())).rejects.toThrow(
      `${refund.name}: unnamed; attempt 1 may be repeated`,
    );
  });

  test("a lost answer of a tool without idempotency is unknown, and stays so", async () => {
    await write(permit());
    const tool = { ...refund, idempotency: "none" } as const;
    const unknown = { status: "unknown", error: { code: "busy" } };
    expect(await functionOf(tool, busy(true))(request())).toMatchObject(unknown);
    expect(await functionOf(tool)(request())).toMatchObject(unknown);
    expect(calls).toHaveLength(1);
  });

  test("an open claim is waited for, then repeated where that is safe", async () => {
    await write(permit());
    await leaveOpen("2026-11-21T12:00:01.000Z");
    await expect(functionOf()(request())).rejects.toMatchObject({ name: "ClaimOpen" });
    expect(calls).toEqual([]);
    lab.nowMs += 1000;
    expect((await functionOf()(request())).status).toBe("ok");
    expect(calls).toMatchObject([{ repeated: true }]);
  });

  test("an open claim of a tool without idempotency is unknown and never runs again", async () => {
    await write(permit());
    await leaveOpen();
    const tool = { ...refund, idempotency: "none" } as const;
    expect(await functionOf(tool)(request())).toMatchObject({ status: "unknown", error: { code: "CS-3211" } });
    expect(calls).toEqual([]);
    expect(await effectOf()).toMatchObject({ outcome: { status: "unknown", effect_possible: true } });
  });

  test("of two at once one acts", async () => {
    await write(permit());
    const slow: Handle = () => new Promise((resolve) => setTimeout(() => resolve({ refund_id: "re_1" }), 50));
    const both = await Promise.allSettled([functionOf(refund, slow)(request()), functionOf(refund, slow)(request())]);
    expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(calls).toHaveLength(1);
  });

  test("a ledger row for other arguments is refused", async () => {
    await write(permit());
    await dynamoEffects(stage.table("effects")).claim(
      { run, tool: refund.name, turn: 4 },
      { ...open, args_hash: hex("other") },
    );
    await expect(functionOf()(request())).rejects.toThrow(/CS-3204/);
    expect(calls).toEqual([]);
  });
});

describe("a function that is held up between looking and claiming", () => {
  /** What happens meanwhile, just before the claim is written. */
  let meanwhile: () => Promise<void>;
  const heldUp = (tool: Tool = refund) => {
    const effects = dynamoEffects(stage.table("effects"));
    return createHandler({
      workflow: run.workflow,
      tool,
      handle: async (input, context) => {
        calls.push(context);
        return succeeds(input, context);
      },
      log: dynamoRunLog(stage.table("log")),
      control: dynamoControl(stage.table("control")),
      calls: { read: async () => lab.putOut },
      effects: {
        ...effects,
        claim: async (...claim) => {
          await meanwhile();
          return effects.claim(...claim);
        },
        reclaim: async (...claim) => {
          await meanwhile();
          return effects.reclaim(...claim);
        },
      },
      secret: async (name) => name,
      local: undefined,
      nowMs: () => lab.nowMs,
    });
  };
  const closes = () => dynamoRunLog(stage.table("log")).append(chain(run, head, [closed], "4.outcome"));
  let head: ReturnType<typeof chain>[number] | undefined;
  const permitted = async () => {
    const events = chain(run, undefined, [permit()], "4.proposal");
    head = events.at(-1);
    await dynamoRunLog(stage.table("log")).append(events);
  };
  const delays: readonly [string, string, () => Promise<unknown>][] = [
    ["the run goes on without it", "CS-3206", () => closes()],
    [
      "the operator stops the workflow",
      "CS-3202",
      () =>
        dynamoControl(stage.table("control")).writeBrake(run.workflow, {
          on: true,
          by: "op",
          at: "2026-11-21T12:00:00.000Z",
          reason: "incident",
        }),
    ],
    ["the permit runs out", "CS-3205", async () => (lab.nowMs += 16 * 60_000)],
  ];
  afterEach(async () => {
    await dynamoControl(stage.table("control")).writeBrake(run.workflow, {
      on: false,
      by: "op",
      at: "2026-11-21T12:00:00.000Z",
      reason: "over",
    });
  });

  test.each(delays)("%s: it gives its claim back with %s and does nothing", async (_what, code, event) => {
    await permitted();
    meanwhile = async () => void (await event());
    await expect(heldUp()(request())).rejects.toThrow(code);
    expect(calls).toEqual([]);
    expect(await effectOf()).toMatchObject({ outcome: { status: "error", effect_possible: false, error: { code } } });
  });

  test("a repeat gives back what an earlier attempt may have done as unknown", async () => {
    await permitted();
    meanwhile = async () => void (await closes());
    await dynamoEffects(stage.table("effects")).claim(
      { run, tool: refund.name, turn: 4 },
      { args_hash: ARGS_HASH, claimed_at: "2026-11-21T11:50:00.000Z", deadline: "2026-11-21T11:50:35.000Z" },
    );
    await expect(heldUp()(request())).rejects.toThrow("CS-3206");
    expect(calls).toEqual([]);
    expect(await effectOf()).toMatchObject({ outcome: { status: "unknown", effect_possible: true } });
  });
});
