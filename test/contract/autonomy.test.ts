import { describe, expect, it } from "vitest";
import { type AutonomyTraits, isBolder, recommendAutonomy } from "../../lib/contract/autonomy.js";
import { AUTONOMY_LEVELS } from "../../lib/contract/model.js";
import { deskContract } from "./fixture.js";

const harmless: AutonomyTraits = {
  name: "a.b",
  effect: "write",
  reversibility: "reversible",
  blastRadius: "record",
  dataClass: "internal",
  errorDetectability: "immediate",
  maturity: "stable-api",
};

describe("recommendAutonomy of a tool", () => {
  it.each([
    [{}, "bounded"],
    [{ reversibility: "compensable" }, "bounded"],
    [{ reversibility: "irreversible" }, "routine"],
    [{ reversibility: "irreversible", blastRadius: "tenant" }, "approve-all"],
    [{ blastRadius: "tenant" }, "routine"],
    [{ blastRadius: "account" }, "approve-all"],
    [{ dataClass: "personal" }, "routine"],
    [{ dataClass: "financial" }, "routine"],
    [{ exposure: { amount: "amount_cents" } }, "routine"],
    [{ errorDetectability: "delayed" }, "routine"],
    [{ errorDetectability: "hidden" }, "approve-all"],
    [{ maturity: "beta-api" }, "approve-all"],
    [{ maturity: "experimental" }, "observe"],
    [{ effect: "read", dataClass: "financial" }, "bounded"],
  ] as const)("%j → %s", (traits, level) => {
    expect(recommendAutonomy({ ...harmless, ...traits }).level).toBe(level);
  });

  it("gives its reasons, the most limiting first", () => {
    const { reasons } = recommendAutonomy({
      ...harmless,
      reversibility: "irreversible",
      dataClass: "financial",
      exposure: { amount: "amount_cents" },
    });
    expect(reasons.slice(0, 2)).toEqual([
      { factor: "reversibility", value: "irreversible", cap: "routine", text: "cannot be undone" },
      { factor: "financial impact", value: "financial", cap: "routine", text: "moves money (amount_cents)" },
    ]);
    expect(reasons.map((reason) => reason.factor)).toEqual([
      ...["reversibility", "financial impact", "blast radius", "error detectability", "maturity"],
    ]);
  });
});

it("a workflow gets the lowest level of its writes; reads do not count", () => {
  const { level, tools } = recommendAutonomy(deskContract());
  expect(level).toBe("approve-all");
  expect(Object.fromEntries(tools.map((tool) => [tool.tool, tool.level]))).toEqual({
    "ledger.lookup": "bounded",
    "ledger.inbox": "bounded",
    "ledger.refund": "routine",
    "ledger.label": "bounded",
    "ledger.purge": "approve-all",
  });
  expect(recommendAutonomy({ tools: [] }).level).toBe("bounded");
});

it("levels are ordered from timid to bold", () => {
  for (const [index, level] of AUTONOMY_LEVELS.entries()) {
    expect(AUTONOMY_LEVELS.filter((other) => isBolder(level, other))).toEqual(AUTONOMY_LEVELS.slice(0, index));
  }
});
