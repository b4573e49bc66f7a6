/** Who may decide about a question, and when: the people asked first, those it escalates to, those it is handed to. */
import type { Contract, SignIn } from "../contract/model.js";
import { isSamePerson, personKey } from "./people.js";
import { isoTime, msOf } from "./time.js";

/** As it is in the request and in what people see. */
export interface Panel {
  readonly approvers: readonly string[];
  /** in order of time, ISO */
  readonly escalation: readonly { at: string; people: string[] }[];
  /** may be handed the decision, besides the others */
  readonly delegates: readonly string[];
}
/** A decision handed on. */
export interface Delegation {
  readonly by: string;
  readonly to: string;
  /** ISO */
  readonly at: string;
}
export type Standing =
  /** may decide at that time */
  | "decider"
  /** had the decision and handed it on */
  | "delegated"
  /** somebody may hand it to them, or time may: not yet theirs */
  | "later"
  | "nobody";

const has = (people: readonly string[], person: string) => people.some((one) => personKey(one) === person);

/** Where a person stands at that time (ISO). Delegations by people who had nothing to hand on, or to strangers, change nothing. */
export function standingOf(panel: Panel, delegations: readonly Delegation[], name: string, at: string): Standing {
  const person = personKey(name);
  const everybody = [...panel.approvers, ...panel.escalation.flatMap(({ people }) => people), ...panel.delegates];
  if (!has(everybody, person)) return "nobody";
  const given = new Set<string>();
  const taken = new Set<string>();
  const escalated = (time: string) =>
    panel.escalation.filter((step) => msOf(step.at) <= msOf(time)).flatMap(({ people }) => people);
  const holds = (who: string, time: string) =>
    !given.has(who) && (taken.has(who) || has([...panel.approvers, ...escalated(time)], who));
  const inOrder = delegations.filter((one) => msOf(one.at) <= msOf(at)).sort((a, b) => msOf(a.at) - msOf(b.at));
  for (const { by, to, at: time } of inOrder) {
    if (!holds(personKey(by), time) || !has(everybody, personKey(to)) || given.has(personKey(to))) continue;
    given.add(personKey(by));
    taken.add(personKey(to));
  }
  if (given.has(person)) return "delegated";
  return holds(person, at) ? "decider" : "later";
}

/** Everybody who may decide at that time. */
export function decidersOf(panel: Panel, delegations: readonly Delegation[], at: string): readonly string[] {
  const everybody = [...panel.approvers, ...panel.escalation.flatMap(({ people }) => people), ...panel.delegates];
  const names = new Map(everybody.map((name) => [personKey(name), name]));
  return [...names.values()].filter((name) => standingOf(panel, delegations, name, at) === "decider");
}

/** The contract's people for a question asked at that time, without who asked for the run. */
export function panelOf(
  { approvers }: Pick<Contract, "approvers">,
  requester: string,
  askedMs: number,
  deadline: string,
): Panel {
  const others = (people: readonly string[]) => people.filter((person) => !isSamePerson(requester, person));
  return {
    approvers: others(approvers.first),
    escalation: approvers.escalate
      .map(({ afterMs, to }) => ({ at: isoTime(askedMs + afterMs), people: [...others(to)] }))
      .filter(({ at, people }) => people.length > 0 && msOf(at) < msOf(deadline)),
    delegates: others(approvers.delegates),
  };
}

/** Where two must decide, one of two mails that were forwarded must not be enough. */
export const signInFor = ({ approvers }: Pick<Contract, "approvers">, needed: number): SignIn =>
  needed > 1 ? "required" : approvers.signIn;

/** ISO times, before the deadline. */
export function remindersOf({ approvers }: Pick<Contract, "approvers">, askedMs: number, deadline: string): string[] {
  const spanMs = msOf(deadline) - askedMs;
  return approvers.remindAtPercent.map((percent) => isoTime(askedMs + Math.floor((spanMs * percent) / 100)));
}
