/** The approval page, top to bottom: title, changes, arguments, why, based on, what the agent says, sums, who, deadline, form. */
import { approvalStatus } from "../../lib/approval/status.js";
import { durationText, instantText } from "../../lib/approval/times.js";
import { reversibilityText, titleLine } from "../../lib/approval/wording.js";
import type { ApprovalDecision } from "../../lib/run/events.js";
import { callerName } from "../../lib/run/people.js";
import type { ApprovalView } from "../../lib/run/protocol.js";
import { AgentSays, Arguments, Changes, Reasons, Sums } from "./action.js";
import type { Opened } from "./decide.js";
import { DecisionForm, type Typed } from "./form.js";
import { Alert, Exact, Page, type Problem } from "./layout.js";

export interface ApprovalPageProps {
  readonly opened: Opened;
  readonly nowMs: number;
  readonly problem?: Problem | undefined;
  readonly typed?: Typed | undefined;
}

export function ApprovalPage({ opened, nowMs, problem, typed }: ApprovalPageProps) {
  const { view, decisions, link } = opened;
  const status = approvalStatus(view, decisions, nowMs);
  const mine = decisions.some(({ approver }) => approver === link.approver);
  return (
    <Page title={titleLine(view)}>
      <p class="soft">
        {view.workflow} · {view.tenant} · {view.stage}
      </p>
      <h1>
        <Exact text={view.title} />:{" "}
        <span class={view.reversibility === "irreversible" ? "grave" : ""}>{reversibilityText(view)}</span>
      </h1>
      {problem !== undefined && <Alert code={problem.code} message={problem.message} />}
      <Standing view={view} decisions={decisions} kind={status.kind} />
      <Changes view={view} />
      <Arguments view={view} />
      <Reasons view={view} />
      <AgentSays view={view} />
      <Sums view={view} />
      <Origin view={view} />
      {status.kind === "open" && <Deadline view={view} nowMs={nowMs} />}
      {status.kind === "open" && !mine && <DecisionForm view={view} approver={link.approver} typed={typed} />}
    </Page>
  );
}

interface StandingProps {
  readonly view: ApprovalView;
  readonly decisions: readonly ApprovalDecision[];
  readonly kind: ReturnType<typeof approvalStatus>["kind"];
}

/** Who decided what, when and with which words: for everyone who opens the link. */
function Standing({ view, decisions, kind }: StandingProps) {
  if (decisions.length === 0 && kind === "open") return null;
  return (
    <div class="note" role="status">
      {kind === "expired" && (
        <p>
          <strong>Expired at {instantText(view.deadline, view.time_zone)}.</strong> Nobody decided in time, so the
          answer is no. Nobody rejected it.
        </p>
      )}
      {kind === "approved" && (
        <p>
          <strong>Approved.</strong> The gate checks everything again before it runs.
        </p>
      )}
      {kind === "rejected" && (
        <p>
          <strong>Rejected.</strong> It will not run.
        </p>
      )}
      {kind === "open" && (
        <p>
          {decisions.length} of {view.needed} approvals given; {view.needed - decisions.length} more needed.
        </p>
      )}
      <ul>
        {decisions.map(({ approver, decision, decided_at: at, channel, comment }) => (
          <li>
            {decision === "approve" ? "Approved" : "Rejected"} by {approver}, {instantText(at, view.time_zone)}, on the{" "}
            {channel}
            {comment !== "" && (
              <>
                : “<Exact text={comment} />”
              </>
            )}
          </li>
        ))}
      </ul>
    </div>
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

function Deadline({ view, nowMs }: { readonly view: ApprovalView; readonly nowMs: number }) {
  const leftMs = Date.parse(view.deadline) - nowMs;
  return (
    <section aria-labelledby="deadline">
      <h2 id="deadline">Until when</h2>
      <p>
        Decide by <strong>{instantText(view.deadline, view.time_zone)}</strong>
        {leftMs > 0 ? `, in ${durationText(leftMs)}` : ", which is over"}. No answer means <strong>no</strong>.
      </p>
    </section>
  );
}
