/** What waits for a person, and what they decided. */
import type { Question, QuestionState } from "../../lib/approval/question.js";
import { durationText, instantText } from "../../lib/approval/times.js";
import { titleLine } from "../../lib/approval/wording.js";
import type { Session } from "../../lib/aws/sessions.js";
import { personKey } from "../../lib/run/people.js";
import { Exact, Page } from "./layout.js";

export interface InboxRow {
  readonly question: Question;
  readonly state: QuestionState;
}
interface InboxProps {
  readonly session: Session;
  /** deadline to come, soonest first */
  readonly waiting: readonly InboxRow[];
  /** deadline over, latest first */
  readonly past: readonly InboxRow[];
  readonly nowMs: number;
}

export function InboxPage({ session, waiting, past, nowMs }: InboxProps) {
  const decided = ({ question }: InboxRow) => mine(question, session.email) !== undefined;
  const open = waiting.filter((row) => row.state.kind === "open" && !decided(row));
  const done = [...waiting.filter((row) => !open.includes(row)), ...past];
  return (
    <Page title="Inbox">
      <h1>Waiting for you</h1>
      {open.length === 0 ? <p>Nothing.</p> : <Rows rows={open} session={session} nowMs={nowMs} />}
      <h2>Decided or over</h2>
      {done.length === 0 ? <p>Nothing.</p> : <Rows rows={done} session={session} nowMs={nowMs} />}
      <form method="post" action="/sign-out" class="small">
        <p class="hint">Signed in as {session.email}.</p>
        <button class="plain" type="submit">
          Sign out
        </button>
      </form>
    </Page>
  );
}

export function SignedOutPage() {
  return (
    <Page title="Signed out">
      <h1>You are signed out here</h1>
      <p>Your company's provider may still know you: sign out there too on a computer that others use.</p>
      <p>
        <a href="/inbox">Sign in again</a>
      </p>
    </Page>
  );
}

function Rows({ rows, session, nowMs }: { rows: readonly InboxRow[]; session: Session; nowMs: number }) {
  return (
    <table class="inbox">
      <thead>
        <tr>
          <th scope="col">What</th>
          <th scope="col">Until</th>
          <th scope="col">How it stands</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ question, state }) => {
          const { view, ref } = question;
          const zone = view.time_zones[session.email] ?? session.timeZone ?? view.time_zone;
          const leftMs = Date.parse(view.deadline) - nowMs;
          return (
            <tr>
              <th scope="row">
                <a href={`/inbox/${ref.workflow}/${ref.approvalId}`}>
                  <Exact text={titleLine(view)} />
                </a>
                <div class="soft">
                  {view.workflow} · {view.tenant}
                </div>
              </th>
              <td>
                {instantText(view.deadline, zone)}
                {state.kind === "open" && leftMs > 0 && <div class="soft">in {durationText(leftMs)}</div>}
              </td>
              <td>{standingText(question, state, session.email)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

const mine = (question: Question, email: string) =>
  question.decisions.find(({ approver }) => personKey(approver) === personKey(email));

function standingText(question: Question, state: QuestionState, email: string): string {
  const own = mine(question, email);
  const said = own === undefined ? "" : own.decision === "approve" ? "You approved. " : "You rejected. ";
  if (state.kind !== "open") return `${said}${state.kind[0]?.toUpperCase()}${state.kind.slice(1)}.`;
  return `${said}${state.approvals} of ${question.view.needed} approvals given.`;
}
