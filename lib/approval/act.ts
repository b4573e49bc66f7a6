/** What people do besides deciding: ask the run's owner, answer, hand the decision on, change the arguments, have a fresh code sent. */
import type { ApprovalLink, Approvals } from "../aws/approvals.js";
import { type ActOf, MAX_WORDS } from "../run/acts.js";
import type { JsonObject } from "../run/canonical.js";
import { sha256Hex } from "../run/canonical.js";
import { cut } from "../run/cut.js";
import { personKey } from "../run/people.js";
import { isoTime } from "../run/time.js";
import { checkMethod, type DecideDeps, mayAct, onRecord } from "./decide.js";
import { openQuestion, type Question, settle, standing, stateOf } from "./question.js";
import { Refusal } from "./refusal.js";
import * as refusals from "./refusals.js";
import type { Who } from "./who.js";

/** Of one approval; nobody needs more, and the table must not be filled. */
const MAX_QUESTIONS = 20;
/** Fresh codes: some at once, then no more than one in this time, so that a robot that presses the button sends no flood of mail. */
const FREE_WISHES = 3;
const WISH_PAUSE_MS = 60_000;
const LATER_WISH_PAUSE_MS = 10 * 60_000;

export interface Acting {
  /** as typed; for method `code` */
  readonly code?: string;
  /** `viewHash` of what the person had before them */
  readonly shown?: string;
}

/** Sends a question to the run's owner. The clock goes on. */
export async function askOwner(
  deps: DecideDeps,
  who: Who,
  ref: Question["ref"],
  what: Acting & { readonly text: string },
): Promise<Question> {
  return act(deps, who, ref, what, (question) => {
    const text = wanted(what.text, "question");
    if (question.acts.filter(({ kind }) => kind === "question").length >= MAX_QUESTIONS)
      throw new Refusal("CS-2126", 409, `question: ${MAX_QUESTIONS} were asked already; decide, or reject and say why`);
    return { kind: "question", id: idOf(who.approver, text), ...by(deps, who), text };
  });
}

/** Hands the decision to somebody else who may be asked. */
export async function delegate(
  deps: DecideDeps,
  who: Who,
  ref: Question["ref"],
  what: Acting & { readonly to: string; readonly comment: string },
): Promise<Question> {
  return act(deps, who, ref, what, (question) => {
    const to = personKey(what.to);
    const where = standing(question, to, deps.nowMs());
    if (to === personKey(who.approver) || to === "" || where === "nobody" || where === "delegated")
      throw new Refusal(
        "CS-2127",
        422,
        `delegate: ${to === "" ? "nobody" : to} cannot be handed the decision; choose one of ${othersFor(question, who.approver, deps.nowMs()).join(", ") || "nobody: the contract names no one else"}`,
      );
    return { kind: "delegation", ...by(deps, who), to, comment: cut(what.comment.trim(), MAX_WORDS) };
  });
}

/** Proposes other arguments: the gate judges them as a new action, and everybody is asked about it again. */
export async function edit(
  deps: DecideDeps,
  who: Who,
  ref: Question["ref"],
  what: Acting & { readonly args: JsonObject },
): Promise<Question> {
  return act(deps, who, ref, what, ({ view, asked }) => ({
    kind: "edit",
    n: 1,
    ...by(deps, who),
    args: what.args,
    action_hash: view.action_hash,
    view_hash: asked.view_hash,
  }));
}

/** The run's owner answers a question; everybody who may decide sees it. */
export async function answer(
  deps: DecideDeps,
  who: Who,
  ref: Question["ref"],
  what: Acting & { readonly question: string; readonly text: string },
): Promise<Question> {
  const question = await openQuestion(deps, ref);
  return onRecord(deps, who, ref, async () => {
    const state = stateOf(question, deps.nowMs());
    if (state.kind !== "open") throw refusals.over(question, state);
    if (personKey(question.view.owner?.email ?? "") !== personKey(who.approver))
      throw new Refusal("CS-2128", 403, `answer: ${who.approver} is not the run's owner, who is asked`);
    const asked = question.acts.find((one) => one.kind === "question" && one.id === what.question);
    if (asked === undefined)
      throw new Refusal("CS-2128", 404, "answer: there is no such question; open the link again");
    const text = wanted(what.text, "answer");
    await checkMethod(deps, who, what.code);
    const id = idOf(what.question, text);
    await deps.approvals.insertAct(ref, { kind: "answer", id, question: what.question, ...by(deps, who), text });
    return settle(deps, question);
  });
}

/** What a wish for a code came to. */
export type Wish =
  | { readonly kind: "wished" }
  /** one is on its way, or was sent a moment ago */
  | { readonly kind: "soon"; readonly againAt: string };

/** Has a fresh code sent to the address of the link: whoever holds only the link gains nothing by it. */
export async function wishCode(
  { approvals, nowMs }: { readonly approvals: Pick<Approvals, "readActs" | "insertAct">; readonly nowMs: () => number },
  linkId: string,
  link: ApprovalLink,
): Promise<Wish> {
  const ref = { workflow: link.workflow, approvalId: link.approval_id };
  const wishes = (await approvals.readActs(ref)).filter(
    (one): one is ActOf<"code-wish"> => one.kind === "code-wish" && one.link === linkId,
  );
  const last = wishes.at(-1);
  const pause = wishes.length < FREE_WISHES ? WISH_PAUSE_MS : LATER_WISH_PAUSE_MS;
  const againMs = last === undefined ? 0 : Date.parse(last.at) + pause;
  if (nowMs() < againMs) return { kind: "soon", againAt: isoTime(againMs) };
  const issue = (last?.issue ?? 0) + 1;
  const at = isoTime(nowMs());
  // Two at once are one.
  await approvals.insertAct(ref, { kind: "code-wish", link: linkId, issue, by: link.approver, at });
  return { kind: "wished" };
}

/** Who the decision may be handed to. */
export function othersFor(question: Question, person: string, nowMs: number): readonly string[] {
  const { approvers, escalation, delegates } = question.asked;
  const all = [...approvers, ...escalation.flatMap(({ people }) => people), ...delegates].map(personKey);
  return [...new Set(all)].filter((one) => {
    if (one === personKey(person)) return false;
    const where = standing(question, one, nowMs);
    return where === "decider" || where === "later";
  });
}

async function act(
  deps: DecideDeps,
  who: Who,
  ref: Question["ref"],
  { code, shown }: Acting,
  make: (question: Question) => Parameters<Approvals["insertAct"]>[1],
): Promise<Question> {
  const question = await openQuestion(deps, ref);
  return onRecord(deps, who, ref, async () => {
    mayAct(deps, who, question, shown);
    const made = make(question);
    await checkMethod(deps, who, code);
    if (deps.nowMs() >= Date.parse(question.view.deadline))
      throw refusals.over(question, { kind: "expired", approvals: 0 });
    const inserted = await deps.approvals.insertAct(ref, made);
    const after = await settle(deps, question);
    const state = stateOf(after, deps.nowMs());
    const mine = state.kind === "open" || (made.kind === "edit" && state.kind === "edited");
    if (!mine || (made.kind === "edit" && inserted === "exists" && !isMine(after, made.by)))
      throw refusals.over(after, state);
    return after;
  });
}

const isMine = ({ acts }: Question, person: string) =>
  acts.some((one) => one.kind === "edit" && personKey(one.by) === personKey(person));

const by = ({ nowMs }: Pick<DecideDeps, "nowMs">, who: Who) => ({
  by: personKey(who.approver),
  channel: who.channel,
  method: who.method,
  at: isoTime(nowMs()),
});

/** The same words by the same person are the same question: a form that was sent twice asks once. */
const idOf = (person: string, text: string) => sha256Hex(JSON.stringify([personKey(person), text])).slice(0, 24);

function wanted(text: string, what: string): string {
  const trimmed = text.trim();
  if (trimmed === "") throw new Refusal("CS-2126", 422, `${what}: it is empty; write it into the comment`);
  return cut(trimmed, MAX_WORDS);
}
