/** The names of steps: a repeat finds its own events by them. */
import type { DecideRequest } from "./protocol.js";

/** The step's events when the task token of a question was answered and nobody had decided: the question itself goes on. */
export const callbackStep = ({ turn, round = 0 }: { readonly turn: number; readonly round?: number }): string =>
  round === 0 ? `${turn}.callback` : `${turn}.callback.${round}`;

/** `3.proposal`, `3.approval`, `3.approval.1` (the question was put again), `3.outcome` */
export function stepOf(request: Pick<DecideRequest, "turn" | "phase"> & { readonly round?: number }): string {
  const { turn, phase, round = 0 } = request;
  return round === 0 ? `${turn}.${phase}` : `${turn}.${phase}.${round}`;
}
