import { expect, inject, test } from "vitest";
import { runScenarios } from "../../lib/scenario/run.js";
import { root } from "../../scripts/ensure.mjs";

test("every scenario of billing-dispute goes as expected, through the synthesised template", async () => {
  const results = await runScenarios({
    root,
    stage: "dev",
    workflows: ["billing-dispute"],
    assembly: inject("assembly"),
    progress: () => {},
  });

  expect(results.flatMap((one) => one.differences.map((line) => `${one.scenario}: ${line}`))).toEqual([]);
  expect(results.length).toBeGreaterThanOrEqual(12);
}, 180_000);
