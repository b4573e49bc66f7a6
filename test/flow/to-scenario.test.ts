import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { runsInFiles } from "../../lib/client/recorded-files.js";
import type { RecordedEvent } from "../../lib/run/events.js";
import { differences } from "../../lib/scenario/compare.js";
import { scenarioFromRun } from "../../lib/scenario/from-run.js";
import { parseScenario } from "../../lib/scenario/load.js";
import { playScenario } from "../../lib/scenario/play.js";
import { root } from "../../scripts/ensure.mjs";
import { Flow } from "../support/flow.js";

let flow: Flow;
beforeAll(async () => {
  flow = await Flow.shared();
});

async function recorded(name: string): Promise<readonly RecordedEvent[]> {
  for await (const { events } of runsInFiles([join(root, "test/histories/v1/billing-dispute", `${name}.jsonl`)]))
    return events;
  throw new Error(`${name} is empty`);
}

test.each([
  "duplicate-charge-refunded",
  "prompt-injection-in-ticket",
  "approval-expires",
  "model-fails-once",
  "stopped-while-waiting",
])("a run becomes a scenario that passes: %s", async (name) => {
  const { scenario, missing } = scenarioFromRun(await recorded(name));
  expect(missing).toContain("input.claim");
  const parsed = parseScenario(JSON.parse(JSON.stringify(scenario)), name);
  const played = await playScenario(
    flow.session,
    { workflow: "billing-dispute", name, file: name, scenario: parsed },
    flow.clock,
  );
  expect(differences(parsed.expect, played)).toEqual([]);
});

test("a run that is still open is no scenario", async () => {
  const events = await recorded("duplicate-charge-refunded");
  expect(() => scenarioFromRun(events.slice(0, 5))).toThrow(/still open/);
});
