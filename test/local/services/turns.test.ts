import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  converseToolName,
  expandTurn,
  fromConverseToolName,
  MODEL_FAULTS,
  type RecordedTurn,
  recordedTurn,
  toConverseToolName,
} from "../../../lib/local/services/turns.js";

function expand(turn: unknown, turnIndex = 0) {
  const parsed: RecordedTurn = recordedTurn.parse(turn);
  if ("fault" in parsed) throw new Error("a fault has no content");
  return expandTurn(parsed, turnIndex);
}

describe("recorded turns", () => {
  it("turns the short form of a tool into a tool use block, with what is said first", () => {
    const turn = { tool: "stripe.refund", args: { charge: "ch_1" }, say: "charged twice", confidence: 80 };
    expect(expand(turn, 3)).toEqual({
      content: [
        { text: "charged twice" },
        {
          toolUse: {
            toolUseId: "tooluse_3_1",
            name: "stripe__refund",
            input: { charge: "ch_1", confidence_percent: 80 },
          },
        },
      ],
      stopReason: "tool_use",
    });
  });

  it("turns finish and prose into content", () => {
    expect(expand({ finish: { outcome: "refunded", summary: "done" } }).content).toEqual([
      { toolUse: { toolUseId: "tooluse_0_0", name: "finish", input: { outcome: "refunded", summary: "done" } } },
    ]);
    expect(expand({ text: "I would rather talk" })).toEqual({
      content: [{ text: "I would rather talk" }],
      stopReason: "end_turn",
    });
  });

  it("keeps pasted Converse content, stop reason, usage and latency", () => {
    const turn = {
      content: [{ text: "a" }, { toolUse: { toolUseId: "t1", name: "x", input: [1] } }],
      stopReason: "max_tokens",
      usage: { inputTokens: 5, outputTokens: 6 },
      latencyMs: 900,
    };
    expect(expand(turn)).toEqual(turn);
    expect(expand({ content: [] })).toEqual({ content: [], stopReason: "end_turn" });
  });

  it.each([
    ["two forms at once", { tool: "a", args: {}, text: "b" }],
    ["an unknown member", { text: "b", temperature: 1 }],
    ["a confidence that is no percentage", { tool: "a", args: {}, confidence: 0.5 }],
    ["a tool name with a slash", { tool: "a/b", args: {} }],
    ["an unknown fault", { fault: "Nope" }],
    ["a block of another kind", { content: [{ image: {} }] }],
    ["arguments that are no object", { tool: "a", args: [] }],
    ["negative tokens", { text: "a", usage: { inputTokens: -1, outputTokens: 0 } }],
  ])("refuses %s", (_name, turn) => {
    expect(recordedTurn.safeParse(turn).success).toBe(false);
  });

  it("takes every fault it knows the status of", () => {
    for (const fault of Object.keys(MODEL_FAULTS)) expect(recordedTurn.safeParse({ fault }).success).toBe(true);
  });

  it("maps tool names to what Converse allows, and back", () => {
    const part = fc.stringMatching(/^[a-z][a-z0-9]{0,9}(?:_[a-z0-9]{1,9})?$/);
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 2 }), (parts) => {
        const name = parts.join(".");
        expect(converseToolName.safeParse(toConverseToolName(name)).success).toBe(true);
        expect(fromConverseToolName(toConverseToolName(name))).toBe(name);
      }),
    );
  });

  it("expands whatever it accepts into distinct tool uses, and accepts only what has one of its forms", () => {
    const block = fc.oneof(
      fc.record({ text: fc.string() }),
      fc.record({ toolUse: fc.record({ name: fc.constantFrom("a", "b__c"), input: fc.jsonValue() }) }),
    );
    fc.assert(
      fc.property(fc.array(block, { maxLength: 5 }), fc.nat(20), (content, turnIndex) => {
        const expanded = expand({ content }, turnIndex);
        const ids = expanded.content.flatMap((each) => ("toolUse" in each ? [each.toolUse.toolUseId] : []));
        expect(new Set(ids).size).toBe(ids.length);
        expect(expanded.stopReason).toBe(ids.length > 0 ? "tool_use" : "end_turn");
      }),
    );
    const forms = ["tool", "finish", "text", "content", "fault"];
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const named = typeof value === "object" && value !== null && forms.some((form) => Object.hasOwn(value, form));
        expect(recordedTurn.safeParse(value).success && !named).toBe(false);
      }),
    );
  });

  it("refuses a member named __proto__", () => {
    const hostile: unknown = JSON.parse('{"__proto__":{"text":"x"},"text":"y"}');
    expect(recordedTurn.safeParse(hostile).success).toBe(false);
  });
});
