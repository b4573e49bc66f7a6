/** One run of the matrix: a plan for a kind of tool, one fault at one point, and what is wrong afterwards. */
import {
  CALL_FAULTS,
  type CallFault,
  type FaultPoint,
  INVOKE_FAULTS,
  type InvokeFault,
  pointName,
} from "../../../lib/local/faults.js";
import { violations } from "./invariants.js";
import type { Lab } from "./lab.js";
import type { WriteTool } from "./model.js";

export const KINDS: Readonly<Record<"key" | "read-back" | "none", WriteTool>> = {
  key: "book.post_with_key",
  "read-back": "book.post_with_lookup",
  none: "book.post_once",
};
export type Kind = keyof typeof KINDS;

export interface Case {
  readonly kind: Kind;
  readonly point: FaultPoint;
  readonly fault: CallFault | InvokeFault;
  /** a client that asks once, and never again when it hears nothing */
  readonly givesUp: boolean;
}
export interface Played {
  readonly points: readonly FaultPoint[];
  readonly struck: readonly string[];
  /** `<status> <reason>` of the run; `none` when none was admitted */
  readonly outcome: string;
  readonly effects: number;
  readonly wrong: readonly string[];
}

/** Looks up, enters an amount that a person approves, finishes; the sweep comes by afterwards. */
export async function play(lab: Lab, kind: Kind, one?: Case): Promise<Played> {
  await lab.begin();
  const order = lab.newOrder({ account: "acc_1", looks: true, writes: [{ tool: KINDS[kind], amountCents: 5000 }] });
  if (one !== undefined) lab.faults.arm(planOf(one));
  await lab.start(order, one?.givesUp === true ? 1 : undefined);
  await lab.drive(
    async (asked) =>
      void (await lab.decide(asked, "ana@example.com", "approve", one?.givesUp === true ? 1 : undefined)),
  );
  await lab.clock.advance(6 * 60_000);
  const [points, struck] = [[...lab.faults.seen], [...lab.faults.fired]];
  const world = await lab.world();
  const last = [...world.runs.values()].at(-1)?.at(-1);
  const { status, reason } = last?.type === "RunClosed" ? last.data.outcome : { status: "none", reason: "" };
  return {
    points,
    struck,
    outcome: `${status} ${reason}`,
    effects: world.entries.length,
    wrong: [...(await violations(world, lab.contract)), ...world.afterStop],
  };
}

/** Every fault of every point of a clean run. */
export function casesOf(kind: Kind, points: readonly FaultPoint[]): readonly Case[] {
  return points.flatMap((point) => {
    const faults = point.kind === "call" ? CALL_FAULTS : INVOKE_FAULTS;
    // Whether somebody asks again matters where somebody from outside waits for the answer.
    const asked = /-(admit|approval-desk)$/.test(point.from) || point.from.startsWith("apigateway");
    const clients = asked ? [false, true] : [false];
    return faults.flatMap((fault) => clients.map((givesUp) => ({ kind, point, fault, givesUp })));
  });
}

export const caseName = ({ kind, point, fault, givesUp }: Case): string =>
  `${kind}: ${pointName(point).replaceAll("countersign-dev-fault-lab-", "")}: ${fault}${givesUp ? ", asked once" : ""}`;

function planOf({ point, fault }: Case) {
  const isHere = (at: FaultPoint) =>
    at.kind === point.kind && at.from === point.from && at.to === point.to && at.nth === point.nth;
  return {
    call: (at: FaultPoint) => (isHere(at) ? CALL_FAULTS.find((known) => known === fault) : undefined),
    invoke: (at: FaultPoint) => (isHere(at) ? INVOKE_FAULTS.find((known) => known === fault) : undefined),
  };
}
