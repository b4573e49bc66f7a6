/** What models and tools answer: values that arrive parsed, hostile all the same. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { readAnswer } from "../../lambdas/propose/answer.js";
import { attempt } from "../../lambdas/tool/attempt.js";
import { recordedEvent } from "../../lib/run/events.js";
import { proposal, toolAnswer } from "../../lib/run/protocol.js";
import { contract, lookup, refund } from "../run/support.js";
import {
  anything,
  deepArray,
  deepObject,
  HALF_CHARACTERS,
  isPolluted,
  manyKeys,
  NAUGHTY,
  naughtyText,
} from "../support/hostile.js";

const prototype = Object.fromEntries([["__proto__", { polluted: true }]]);
const hostile = [
  deepArray(),
  deepObject(),
  manyKeys(),
  prototype,
  { a: prototype },
  2 ** 53,
  1e300,
  ...HALF_CHARACTERS,
];
const called = (name: string, input: unknown) =>
  readAnswer(contract, [{ toolUse: { toolUseId: "t", name, input: input as never } }], "tool_use");
const answered = (tool: typeof refund, value: unknown) =>
  attempt(
    tool,
    async () => value,
    { charge_id: "ch_77", amount_cents: 1 },
    () => ({}) as never,
  );

test("a model's tool use is one action with all it said, or invalid", () => {
  for (const value of hostile)
    for (const input of [
      value,
      { charge_id: value, amount_cents: 1 },
      { charge_id: "c", amount_cents: 1, memo: value },
    ])
      for (const name of ["stripe__refund", "finish", "no_such_tool"])
        expect(called(name, input)).toMatchObject({ kind: "invalid" });
  fc.assert(
    fc.property(anything, naughtyText, (input, text) => {
      for (const name of ["stripe__refund", "finish", text])
        expect(proposal.safeParse(called(name, input)).success).toBe(true);
      expect(proposal.safeParse(readAnswer(contract, [{ text }], "end_turn")).success).toBe(true);
      const kept = called("stripe__refund", { charge_id: text, amount_cents: 1 });
      if (kept.kind === "act") expect(kept.args).toEqual({ charge_id: text, amount_cents: 1 });
    }),
    { numRuns: 100 },
  );
  expect(isPolluted()).toBe(false);
});

test("a tool's answer is kept as it is, or the outcome says why not", async () => {
  for (const value of hostile) {
    for (const output of [value, { refund_id: value }, { refund_id: "r", more: value }])
      expect(await answered(refund, output)).toMatchObject({
        kind: "outcome",
        answer: { status: "unknown", error: { code: "CS-3212" } },
      });
    expect(await answered({ ...lookup, input: refund.input }, value)).toMatchObject({ answer: { status: "error" } });
  }
  for (const text of Object.values(NAUGHTY).filter((one) => one.length < 50_000))
    expect(await answered(refund, { refund_id: text })).toMatchObject({
      answer: { status: "ok", output: { refund_id: text } },
    });
  await fc.assert(
    fc.asyncProperty(anything, async (value) => {
      const thrown = await attempt(
        refund,
        () => Promise.reject(value),
        { charge_id: "c", amount_cents: 1 },
        () => ({}) as never,
      );
      expect(thrown.kind).toBe("outcome");
      const outcome = await answered(refund, value);
      if (outcome.kind === "outcome") expect(toolAnswer.safeParse(outcome.answer).success).toBe(true);
    }),
    { numRuns: 100 },
  );
});

test("any value of the log is an event or is none", () => {
  fc.assert(
    fc.property(anything, anything, (value, data) => {
      expect(recordedEvent.safeParse(value).success).toBe(false);
      expect(recordedEvent.safeParse({ v: 1, type: "RunStarted", data }).success).toBe(false);
    }),
    { numRuns: 100 },
  );
});
