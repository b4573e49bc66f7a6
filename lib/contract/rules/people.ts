/** Who may approve. */
import { approversOf } from "../approvers.js";
import type { Draft } from "../draft.js";
import { at, type Faults, suggest } from "../faults.js";

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
  for (const [index, entry] of approvers.first.entries()) {
    if (!entry.startsWith("group:") || Object.hasOwn(groups, entry.slice(6))) continue;
    const known = Object.keys(groups).map((name) => `group:${name}`);
    const fix = suggest(entry, known, "define it in approvers.groups");
    faults.add("CS-1006", at(where, "first", index), { value: entry, rule: "is not a group of this contract", fix });
  }
  enough(draft, approversOf(approvers.first, groups), faults);
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
