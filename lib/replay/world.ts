/**
 * The gate's own function with everything around it in memory: its log, its context objects and its sealed values are kept here, and whatever it
 * asks of others is answered from the recorded run. Nothing leaves the process.
 */
import type { GateDeps } from "../../lambdas/decide/serve.js";
import type { Budgets } from "../aws/budgets.js";
import type { SealedValues } from "../aws/vault.js";
import { CountersignError } from "../errors.js";
import type { Check, RecordedEvent } from "../run/events.js";
import type { RunContext } from "../run/protocol.js";
import { keysBeside } from "../run/sealing.js";
import { approvalsOf } from "./answers.js";
import {
  brakeOf,
  checkIn,
  contextOf,
  counterOf,
  decidedIn,
  effectOf,
  holdsCommitment,
  ofStep,
  previewOf,
  type RecordedRun,
} from "./recorded.js";
import { questionOf, type Rules } from "./rules.js";

/** The run's secret is not in the log; commitments that the replay makes are of this one, and are never compared. */
export const SECRET = new Uint8Array(32);

export interface World {
  readonly deps: GateDeps;
  /** what the gate has written, or what it is to find */
  log: RecordedEvent[];
  readonly contexts: Map<number, RunContext>;
  /** `3.proposal`: which recorded step the gate is asked for; the time and every answer are that step's */
  step: string;
  /** what could not be taken from the record, so that the decision rests on less */
  readonly unknown: Set<string>;
}

/** @param hashes as recorded, so that what only names the rules does not differ */
export function worldOf(run: RecordedRun, rules: Rules, hashes: Rules["hashes"]): World {
  const sealed = new Map<string, SealedValues>();
  const placeOf = ({ seq, hash }: { readonly seq: number; readonly hash: string }) => `${seq} ${hash}`;
  const world: World = {
    log: [],
    contexts: new Map(),
    step: "",
    unknown: new Set(),
    deps: {
      contract: rules.redacted,
      stage: run.started.data.stage,
      hashes,
      nowMs: () => Date.parse(timeOf(run, world.step)),
      log: {
        read: async () => world.log,
        async append(events) {
          world.log = [...world.log, ...events];
          return "appended";
        },
      },
      vault: {
        readSecret: async () => SECRET,
        open: async (_run, _secret, event) => sealed.get(placeOf(event)),
        seal: async (_run, _secret, event, values) => void sealed.set(placeOf(event), values),
      },
      control: { readBrake: async () => brakeOf(run, world.step) },
      contexts: {
        async read(_run, turn) {
          const context = world.contexts.get(turn);
          return context === undefined ? undefined : { context, keys: keysBeside(SECRET, context), hash: "" };
        },
        write: async (context) => void world.contexts.set(context.turn, context),
      },
      // the recorded tools are not called, so nobody takes what is put out
      calls: { write: async () => {} },
      views: { write: async () => {} },
      effects: { read: async ({ turn }) => effectOf(run, turn) },
      approvals: approvalsOf(run, () => world),
      budgets: budgetsOf(run, rules, () => world),
      previews: { ask: async () => previewOf(run, world.step) },
      authorizer: {
        async ask(request) {
          const verdict = await rules.authorizer.ask(request);
          return { ...verdict, determining: inRecordedOrder(run, world.step, verdict.determining) };
        },
      },
      question: (facts) => {
        const recorded = contextOf(run, world.step);
        const { untrusted, destination_from_requester: named } = recorded ?? {};
        return questionOf(rules, {
          ...facts,
          // both compare values that the log may have as commitments only
          untrusted: typeof untrusted === "boolean" ? untrusted : facts.untrusted,
          destinationFromRequester: typeof named === "boolean" ? named : facts.destinationFromRequester,
        });
      },
      known: () => knownChecks(run, world),
    },
  };
  return world;
}

export const turnOf = (step: string): number => Number(step.split(".")[0]);

/** When the step was; one that is not in the record happens right after the last that is. */
function timeOf(run: RecordedRun, step: string): string {
  return (
    ofStep(run, step)[0]?.at ?? run.events.findLast((event) => turnOf(event.step) <= turnOf(step))?.at ?? run.started.at
  );
}

/** Policies are named in whatever order the engine has them: in that of the record, so that sentences about the same ones are the same. */
function inRecordedOrder<T extends { readonly id: string }>(
  run: RecordedRun,
  step: string,
  policies: readonly T[],
): T[] {
  const policy = decidedIn(run, step)?.data.policy;
  const order = [...(policy?.denied_by ?? []), ...(policy?.determining ?? [])];
  const placeOf = ({ id }: T) => (order.includes(id) ? order.indexOf(id) : order.length);
  return policies.toSorted((a, b) => placeOf(a) - placeOf(b));
}

/** The outbound check looks for sensitive values in text; where a run has any, its result is the recorded one. */
function knownChecks(run: RecordedRun, world: World): ReadonlyMap<Check["name"], string | null> {
  const step = ofStep(run, world.step);
  const hidden = run.events.some(
    (event) =>
      (event.type === "RunStarted" && holdsCommitment(event.data.input)) ||
      (event.type === "ActionProposed" && holdsCommitment(event.data.args)) ||
      (event.type === "ToolReturned" && holdsCommitment(event.data.output)),
  );
  const recorded = checkIn(run, world.step, "outbound");
  if (recorded === undefined && hidden && step.length > 0) world.unknown.add("outbound");
  return new Map([["outbound", recorded?.result === "failed" ? recorded.detail : null]]);
}

function budgetsOf(run: RecordedRun, { contract }: Rules, world: () => World): Budgets {
  const outside = (what: string) => async (): Promise<never> => {
    throw new CountersignError("CS-5140", `replay: ${what} is nothing that a recorded run asks for`);
  };
  return {
    async readCounter(ref, schema) {
      const { step, unknown } = world();
      if (ref.kind !== "exposure") return null;
      const found = counterOf(run, contract, { step, turn: turnOf(step), scope: ref.scope });
      if (found === undefined) unknown.add("exposure");
      return found === undefined ? null : schema.parse(found);
    },
    // holds are taken of sums that the record gives, and given back: nothing else reads them here
    updateCounter: async () => null,
    readOpenRun: async () => undefined,
    leaseDay: outside("leaseDay"),
    enterOpen: outside("enterOpen"),
    abandonOpen: outside("abandonOpen"),
    readOpen: outside("readOpen"),
    deleteOpen: outside("deleteOpen"),
    readUnique: outside("readUnique"),
    takeUnique: outside("takeUnique"),
    freeUnique: outside("freeUnique"),
  };
}
