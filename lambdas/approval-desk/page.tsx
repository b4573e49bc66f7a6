/** The approval page, top to bottom: title, changes, arguments, why, based on, what the agent says, sums, who, deadline, form. */
import type { Wish } from "../../lib/approval/act.js";
import type { Question } from "../../lib/approval/question.js";
import { standing, stateOf } from "../../lib/approval/question.js";
import { clockText, durationText, instantText } from "../../lib/approval/times.js";
import { messageTitle, reversibilityText, titleLine, titleOf } from "../../lib/approval/wording.js";
import { callerName, personKey } from "../../lib/run/people.js";
import type { ApprovalView } from "../../lib/run/protocol.js";
import { isWholeAction } from "../../lib/run/withheld.js";
import { AgentSays, Arguments, Changes, Reasons, Sums } from "./action.js";
import { AnswerForm, DecisionForm, FreshCode, SomeIsHidden, type Typed } from "./form.js";
import { AfterSignIn, Alert, Exact, Page, type Problem } from "./layout.js";
import type { Form, Visitor } from "./open.js";
import { Standing } from "./standing.js";

/** What was just done. */
export type PageNotice =
  | { readonly kind: "code"; readonly wish: Wish }
  | { readonly kind: "done"; readonly act: Form["fields"]["decision"] };

export interface ApprovalPageProps {
  readonly question: Question;
  readonly visitor: Visitor;
  readonly nowMs: number;
  readonly problem?: Problem | undefined;
  readonly notice?: PageNotice | undefined;
  readonly typed?: Typed | undefined;
}

export function ApprovalPage({ question, visitor, nowMs, problem, notice, typed }: ApprovalPageProps) {
  const { view } = question;
  const state = stateOf(question, nowMs);
  const timeZone = view.time_zones[visitor.person] ?? visitor.timeZone ?? view.time_zone;
  return (
    <Page title={view.withheld === undefined ? titleLine(view) : messageTitle(view)}>
      <p class="soft">
        {view.workflow} · {view.tenant} · {view.stage}
      </p>
      <h1>
        <Exact text={titleOf(view)} />:{" "}
        <span class={view.reversibility === "irreversible" ? "grave" : ""}>{reversibilityText(view)}</span>
      </h1>
      {problem !== undefined && <Alert code={problem.code} message={problem.message} />}
      {notice !== undefined && <Notice notice={notice} address={visitor.person} />}
      {visitor.csrf === null && <SomeIsHidden question={question} />}
      <Standing question={question} state={state} timeZone={timeZone} />
      <Edited view={view} />
      <Changes view={view} />
      <Arguments view={view} />
      <Reasons view={view} />
      <AgentSays view={view} />
      <Sums view={view} />
      <Origin view={view} />
      {state.kind === "open" && (
        <>
          <Deadline view={view} timeZone={timeZone} nowMs={nowMs} />
          <Forms question={question} visitor={visitor} nowMs={nowMs} typed={typed} />
        </>
      )}
    </Page>
  );
}

type FormsProps = Pick<ApprovalPageProps, "question" | "visitor" | "nowMs" | "typed">;

function Forms({ question, visitor, nowMs, typed }: FormsProps) {
  const { person, role, csrf } = visitor;
  if (role === "owner")
    return (
      <>
        <AnswerForm question={question} typed={typed} />
        <FreshCode address={person} />
      </>
    );
  if (question.decisions.some(({ approver }) => approver === personKey(person))) return null;
  const where = standing(question, person, nowMs);
  if (where === "delegated") return <p class="note">You handed this decision on.</p>;
  if (where !== "decider") return <p class="note">You are not asked to decide this now.</p>;
  // What is not seen is not decided: the note on top says where it is.
  if (csrf === null && !isWholeAction(question.view)) return null;
  return (
    <>
      <DecisionForm question={question} person={person} csrf={csrf} typed={typed} nowMs={nowMs} />
      {csrf === null && question.asked.sign_in === "code" && <FreshCode address={person} />}
    </>
  );
}

function Notice({ notice, address }: { readonly notice: PageNotice; readonly address: string }) {
  const text = noticeText(notice, address);
  return text === null ? null : (
    <p class="note" role="status">
      {text}
    </p>
  );
}

function noticeText(notice: PageNotice, address: string): string | null {
  if (notice.kind === "code")
    return notice.wish.kind === "wished"
      ? `A fresh code is on its way to ${address}.`
      : `A code was sent to ${address} already. Another can be sent at ${clockText(notice.wish.againAt, "UTC")} UTC.`;
  switch (notice.act) {
    case "ask":
      return "Your question was sent. The answer will appear here, and in your mail.";
    case "answer":
      return "Your answer is shown to everybody who may decide.";
    case "delegate":
      return "The decision was handed on.";
    default:
      return null;
  }
}

/** What the agent proposed, where a person put something else in its place; and why an edit was not taken. */
function Edited({ view }: { readonly view: ApprovalView }) {
  const { edited_by: editor, original_args: original, edit_refused: refused } = view;
  return (
    <>
      {editor !== null && original !== null && (
        <section aria-labelledby="edited">
          <h2 id="edited">Changed by {editor}</h2>
          <p class="soft">The agent proposed something else:</p>
          <Arguments view={{ ...view, args: original }} id="original" title="What the agent proposed" />
        </section>
      )}
      {editor !== null && view.withheld !== undefined && (
        <p class="soft">
          Changed by {editor}; what the agent proposed: <AfterSignIn />
        </p>
      )}
      {refused !== null && (
        <div class="note">
          <p>
            <strong>A change by {refused.by} was not taken.</strong> This is the question as it was before.
          </p>
          <ul>
            {refused.reasons.map((reason) => (
              <li>
                <Exact text={reason} />
              </li>
            ))}
          </ul>
        </div>
      )}
    </>
  );
}

function Origin({ view }: { readonly view: ApprovalView }) {
  return (
    <section aria-labelledby="origin">
      <h2 id="origin">Who asked</h2>
      <p>
        <strong>
          <Exact text={callerName(view.requester)} />
        </strong>
        , run <code>{view.run_id}</code>, step {view.turn}: {view.purpose}
      </p>
      <p class="soft">
        Signed in as <Exact text={view.requester} />.
      </p>
      <p class="soft">
        Bound to action <code>{view.action_hash.slice(0, 16)}</code>, contract{" "}
        <code>{view.contract_hash.slice(0, 16)}</code>, policies <code>{view.policy_set_hash.slice(0, 16)}</code>. After
        the approval everything is checked again: another action, preview or contract needs a new approval, and policies
        that changed decide anew.
      </p>
    </section>
  );
}

interface DeadlineProps {
  readonly view: ApprovalView;
  readonly timeZone: string;
  readonly nowMs: number;
}

function Deadline({ view, timeZone, nowMs }: DeadlineProps) {
  const leftMs = Date.parse(view.deadline) - nowMs;
  return (
    <section aria-labelledby="deadline">
      <h2 id="deadline">Until when</h2>
      <p>
        Decide by <strong>{instantText(view.deadline, timeZone)}</strong>
        {leftMs > 0 ? `, in ${durationText(leftMs)}` : ", which is over"}. No answer means <strong>no</strong>.
      </p>
    </section>
  );
}
