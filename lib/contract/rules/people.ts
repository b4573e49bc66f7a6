/** Who may approve, and who is told when. */
import { approversOf } from "../approvers.js";
import { DEFAULTS } from "../defaults.js";
import type { Draft } from "../draft.js";
import { at, Faults, suggest, type Where } from "../faults.js";
import { durationText } from "../units.js";
import { durationBetween, knownTimeZone } from "./limits.js";

type Approvers = NonNullable<Draft["fields"]["approvers"]>;
type Groups = Readonly<Record<string, readonly string[]>>;

const YEAR_MS = 365 * 86_400_000;

export function checkPeople(draft: Draft, faults: Faults): void {
  const { approvers } = draft.fields;
  if (approvers === undefined) return;
  const groups = approvers.groups ?? {};
  const where = at(draft.where, "approvers");
  for (const [name, members] of Object.entries(groups)) {
    if (members.length > 0) continue;
    faults.add("CS-1006", at(where, "groups", name), {
      rule: "is an empty group",
      fix: "name its members, or remove it",
    });
  }
  knownGroups(approvers.first, groups, at(where, "first"), faults);
  knownGroups(approvers.delegates ?? [], groups, at(where, "delegates"), faults);
  enough(draft, approversOf(approvers.first, groups), faults);
  escalation(approvers, groups, where, faults);
  reminders(approvers, where, faults);
  about(approvers, groups, where, faults);
}

function knownGroups(entries: readonly string[], groups: Groups, where: Where, faults: Faults): void {
  for (const [index, entry] of entries.entries()) {
    if (!entry.startsWith("group:") || Object.hasOwn(groups, entry.slice(6))) continue;
    const known = Object.keys(groups).map((name) => `group:${name}`);
    const fix = suggest(entry, known, "define it in approvers.groups");
    faults.add("CS-1006", at(where, index), { value: entry, rule: "is not a group of this contract", fix });
  }
}

/** Guardrail `irreversible-wide` wants two people: one cannot ever be enough. */
function enough(draft: Draft, people: readonly string[], faults: Faults): void {
  const wide = draft.tools.find(
    ({ fields }) =>
      fields.reversibility === "irreversible" && (fields.blastRadius === "tenant" || fields.blastRadius === "account"),
  );
  if (wide?.fields.name === undefined || people.length !== 1) return;
  const rule = `is one person, and ${wide.fields.name} (irreversible, ${wide.fields.blastRadius}) always needs two`;
  faults.add("CS-1006", at(draft.where, "approvers", "first"), {
    value: people,
    rule,
    fix: "name at least two approvers",
  });
}

/** Each later than the one before, and before silence denies. */
function escalation(approvers: Approvers, groups: Groups, where: Where, faults: Faults): void {
  // A limit that is none is reported by another rule.
  const limit = durationBetween(approvers.timeLimit, where, { minMs: 0, maxMs: YEAR_MS }, new Faults());
  const limitMs = limit ?? DEFAULTS.approvalTimeLimitMs;
  let beforeMs = 0;
  for (const [index, { after, to }] of (approvers.escalate ?? []).entries()) {
    const here = at(where, "escalate", index);
    knownGroups(to, groups, at(here, "to"), faults);
    const afterMs = durationBetween(after, at(here, "after"), { minMs: 60_000, maxMs: YEAR_MS }, faults);
    if (afterMs === undefined) continue;
    const late = afterMs >= limitMs ? `the time limit (${durationText(limitMs)})` : undefined;
    const early = afterMs <= beforeMs ? `the escalation before it (${durationText(beforeMs)})` : undefined;
    if (late !== undefined || early !== undefined) {
      const rule = late === undefined ? `is not after ${early}` : `is not before ${late}`;
      faults.add("CS-1026", at(here, "after"), {
        value: durationText(afterMs),
        rule,
        fix: "order them by time, before the time limit",
      });
    }
    beforeMs = Math.max(beforeMs, afterMs);
  }
}

function reminders({ remindAt = [] }: Approvers, where: Where, faults: Faults): void {
  for (const [index, percent] of remindAt.entries()) {
    if (index === 0 || percent > (remindAt[index - 1] ?? 0)) continue;
    const rule = "is not later than the reminder before it";
    faults.add("CS-1026", at(where, "remindAt", index), { value: percent, rule, fix: "use rising percents: [50, 90]" });
  }
}

/** Slack ids and time zones are of people who may decide; two people with one Slack id would be one person. */
function about(approvers: Approvers, groups: Groups, where: Where, faults: Faults): void {
  const { first, escalate = [], delegates = [], slack, timeZones = {} } = approvers;
  const people = approversOf([...first, ...escalate.flatMap(({ to }) => to), ...delegates], groups);
  const ids = new Map<string, string>();
  for (const [address, id] of Object.entries(slack?.users ?? {})) {
    const here = at(where, "slack", "users", address);
    isApprover(address, people, here, faults);
    const other = ids.get(id);
    if (other !== undefined)
      faults.add("CS-1006", here, {
        value: id,
        rule: `is the Slack user of ${other} already`,
        fix: "give each person their own",
      });
    ids.set(id, address);
  }
  for (const [address, zone] of Object.entries(timeZones)) {
    isApprover(address, people, at(where, "timeZones", address), faults);
    knownTimeZone(zone, at(where, "timeZones", address), faults);
  }
}

function isApprover(address: string, people: readonly string[], where: Where, faults: Faults): void {
  if (people.includes(address.toLowerCase())) return;
  const rule = "is nobody who may approve";
  faults.add("CS-1006", where, { value: address, rule, fix: suggest(address, people, "name an approver") });
}
