/** What has to be sent about a question by now and was not: from its rows alone. Pure. */
import { type Question, type QuestionState, stateOf } from "../../lib/approval/question.js";
import type { SentMessage } from "../../lib/aws/approvals.js";
import { personKey } from "../../lib/run/people.js";

export type Due =
  | { readonly what: "asked"; readonly kind: "asked"; readonly to: string; readonly handedBy: string }
  | { readonly what: "code"; readonly kind: string; readonly to: string; readonly link: string; readonly issue: number }
  | {
      readonly what: "question";
      readonly kind: string;
      readonly to: string;
      readonly by: string;
      readonly text: string;
    }
  | { readonly what: "answer"; readonly kind: string; readonly to: string; readonly by: string; readonly text: string }
  | { readonly what: "ended"; readonly kind: "decided" | "voided"; readonly to: string; readonly state: QuestionState };

export function dueMails(question: Question, sent: readonly SentMessage[], nowMs: number): readonly Due[] {
  const mailed = new Set(sent.filter(({ channel }) => channel === "mail").map(({ kind, to }) => `${kind} ${to}`));
  const state = stateOf(question, nowMs);
  const all = state.kind === "open" ? whileOpen(question) : ended(sent, state);
  return all.filter(({ kind, to }) => !mailed.has(`${kind} ${to}`));
}

/** When it is over nobody needs a code or an answer any more. */
function whileOpen({ view, acts }: Question): readonly Due[] {
  const questions = new Map(acts.flatMap((act) => (act.kind === "question" ? [[act.id, act] as const] : [])));
  return acts.flatMap((act): readonly Due[] => {
    switch (act.kind) {
      case "question":
        if (view.owner === null) return [];
        return [{ what: "question", kind: `question-${act.id}`, to: view.owner.email, by: act.by, text: act.text }];
      case "answer": {
        const to = questions.get(act.question)?.by;
        return to === undefined ? [] : [{ what: "answer", kind: `answer-${act.id}`, to, by: act.by, text: act.text }];
      }
      case "delegation":
        return [{ what: "asked", kind: "asked", to: personKey(act.to), handedBy: act.by }];
      case "code-wish": {
        const kind = `code-${act.issue}-${act.link.slice(0, 12)}`;
        return [{ what: "code", kind, to: act.by, link: act.link, issue: act.issue }];
      }
      default:
        return [];
    }
  });
}

/** Everybody who was asked is told, once how it was decided and once more when that no longer held. */
function ended(sent: readonly SentMessage[], state: QuestionState): readonly Due[] {
  const kind = state.kind === "voided" ? "voided" : "decided";
  return sent
    .filter((one) => one.channel === "mail" && one.kind === "asked")
    .map(({ to }) => ({ what: "ended", kind, to, state }));
}
