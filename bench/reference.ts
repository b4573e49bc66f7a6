/** The reference run: 6 model turns, 5 tool calls, 1 approval; the workflow, its scenario and the synthesised template. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadWorkflow } from "../lib/contract/load.js";
import type { Contract } from "../lib/contract/model.js";
import { realClock } from "../lib/local/clock.js";
import type { ConverseModel } from "../lib/local/services/bedrock.js";
import { loadScenarios, type NamedScenario } from "../lib/scenario/load.js";
import { openSession, type Session } from "../lib/scenario/session.js";
import { synthesise } from "../lib/scenario/synth.js";

export const root = join(import.meta.dirname, "..");
export const WORKFLOW = "billing-dispute";
const SCENARIO = "duplicate-charge-refunded";

export async function referenceContract(): Promise<Contract> {
  const { contract } = await loadWorkflow(join(root, "workflows", WORKFLOW));
  if (contract === undefined) throw new Error(`${WORKFLOW} has faults`);
  return contract;
}

export async function referenceScenario(): Promise<NamedScenario> {
  const found = (await loadScenarios(root, WORKFLOW)).find(({ name }) => name === SCENARIO);
  if (found === undefined) throw new Error(`${WORKFLOW} has no scenario ${SCENARIO}`);
  return found;
}

/** Synthesises into a temporary folder, for as long as `use` takes. */
export async function withAssembly<T>(use: (assembly: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "countersign-bench-"));
  try {
    return await use(await synthesise({ root, stage: "dev", out: join(folder, "cdk.out") }));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The reference workflow on the embedded cloud in real time, rules at a rate standing still, for as long as `use` takes. */
export function withSession<T>(use: (session: Session) => Promise<T>, model?: ConverseModel): Promise<T> {
  return withAssembly(async (assembly) => {
    const session = await openSession({
      root,
      stage: "dev",
      assembly,
      workflows: [WORKFLOW],
      clock: realClock(),
      schedules: false,
      ...(model === undefined ? {} : { model }),
    });
    try {
      return await use(session);
    } finally {
      await session.close();
    }
  });
}
