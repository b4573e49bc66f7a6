/** The events of one whole run, as often as wanted: each time of another tenant, which makes it another run. */
import { appendToChain, type Envelope } from "../lib/audit/chain.js";
import type { NewEvent, RecordedEvent } from "../lib/run/events.js";
import { wholeRun } from "../test/run/support.js";

interface Step {
  readonly envelope: Omit<Envelope, "tenant">;
  readonly events: readonly NewEvent[];
}

const steps: readonly Step[] = stepsOf(wholeRun().events);

function stepsOf(recorded: readonly RecordedEvent[]): Step[] {
  const found: { envelope: Step["envelope"]; events: NewEvent[] }[] = [];
  for (const event of recorded) {
    const {
      v: _v,
      workflow,
      tenant: _tenant,
      run_id,
      seq: _seq,
      at,
      step,
      prev: _prev,
      hash: _hash,
      ...content
    } = event;
    const last = found.at(-1);
    if (last?.envelope.step === step && last.envelope.at === at) last.events.push(content);
    else found.push({ envelope: { workflow, run_id, step, at }, events: [content] });
  }
  return found;
}

/** Chains the run step by step, as the gate does; no more than `limit` events. */
export function chainedRun(tenant: string, limit: number): RecordedEvent[] {
  const chained: RecordedEvent[] = [];
  for (const { envelope, events } of steps) {
    const left = limit - chained.length;
    if (left === 0) break;
    chained.push(...appendToChain(chained.at(-1) ?? null, { ...envelope, tenant }, events.slice(0, left)));
  }
  return chained;
}
