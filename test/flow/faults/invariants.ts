/**
 * What must hold after every run, whatever failed. Compares three books that know nothing of each other: the log, the effects as the outside
 * system counted them, and the budgets. Answers every violation in words; none is what a test expects.
 */
import { exportLines } from "../../../lib/audit/export.js";
import { createVerifier } from "../../../lib/audit/verify.js";
import type { Contract } from "../../../lib/contract/model.js";
import { hashJson, type Json } from "../../../lib/run/canonical.js";
import type { Closing } from "../../../lib/run/closing.js";
import type { ApprovalDecision, EventOf, EventType, RecordedEvent } from "../../../lib/run/events.js";
import type { Entry, World } from "./books.js";

const of = <T extends EventType>(events: readonly RecordedEvent[], type: T): EventOf<T>[] =>
  events.filter((event): event is EventOf<T> => event.type === type);

export async function violations(world: World, contract: Contract): Promise<string[]> {
  const all = [...world.runs.values()].flat();
  return [
    ...effects(world, all),
    ...decisions(world, all),
    ...[...world.runs].flatMap(([runId, events]) => ended(runId, events)),
    ...known(world),
    ...(await chains(world)),
    ...budgets(world, all, contract),
  ];
}

/** The arguments of an entry, as the permit's hash covers them. */
export function entryHash({ account, ref, amount_cents }: Entry): string {
  const args: Json = { account, ref, amount_cents };
  return hashJson(args);
}

function effects({ entries }: World, all: readonly RecordedEvent[]): string[] {
  const found: string[] = [];
  const counts = new Map<string, number>();
  for (const entry of entries) {
    const hash = entryHash(entry);
    const count = (counts.get(hash) ?? 0) + 1;
    counts.set(hash, count);
    const permits = of(all, "ActionPermitted").filter(({ data }) => data.args_hash === hash);
    if (permits.length === 0) found.push(`effect ${entry.ref}: no permit for exactly its arguments`);
    if (permits.every(({ at }) => Date.parse(at) > entry.atMs) && permits.length > 0)
      found.push(`effect ${entry.ref}: it happened before its permit`);
    if (count > permits.length && permits.length > 0) found.push(`effect ${entry.ref}: it happened ${count} times`);
    const denied = of(all, "ToolReturned").filter(({ data }) => data.args_hash === hash && !data.effect_possible);
    if (denied.length > 0 && denied.length === permits.length)
      found.push(`effect ${entry.ref}: it happened, and the log says that nothing did`);
  }
  for (const { data } of of(all, "ToolReturned")) {
    const write = data.tool !== "book.look";
    if (write && data.status === "ok" && !counts.has(data.args_hash))
      found.push(`turn ${data.turn}, ${data.tool}: the log says it was done, and the book does not have it`);
  }
  return found;
}

/** Each row that a person wrote is in the log once, or the question was over when it came; what the desk confirmed has its row. */
function decisions({ decisions: rows, acknowledged, closings, runs }: World, all: readonly RecordedEvent[]): string[] {
  const found: string[] = [];
  const logged = of(all, "ApprovalDecided");
  for (const row of rows) {
    const times = logged.filter(({ data }) => data.approval_id === row.approval_id && data.approver === row.approver);
    const who = `decision of ${row.approver} about ${row.approval_id}`;
    if (times.length > 1) found.push(`${who}: applied ${times.length} times`);
    if (times.length === 1 && times[0]?.data.decision !== row.decision) found.push(`${who}: applied as its opposite`);
    if (times.length === 0 && !wasTooLate(row, closings.get(row.approval_id), [...runs.values()]))
      found.push(`${who}: lost`);
  }
  for (const { data } of logged) {
    const row = rows.find(
      ({ approval_id, approver }) => approval_id === data.approval_id && approver === data.approver,
    );
    if (row === undefined)
      found.push(`decision of ${data.approver} about ${data.approval_id}: in the log without its row`);
  }
  for (const { approval_id, approver, decision } of acknowledged) {
    const row = rows.find((row) => row.approval_id === approval_id && row.approver === approver);
    if (row?.decision !== decision)
      found.push(`decision of ${approver} about ${approval_id}: confirmed, and not on record`);
  }
  return found;
}

/**
 * A question is over with the row that closes it, which names whose decisions end it: others were told so. Without one it is over once the gate has
 * answered it: because the time was up or the run may not go on. A run that was ended from outside answers nothing any more, whoever decided
 * before.
 */
function wasTooLate(
  row: ApprovalDecision,
  closing: Closing | undefined,
  runs: readonly (readonly RecordedEvent[])[],
): boolean {
  if (closing !== undefined && !closing.by.includes(row.approver)) return true;
  const isAbout = ({ data }: RecordedEvent) => "approval_id" in data && data.approval_id === row.approval_id;
  const events = runs.find((run) => run.some((event) => event.type === "ApprovalRequested" && isAbout(event))) ?? [];
  const over = events.findLast((event) => event.type !== "ApprovalRequested" && isAbout(event));
  if (over === undefined) return false;
  const end = events.at(-1);
  if (end?.type === "RunClosed" && over.type !== "ApprovalDecided" && OUTSIDE.has(end.data.outcome.reason)) return true;
  return Date.parse(row.decided_at) >= Date.parse(over.at);
}
/** Ends that close-run writes down for an execution that is over. */
const OUTSIDE = new Set([
  "execution_stopped",
  "execution_failed",
  "run_time",
  "ended_without_outcome",
  "never_started",
]);

/** What the front door confirmed and what ran is in the log. */
function known({ runs, admitted, executions }: World): string[] {
  const found = admitted
    .filter((runId) => !runs.has(runId))
    .map((runId) => `run ${runId}: confirmed, and not on record`);
  for (const { runId, status, last } of executions) {
    if (status === "RUNNING") found.push(`run ${runId}: its execution still runs (${last})`);
    if (!runs.has(runId)) found.push(`run ${runId}: it was executed, and is not on record`);
  }
  return found;
}

function ended(runId: string, events: readonly RecordedEvent[]): string[] {
  const ends = events.filter(({ type }) => type === "RunClosed" || type === "RunRefused");
  return ends.length === 1 && events.at(-1) === ends[0] ? [] : [`run ${runId}: ${ends.length} outcomes are recorded`];
}

async function chains({ runs }: World): Promise<string[]> {
  const verifier = createVerifier();
  for await (const line of exportLines([...runs.values()])) verifier.add(line);
  return verifier.finish().faults.map(({ message }) => `verify: ${message}`);
}

function budgets(world: World, all: readonly RecordedEvent[], contract: Contract): string[] {
  const found: string[] = [];
  for (const run of world.openRuns) found.push(`budget: ${run} is still among the open runs`);
  for (const run of world.uniqueRows) found.push(`budget: ${run} still holds its unique row`);
  const { perRunMicroUsd, perDayMicroUsd } = contract.budget;
  if (world.mostHeld > perDayMicroUsd) found.push(`budget: ${world.mostHeld} micro-USD spent and leased of one day`);
  for (const { run_id, data } of of(all, "RunClosed")) {
    if (data.spent_micro_usd > perRunMicroUsd)
      found.push(`budget: run ${run_id} spent ${data.spent_micro_usd} micro-USD`);
  }
  const spent = of(all, "RunClosed").reduce((sum, { data }) => sum + data.spent_micro_usd, 0);
  const booked = world.days.reduce((sum, day) => sum + day.spent, 0);
  if (booked !== spent) found.push(`budget: runs spent ${spent} micro-USD and ${booked} are booked`);
  for (const { leases, spent: daySpent } of world.days) {
    for (const run of Object.keys(leases)) found.push(`budget: ${run} still has its lease`);
    if (daySpent > perDayMicroUsd) found.push(`budget: ${daySpent} micro-USD spent on one day`);
  }
  return [...found, ...exposures(world, all, contract)];
}

/** Totals are the sums of what happened or may have; nothing is held any more. */
function exposures(world: World, all: readonly RecordedEvent[], contract: Contract): string[] {
  const found: string[] = [];
  const amounts = new Map(of(all, "ActionProposed").map(({ data }) => [data.args_hash, data.args]));
  for (const tool of contract.tools.filter(({ exposure }) => exposure !== undefined)) {
    const possible = of(all, "ToolReturned").filter(({ data }) => data.tool === tool.name && data.effect_possible);
    const sum = possible.reduce((total, { data }) => total + amountIn(amounts.get(data.args_hash)), 0);
    for (const per of ["resource-day", "workflow-day"]) {
      const docs = world.exposures.filter(({ name }) => name.includes(`#${per}:${tool.name}`));
      const total = docs.reduce((all, { doc }) => all + doc.total, 0);
      const count = docs.reduce((all, { doc }) => all + doc.count, 0);
      if (total !== sum || count !== possible.length)
        found.push(
          `exposure ${per} of ${tool.name}: ${total} in ${count} calls, and the log has ${sum} in ${possible.length}`,
        );
      for (const holder of docs.flatMap(({ doc }) => Object.keys(doc.holds))) {
        if (!isConservative(holder, all)) found.push(`exposure ${per} of ${tool.name}: ${holder} still holds`);
      }
    }
  }
  return found;
}

/**
 * A gate that died for good between taking a hold and writing its permit leaves the hold to the end of its day: it can only make a later
 * decision stricter. (docs/architecture.md)
 */
function isConservative(holder: string, all: readonly RecordedEvent[]): boolean {
  const [runId, turn] = holder.split("/");
  return !of(all, "ActionPermitted").some(({ run_id, data }) => run_id === runId && String(data.turn) === turn);
}

function amountIn(args: unknown): number {
  if (typeof args !== "object" || args === null || !("amount_cents" in args)) return 0;
  return typeof args.amount_cents === "number" ? args.amount_cents : 0;
}
