/** What people do in Slack besides deciding, by the same functions as on the page: change the arguments, ask the owner, hand the decision on. */
import { askOwner, delegate, edit } from "../../lib/approval/act.js";
import { type DecideDeps, onRecord } from "../../lib/approval/decide.js";
import { editedArgs } from "../../lib/approval/fields.js";
import type { Question } from "../../lib/approval/question.js";
import { Refusal } from "../../lib/approval/refusal.js";
import * as refusals from "../../lib/approval/refusals.js";
import type { Who } from "../../lib/approval/who.js";
import { type JsonObject, sameJson } from "../../lib/run/canonical.js";
import { isSamePerson } from "../../lib/run/people.js";
import { SLACK_IDS, type SlackInteraction } from "../../lib/slack/interaction.js";
import { editableFields } from "../../lib/slack/messages.js";
import { fieldBlock } from "../../lib/slack/modals.js";
import { update } from "./update.js";

type Act = Extract<SlackInteraction, { readonly typed: unknown }> & { readonly kind: "edited" | "asked" | "delegated" };

/** The body of the answer. @throws Refusal; nothing was done then */
export async function submittedAct(deps: DecideDeps, question: Question, who: Who, interaction: Act): Promise<string> {
  const { view, ref } = question;
  const { kind, typed, subject } = interaction;
  const shown = subject.view_hash;
  const comment = typed.get(SLACK_IDS.comment) ?? "";
  switch (kind) {
    case "asked": {
      await askOwner(deps, who, ref, { shown, text: comment });
      return update(
        "Asked",
        `${view.owner?.name ?? "The owner"} is asked. The answer comes by mail, and is on the page.`,
      );
    }
    case "delegated": {
      const to = typed.get(SLACK_IDS.to) ?? "";
      if (!wasHanded(question, who, to)) await delegate(deps, who, ref, { shown, to, comment });
      return update("Handed on", `${to} is asked now. You cannot decide any more.`);
    }
    case "edited": {
      const args = await onRecord(deps, who, ref, async () => changed(question, typed));
      if (!wasEdited(question, who, args)) await edit(deps, who, ref, { shown, args });
      return update("Proposed", "It is checked like a new action, and everybody is asked about it again.");
    }
  }
}

/** @throws Refusal CS-2125 beside the field that is wrong */
function changed({ view }: Question, typed: ReadonlyMap<string, string>): JsonObject {
  const fields = editableFields(view);
  if (fields.length === 0) throw refusals.notWholeInSlack();
  const values = fields.flatMap(({ name }, index) => {
    const value = typed.get(fieldBlock(index));
    return value === undefined ? [] : [[name, value] as const];
  });
  try {
    return editedArgs(view.args, Object.fromEntries(values), Object.keys(view.nonces));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const at = fields.findIndex(({ name }) => name === error.details.field);
    throw at < 0 ? error : new Refusal("CS-2125", error.status, error.message, { block: fieldBlock(at) });
  }
}

/** The row of this very request is there when its answer was lost on the way to Slack: then it is done, and not too late. */
const wasHanded = ({ acts }: Question, { approver }: Who, to: string): boolean =>
  acts.some((act) => act.kind === "delegation" && isSamePerson(act.by, approver) && isSamePerson(act.to, to));
const wasEdited = ({ acts }: Question, { approver }: Who, args: JsonObject): boolean =>
  acts.some((act) => act.kind === "edit" && isSamePerson(act.by, approver) && sameJson(act.args, args));
