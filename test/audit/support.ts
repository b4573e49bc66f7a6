import { appendToChain } from "../../lib/audit/chain.js";
import { exportLines } from "../../lib/audit/export.js";
import { checkRules, newRuleState } from "../../lib/audit/rules.js";
import type { NewEvent, RecordedEvent } from "../../lib/run/events.js";
import { act, lookedUp, REFUND, World, wholeRun } from "../run/support.js";

export async function linesOf(...runs: readonly (readonly RecordedEvent[])[]): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of exportLines(runs)) lines.push(line);
  return lines;
}

/** The run under another name, chained again: everything that names the run in a hash is left as it is. */
export const rechained = (
  events: readonly RecordedEvent[],
  change: (event: NewEvent, seq: number) => NewEvent = (event) => event,
) => {
  const chained: RecordedEvent[] = [];
  for (const { v: _v, workflow, tenant, run_id, seq, at, step, prev: _p, hash: _h, ...event } of events) {
    const changed = change(structuredClone(event), seq);
    chained.push(...appendToChain(chained.at(-1) ?? null, { workflow, tenant, run_id, step, at }, [changed]));
  }
  return chained;
};

export const refusedRun = (tenant: string): RecordedEvent[] =>
  new World()
    .start({ dayLeftMicroUsd: 0 })
    .events.flatMap(({ v: _v, seq: _s, prev: _p, hash: _h, workflow, run_id, at, step, ...event }) =>
      appendToChain(null, { workflow, tenant, run_id, at, step }, [event]),
    );

/** What the verifier has against a run, besides its chain: `CS-5126 …`. */
export function ruleFaults(events: readonly RecordedEvent[]): string[] {
  let state = newRuleState();
  return events.flatMap((event) => {
    const checked = checkRules(state, event);
    state = checked.state;
    return checked.fault === undefined ? [] : [`${checked.fault.code} ${checked.fault.message}`];
  });
}

/** RFC 8785 as slowly and plainly as it can be said. */
export function referenceJcs(value: unknown): string {
  if (typeof value === "string" && /\p{Surrogate}/u.test(value)) throw new Error("half a surrogate pair");
  if (typeof value === "number" && !Number.isFinite(value)) throw new Error("no number");
  if (typeof value !== "object" || value === null) {
    if (value === undefined || JSON.stringify(value) === undefined) throw new Error("no JSON");
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${Array.from(value, referenceJcs).join(",")}]`;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  members.sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${members.map(([key, member]) => `${referenceJcs(key)}:${referenceJcs(member)}`).join(",")}}`;
}

export function rejectedRun(): World {
  const world = lookedUp();
  world.propose(act("stripe.refund", REFUND));
  world.decides("ana@example.com", "reject").approval();
  world.propose({ kind: "finish", outcome: "escalated" });
  return world;
}
export { wholeRun };
