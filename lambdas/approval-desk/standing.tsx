/** Who did what, when and how, and what came of it: for everyone who opens the link, also long after. */
import type { Question, QuestionState } from "../../lib/approval/question.js";
import { ranWords } from "../../lib/approval/ran.js";
import { instantText } from "../../lib/approval/times.js";
import { Exact } from "./layout.js";

interface StandingProps {
  readonly question: Question;
  readonly state: QuestionState;
  readonly timeZone: string;
}

export function Standing({ question, state, timeZone }: StandingProps) {
  const { view, decisions, acts } = question;
  const answers = acts.filter((act) => act.kind !== "refused" && act.kind !== "code-wish");
  if (decisions.length === 0 && answers.length === 0 && state.kind === "open") return null;
  const counted = (person: string) => question.closing?.by.includes(person) ?? true;
  return (
    <div class="note" role="status">
      <Ending {...{ question, state, timeZone }} />
      <ul>
        {decisions.map(({ approver, decision, decided_at: at, channel, method, comment }) => (
          <li>
            {decision === "approve" ? "Approved" : "Rejected"} by {approver}, {instantText(at, timeZone)},{" "}
            {HOW[channel]}
            {method === undefined || method === "code" ? "" : ` (${METHOD[method]})`}
            {!counted(approver) && decision === "approve" && state.kind === "rejected" && ", before it was rejected"}
            {!counted(approver) && state.kind === "approved" && ", after it was decided: this did not count"}
            {comment !== "" && (
              <>
                : “<Exact text={comment} />”
              </>
            )}
          </li>
        ))}
        {answers.map((act) => (
          <li>
            {act.kind === "question" && (
              <>
                {act.by} asked the owner, {instantText(act.at, timeZone)}: “<Exact text={act.text} />”
              </>
            )}
            {act.kind === "answer" && (
              <>
                {act.by} answered, {instantText(act.at, timeZone)}: “<Exact text={act.text} />”
              </>
            )}
            {act.kind === "delegation" && (
              <>
                {act.by} handed the decision to {act.to}, {instantText(act.at, timeZone)}
              </>
            )}
            {act.kind === "edit" && (
              <>
                {act.by} changed the arguments, {instantText(act.at, timeZone)}
              </>
            )}
          </li>
        ))}
      </ul>
      {state.kind === "open" && view.needed > 1 && <p>One rejection ends it.</p>}
    </div>
  );
}

const HOW = { page: "on the page", cli: "on the command line", slack: "in Slack" } as const;
const METHOD = { oidc: "signed in", slack: "signed by Slack", iam: "AWS identity", code: "code" } as const;

function Ending({ question, state, timeZone }: StandingProps) {
  const { view } = question;
  switch (state.kind) {
    case "open":
      return view.needed > 1 || state.approvals > 0 ? (
        <p>
          {state.approvals} of {view.needed} approvals given; {view.needed - state.approvals} more needed.
        </p>
      ) : null;
    case "approved":
      return (
        <p>
          <strong>Approved.</strong> <Ran question={question} timeZone={timeZone} />
        </p>
      );
    case "rejected":
      return (
        <p>
          <strong>Rejected.</strong> It will not run.
        </p>
      );
    case "expired":
      return (
        <p>
          <strong>Expired at {instantText(view.deadline, timeZone)}.</strong> Nobody decided in time, so the answer is
          no. Nobody rejected it.
        </p>
      );
    case "edited":
      return (
        <p>
          <strong>Changed by {state.by}.</strong> This question is over. What was changed is checked like a new action,
          and everybody is sent the question that takes its place.
        </p>
      );
    case "voided":
      return (
        <p>
          <strong>No longer holds.</strong> It was decided, and then everything was checked again: nothing ran.{" "}
          <Exact text={state.reasons.join("; ")} />
        </p>
      );
    case "stopped":
      return (
        <p>
          <strong>Over.</strong> The run ended before anybody decided. Nothing ran.
        </p>
      );
  }
}

function Ran({ question, timeZone }: Pick<StandingProps, "question" | "timeZone">) {
  const ran = ranWords(question, timeZone);
  if (ran !== null) return <Exact text={ran} />;
  const permitted = question.outcomes.some((outcome) => outcome.kind === "permitted");
  return <>{permitted ? "It is running." : "The gate checks everything again before it runs."}</>;
}
