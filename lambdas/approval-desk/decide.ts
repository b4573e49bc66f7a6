/** A person decides. Every condition is checked here, on the server; the decision row is written before anyone is woken. */

import type * as z from "zod";
import { checkCode } from "../../lib/approval/challenge.js";
import { Refusal } from "../../lib/approval/refusal.js";
import { approvalStatus, matchesHash } from "../../lib/approval/status.js";
import type { ApprovalLink, Approvals } from "../../lib/aws/approvals.js";
import type { Control } from "../../lib/aws/control.js";
import type { TokenAnswerer } from "../../lib/aws/task-tokens.js";
import type { ApprovalDecision } from "../../lib/run/events.js";
import { viewHash } from "../../lib/run/hash.js";
import { isSamePerson } from "../../lib/run/people.js";
import type { ApprovalView, decisionForm } from "../../lib/run/protocol.js";
import { isoTime } from "../../lib/run/time.js";
import { logLine } from "../shared/log.js";

export interface DeskDeps {
  readonly stage: string;
  readonly approvals: Pick<
    Approvals,
    | "readLink"
    | "readRequest"
    | "readTokens"
    | "insertDecision"
    | "readDecisions"
    | "readCodes"
    | "takeTry"
    | "returnTry"
    | "readTries"
  >;
  readonly control: Pick<Control, "readBrake">;
  readonly tokens: TokenAnswerer;
  readonly nowMs: () => number;
}

/** What stands behind a link. */
export interface Opened {
  readonly linkId: string;
  readonly link: ApprovalLink;
  readonly view: ApprovalView;
  readonly decisions: readonly ApprovalDecision[];
}
export type DecisionForm = z.output<typeof decisionForm>;

/** @throws Refusal CS-2101 for an unknown link, CS-2112 when the request is not what the gate hashed */
export async function openLink({ approvals, stage }: DeskDeps, linkId: string): Promise<Opened> {
  const link = /^[A-Za-z0-9_-]{16,64}$/.test(linkId) ? await approvals.readLink(linkId) : undefined;
  if (link === undefined)
    throw new Refusal(
      "CS-2101",
      404,
      "link: there is no approval behind it; open the link of the mail as it is, to its end",
    );
  const ref = { workflow: link.workflow, approvalId: link.approval_id };
  const view = await approvals.readRequest(ref);
  if (view === undefined || view.stage !== stage || view.approval_id !== link.approval_id || !matchesHash(view))
    throw new Refusal(
      "CS-2112",
      409,
      "approval: the stored request does not match its hash, so it cannot be shown or decided; tell the workflow's owner",
    );
  return { linkId, link, view, decisions: await approvals.readDecisions(ref) };
}

/** Writes one person's decision. @throws Refusal; nothing was decided then */
export async function decide(
  deps: DeskDeps,
  opened: Opened,
  form: DecisionForm,
  channel: ApprovalDecision["channel"],
): Promise<Opened> {
  const { link, view } = opened;
  await refuseWhenOver(deps, opened);
  checkForm(view, link.approver, form);
  const brake = form.decision === "approve" ? await deps.control.readBrake(view.workflow) : undefined;
  if (brake?.on === true)
    throw new Refusal(
      "CS-2110",
      423,
      `approval: ${view.workflow} is stopped since ${brake.at}, so nothing can be approved; rejecting is possible`,
    );
  await codeRefusal(deps, opened.linkId, form.code);
  const decidedAtMs = deps.nowMs();
  if (decidedAtMs >= Date.parse(view.deadline)) throw expired(view);
  const decision = {
    approval_id: view.approval_id,
    approver: link.approver,
    decision: form.decision,
    channel,
    comment: form.comment.trim(),
    decided_at: isoTime(decidedAtMs),
    action_hash: view.action_hash,
    policy_set_hash: view.policy_set_hash,
    view_hash: viewHash(view),
  } as const;
  const inserted = await deps.approvals.insertDecision(view.workflow, decision);
  const ref = { workflow: view.workflow, approvalId: view.approval_id };
  const after = { ...opened, decisions: await deps.approvals.readDecisions(ref) };
  if (inserted === "exists" && !after.decisions.some((row) => isSame(row, decision))) {
    await wakeWhenOver(deps, after);
    throw decidedBefore(link.approver);
  }
  logLine("info", "decided", {
    workflow: view.workflow,
    run_id: view.run_id,
    approval_id: view.approval_id,
    decision: form.decision,
  });
  await wakeWhenOver(deps, after);
  return after;
}

/** The row that is there may be this one: its answer was lost, and the SDK wrote it again. */
const isSame = (row: ApprovalDecision, decision: ApprovalDecision): boolean =>
  row.approver === decision.approver && row.decision === decision.decision && row.decided_at === decision.decided_at;

/** The state machine is woken by whoever finds the approval over: the row that decides may be older than a failed wake-up. */
async function refuseWhenOver(deps: DeskDeps, opened: Opened): Promise<void> {
  const { view, decisions, link } = opened;
  const status = approvalStatus(view, decisions, deps.nowMs());
  if (status.kind === "expired") throw expired(view);
  if (status.kind !== "open") {
    await wakeWhenOver(deps, opened);
    throw new Refusal("CS-2106", 409, `approval: it was ${status.kind} already; the first decision counts`);
  }
  if (decisions.some(({ approver }) => approver === link.approver)) throw decidedBefore(link.approver);
}

function checkForm(view: ApprovalView, approver: string, form: DecisionForm): void {
  if (isSamePerson(view.requester, approver))
    throw new Refusal(
      "CS-2111",
      403,
      `approval: ${approver} asked for this run and cannot decide in it; another approver must`,
    );
  if (form.decision === "reject" && form.comment.trim() === "")
    throw new Refusal("CS-2108", 422, "comment: a rejection needs one; say why, the agent and the record will have it");
  const wanted = view.typed_confirmation;
  if (form.decision === "approve" && wanted !== null && form.confirmation.trim() !== wanted)
    throw new Refusal("CS-2109", 422, `confirmation: type ${wanted} exactly to approve what cannot be undone`);
}

async function codeRefusal({ approvals, nowMs }: DeskDeps, linkId: string, typed: string): Promise<void> {
  const answer = await checkCode(approvals, linkId, typed, nowMs());
  switch (answer.kind) {
    case "right":
      return;
    case "no-code":
      throw new Refusal(
        "CS-2102",
        422,
        "code: type the eight letters and digits of the mail; this did not count as a try",
      );
    case "wrong": {
      const left = answer.triesLeft;
      throw new Refusal(
        "CS-2103",
        403,
        `link: this code is wrong; ${left === 1 ? "1 try" : `${left} tries`} left. The code is in the mail that brought this link`,
        { tries_left: left },
      );
    }
    case "expired":
      throw new Refusal("CS-2117", 410, "code: the codes of this link have expired");
    case "locked":
      throw locked();
  }
}

async function wakeWhenOver({ approvals, tokens, nowMs }: DeskDeps, { view, decisions }: Opened): Promise<void> {
  const status = approvalStatus(view, decisions, nowMs());
  if (status.kind !== "approved" && status.kind !== "rejected") return;
  const ref = { workflow: view.workflow, approvalId: view.approval_id };
  for (const sealed of await approvals.readTokens(ref)) {
    const woken = await tokens.answer(ref, sealed);
    // Gone means answered before, or over: the gate reads the decision rows either way.
    logLine("info", "task token", {
      workflow: view.workflow,
      run_id: view.run_id,
      approval_id: view.approval_id,
      woken,
    });
  }
}

const locked = () =>
  new Refusal(
    "CS-2104",
    423,
    "link: locked after five wrong codes; another approver can decide, or nobody does and the deadline denies",
  );
const expired = (view: ApprovalView) =>
  new Refusal(
    "CS-2105",
    410,
    `approval: it expired at ${view.deadline} without a decision, which denies it; nobody rejected it`,
  );
const decidedBefore = (approver: string) =>
  new Refusal("CS-2107", 409, `approval: ${approver} has decided already; each person decides once`);
