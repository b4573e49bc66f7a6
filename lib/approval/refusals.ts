/** Every way in which a decision is not taken, with what is allowed instead. */
import type { ApprovalView } from "../run/protocol.js";
import type { Question, QuestionState } from "./question.js";
import { Refusal } from "./refusal.js";

/** Who, when and how; for people who come after. */
export function over(question: Question, state: QuestionState): Refusal {
  switch (state.kind) {
    case "open":
      return new Refusal("CS-2106", 409, "approval: it is not open any more; open the link again");
    case "approved":
    case "rejected": {
      const named = question.decisions.filter(({ approver }) => question.closing?.by.includes(approver) ?? true);
      const who = named.map(({ approver, decided_at: at }) => `${approver} at ${at}`).join(" and ");
      return new Refusal("CS-2106", 409, `approval: it was ${state.kind} by ${who}; the first decision counts`);
    }
    case "edited":
      return new Refusal(
        "CS-2122",
        409,
        `approval: ${state.by} changed the arguments, so this question is over; a new one follows and is sent to everybody`,
        state.next === null ? {} : { next: state.next },
      );
    case "expired":
      return new Refusal(
        "CS-2105",
        410,
        `approval: it expired at ${question.view.deadline} without a decision, which denies it; nobody rejected it`,
      );
    case "voided":
      return new Refusal(
        "CS-2123",
        409,
        `approval: it no longer holds (${state.reasons.join("; ")}); nothing runs, and the agent may propose again`,
      );
    case "stopped":
      return new Refusal("CS-2124", 410, "approval: the run ended before a decision took effect; nothing runs");
  }
}

export const otherThanShown = () =>
  new Refusal(
    "CS-2121",
    409,
    "approval: what you had before you is not what is asked; open the link again and look at it anew",
  );
export const notAsked = (who: string) =>
  new Refusal("CS-2118", 403, `approval: ${who} is not among the people who are asked; one of them must decide`);
export const notYet = ({ escalation }: ApprovalView, who: string) => {
  const at = escalation.find(({ people }) => people.includes(who.toLowerCase()))?.at;
  const when = at === undefined ? "until somebody hands it to them" : `before ${at}, unless it is handed to them`;
  return new Refusal("CS-2118", 403, `approval: ${who} cannot decide ${when}`);
};
export const handedOn = (who: string, to: string) =>
  new Refusal("CS-2119", 409, `approval: ${who} handed the decision to ${to} and cannot decide any more`);
export const ownRun = (who: string) =>
  new Refusal("CS-2111", 403, `approval: ${who} asked for this run and cannot decide in it; another approver must`);
export const decidedBefore = (who: string) =>
  new Refusal("CS-2107", 409, `approval: ${who} has decided already; each person decides once`);
export const tooWeak = ({ needed }: ApprovalView) =>
  new Refusal(
    "CS-2120",
    403,
    `approval: a code from a mail is not enough ${needed > 1 ? "where two people must decide, as a forwarded mail carries it along" : "for this workflow"}; sign in, or decide in Slack or on the command line`,
  );
export const notWholeByLink = () =>
  new Refusal(
    "CS-2133",
    403,
    "approval: some of what is asked is sensitive and is shown only after sign-in, so a code from a mail does not decide it; sign in, or decide with an AWS identity",
  );
export const noComment = (_view: ApprovalView) =>
  new Refusal("CS-2108", 422, "comment: a rejection needs one; say why, the agent and the record will have it");
export const stopped = ({ workflow }: ApprovalView, since: string) =>
  new Refusal(
    "CS-2110",
    423,
    `approval: ${workflow} is stopped since ${since}, so nothing can be approved; rejecting is possible`,
  );
export const notConfirmed = (wanted: string) =>
  new Refusal("CS-2109", 422, `confirmation: type ${wanted} exactly to approve what cannot be undone`);
export const noCode = () =>
  new Refusal("CS-2102", 422, "code: type the eight letters and digits of the mail; this did not count as a try");
export const wrongCode = (left: number) =>
  new Refusal(
    "CS-2103",
    403,
    `link: this code is wrong; ${left === 1 ? "1 try" : `${left} tries`} left. The code is in the mail that brought this link, and a fresh one can be sent`,
    { tries_left: left },
  );
export const codesExpired = () =>
  new Refusal("CS-2117", 410, "code: the codes of this link have expired; have a fresh one sent");
export const locked = () =>
  new Refusal(
    "CS-2104",
    423,
    "link: locked after five wrong codes; have a fresh code sent to the approver's own address, or sign in",
  );
export const unknownSlackUser = (who: string) =>
  new Refusal(
    "CS-2140",
    403,
    `slack: the user ${who} is none of the approvers of this contract; add them to approvers.slack.users, or decide by mail`,
  );
export const notWholeInSlack = () =>
  new Refusal(
    "CS-2141",
    409,
    "slack: this message does not show all that an approval is bound to; approve on the page, whose link is in the message",
  );
export const nobodyElse = () =>
  new Refusal(
    "CS-2127",
    409,
    "delegate: the contract names nobody else who could decide; decide, or let the time end it",
  );
