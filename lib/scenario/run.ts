/** Runs scenarios through the synthesised template on an embedded cloud of their own, with skipped time. */
import { createSkippingClock } from "../local/clock.js";
import { differences } from "./compare.js";
import type { NamedScenario } from "./load.js";
import { playScenario } from "./play.js";
import { openSession, type Session } from "./session.js";
import { ensureSynthesised } from "./synth.js";

export interface ScenarioResult {
  readonly workflow: string;
  readonly scenario: string;
  readonly description: string;
  /** empty when everything was as expected */
  readonly differences: readonly string[];
  readonly durationMs: number;
}
export interface ScenarioOptions {
  readonly root: string;
  readonly stage: string;
  readonly workflows: readonly string[];
  /** scenarios whose name contains this */
  readonly only?: string;
  /** an assembly that is there already; that of the sources as they are otherwise */
  readonly assembly?: string;
  progress(line: string): void;
}

export async function runScenarios(options: ScenarioOptions): Promise<ScenarioResult[]> {
  const clock = createSkippingClock(Date.now());
  let session: Session | undefined;
  try {
    const assembly =
      options.assembly ?? (await ensureSynthesised({ root: options.root, stage: options.stage })).assembly;
    session = await openSession({
      root: options.root,
      stage: options.stage,
      assembly,
      workflows: options.workflows,
      clock,
      schedules: false,
    });
    const chosen = [...session.workflows.values()]
      .flatMap((one) => one.scenarios)
      .filter((one) => one.name.includes(options.only ?? ""));
    const results: ScenarioResult[] = [];
    for (const one of chosen) {
      const result = await runOne(session, one, clock);
      results.push(result);
      options.progress(render(result));
    }
    return results;
  } finally {
    await session?.close();
    clock.close();
  }
}

async function runOne(
  session: Session,
  one: NamedScenario,
  clock: Parameters<typeof playScenario>[2],
): Promise<ScenarioResult> {
  const began = performance.now();
  const observed = await playScenario(session, one, clock);
  return {
    workflow: one.workflow,
    scenario: one.name,
    description: one.scenario.description,
    differences: differences(one.scenario.expect, observed),
    durationMs: Math.round(performance.now() - began),
  };
}

function render(result: ScenarioResult): string {
  const mark = result.differences.length === 0 ? "✔" : "✘";
  return [
    `${mark} ${result.workflow} / ${result.scenario}  ${result.durationMs} ms`,
    ...result.differences.map((line) => `    ${line}`),
  ].join("\n");
}
