/**
 * What would have been decided then under this: each recorded decision is made again by other rules, with everything before it as it was. A run
 * that would have gone another way is not invented: what follows a changed decision is judged as it was proposed.
 */
import { gateStep } from "../../lambdas/decide/serve.js";
import { CountersignError } from "../errors.js";
import { isJsonObject } from "../run/canonical.js";
import type { EventOf, RecordedEvent } from "../run/events.js";
import { contextAt } from "./context.js";
import { decidedIn, find, NOT_IN_LOG, proposalOf, type RecordedRun, recordedRun } from "./recorded.js";
import { recordedHashes } from "./replay.js";
import type { Rules } from "./rules.js";
import { type World, worldOf } from "./world.js";

/** `ask 2 people` */
export type DecisionText = string;

export interface Redecided {
  readonly run: string;
  readonly turn: number;
  readonly step: string;
  readonly tool: string;
  readonly recorded: DecisionText;
  readonly now: DecisionText;
  /** what decides now: policies, or the check that fails */
  readonly by: readonly string[];
  readonly reasons: readonly string[];
  /** what is not in the log, so that this rests on less: `outbound`, `exposure` */
  readonly unknown: readonly string[];
}

type Decided = EventOf<"ActionDecided">["data"];

/** Every recorded decision of the run, made again. None for a run that was refused at the front door. */
export async function redecide(events: readonly RecordedEvent[], rules: Rules): Promise<readonly Redecided[]> {
  const run = recordedRun(events);
  if (run === undefined) return [];
  const found: Redecided[] = [];
  for (const event of events) {
    if (event.type !== "ActionDecided" || event.step !== `${event.data.turn}.proposal`) continue;
    found.push(...(await redecideTurn(run, rules, event)));
  }
  return found;
}

async function redecideTurn(
  run: RecordedRun,
  rules: Rules,
  then: EventOf<"ActionDecided">,
): Promise<readonly Redecided[]> {
  const { turn } = then.data;
  const world = worldOf(run, rules, recordedHashes(run, rules));
  const from = run.events.findIndex(({ step }) => step === then.step);
  world.log = run.events.slice(0, from);
  world.contexts.set(turn, contextAt(run, rules.contract, turn));
  const first = await stepAgain(run, world, then, (base) => ({
    ...base,
    phase: "proposal",
    proposed: proposalOf(run, turn),
  }));
  const approved = decidedIn(run, `${turn}.approval`);
  // asked differently, people would have answered something else; an edited action is judged as it was proposed
  if (approved === undefined || isChanged(first) || find(run.events, "ActionEdited", turn) !== undefined)
    return [first];
  const proposed = find(run.events, "ActionProposed", turn)?.data;
  const args = isJsonObject(proposed?.args) ? proposed.args : {};
  const second = await stepAgain(run, world, approved, (base) => ({
    ...base,
    phase: "approval",
    round: 0,
    called_back: false,
    action: { tool: then.data.tool, args, nonces: {} },
    rationale: proposed?.rationale === null ? null : NOT_IN_LOG,
  }));
  return [first, second];
}

type Base = { readonly run_id: string; readonly tenant: string; readonly turn: number; readonly execution_arn: string };

async function stepAgain(
  run: RecordedRun,
  world: World,
  { step, data: then }: EventOf<"ActionDecided">,
  request: (base: Base) => Parameters<typeof gateStep>[1],
): Promise<Redecided> {
  const { turn, tool } = then;
  world.step = step;
  world.unknown.clear();
  const before = world.log.length;
  const { runId: run_id, tenant } = run.ref;
  const about = { run: run_id, turn, step, tool, recorded: textOf(then) };
  try {
    await gateStep(
      world.deps,
      request({ run_id, tenant, turn, execution_arn: `arn:aws:states:::execution:replay:${run_id}` }),
    );
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error;
    return { ...about, now: "cannot be decided", by: [], reasons: [error.toString()], unknown: [...world.unknown] };
  }
  const written = world.log.slice(before);
  const now = written.find((event) => event.type === "ActionDecided");
  if (now?.type !== "ActionDecided") {
    const invalid = written.find((event) => event.type === "ProposalInvalid");
    const reasons = invalid?.type === "ProposalInvalid" ? [invalid.data.detail] : [];
    return { ...about, now: "not a valid action", by: ["schema"], reasons, unknown: [...world.unknown] };
  }
  return {
    ...about,
    now: textOf(now.data),
    by: decidersOf(now.data),
    reasons: now.data.reasons,
    unknown: [...world.unknown],
  };
}

function textOf({ decision, tier }: Decided): DecisionText {
  if (decision !== "ask") return decision;
  return tier === 2 ? "ask 2 people" : "ask 1 person";
}

function decidersOf({ checks, policy }: Decided): readonly string[] {
  const failed = checks.find(({ result }) => result === "failed");
  if (failed !== undefined && failed.name !== "policy") return [`check:${failed.name}`];
  if (policy === null) return [];
  if (failed !== undefined) return policy.denied_by.length > 0 ? policy.denied_by : ["no policy permits"];
  return policy.determining;
}

/** Whether the same was decided; how many people approved already does not matter to it. */
export const isChanged = ({ recorded, now }: Redecided): boolean => recorded !== now;

export interface ChangeRow {
  readonly change: string;
  readonly tool: string;
  readonly by: string;
  readonly decisions: number;
  readonly runs: number;
  /** one of the runs */
  readonly example: string;
}
export interface Backtest {
  readonly runs: number;
  readonly decisions: number;
  readonly changed: number;
  /** runs with at least one changed decision */
  readonly changedRuns: number;
  /** decisions that rest on less than was known then, by what is missing */
  readonly unknown: Readonly<Record<string, number>>;
  /** most first */
  readonly rows: readonly ChangeRow[];
}

/** Adds runs up; holds no run, only what changed. */
export function createBacktest(): { add(decisions: readonly Redecided[]): void; finish(): Backtest } {
  let [runs, decided, changed, changedRuns] = [0, 0, 0, 0];
  const unknown: Record<string, number> = {};
  const rows = new Map<string, { row: Omit<ChangeRow, "runs">; runs: Set<string> }>();
  return {
    add(decisions) {
      runs += 1;
      decided += decisions.length;
      const others = decisions.filter(isChanged);
      changed += others.length;
      if (others.length > 0) changedRuns += 1;
      for (const what of decisions.flatMap((one) => one.unknown)) unknown[what] = (unknown[what] ?? 0) + 1;
      for (const one of others) {
        const change = `${one.recorded} → ${one.now}`;
        const by = one.by.join(", ");
        const key = JSON.stringify([change, one.tool, by]);
        const known = rows.get(key) ?? {
          row: { change, tool: one.tool, by, decisions: 0, example: one.run },
          runs: new Set(),
        };
        rows.set(key, { row: { ...known.row, decisions: known.row.decisions + 1 }, runs: known.runs.add(one.run) });
      }
    },
    finish: () => ({
      runs,
      decisions: decided,
      changed,
      changedRuns,
      unknown,
      rows: [...rows.values()]
        .map(({ row, runs: inRuns }) => ({ ...row, runs: inRuns.size }))
        .sort((a, b) => b.decisions - a.decisions || a.change.localeCompare(b.change) || a.tool.localeCompare(b.tool)),
    }),
  };
}
