/** Ten thousand waiting approvals: how long an operator's list and a person's inbox take, over the wire of the embedded cloud. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { readQuestion } from "../lib/approval/question.js";
import { listApprovals } from "../lib/aws/approval-index.js";
import { type Approvals, dynamoApprovals } from "../lib/aws/approvals.js";
import { dynamoInbox } from "../lib/aws/inbox.js";
import { startRun } from "../lib/client/front-door.js";
import { actionHash, proposalStep } from "../lib/run/hash.js";
import type { ApprovalView } from "../lib/run/protocol.js";
import { redactWithNonces } from "../lib/run/redact.js";
import { fillTimes } from "../lib/scenario/format.js";
import type { Session } from "../lib/scenario/session.js";
import { sessionConnection } from "../lib/scenario/session-connection.js";
import type { Benchmark } from "./measure.js";
import { referenceScenario, WORKFLOW, withSession } from "./reference.js";

const WAITING = 10_000;
/** What an inbox shows of each kind. */
const PAGE = 50;
const AT_ONCE = 50;

export const inbox: Benchmark = {
  name: "inbox",
  about: `${WAITING.toLocaleString("en")} waiting approvals: the whole list as \`approval list\` reads it, and one person's inbox`,
  run: () => withSession(measure),
};

async function measure(session: Session) {
  // Each as the function or person that does it, so that the policies are checked too.
  const desk = tableAs(session, "approval-desk");
  const approvals = dynamoApprovals(desk);
  await fill(dynamoApprovals(tableAs(session, "approval-request")), await askedView(session, approvals));
  const nowMs = Date.now();
  const began = performance.now();
  const listed = await listApprovals(tableAs(session, "people", "Approver"), WORKFLOW, nowMs, "waiting");
  const listMs = performance.now() - began;
  const opened = performance.now();
  const refs = await dynamoInbox(desk).asked("ana@example.com", "waiting", new Date(nowMs).toISOString(), PAGE);
  await Promise.all(refs.map((one) => readQuestion({ stage: "dev", approvals, nowMs: Date.now }, one)));
  const inboxMs = performance.now() - opened;
  return [
    { name: "waiting approvals listed", value: listed.length, unit: "" },
    { name: "the whole list", value: listMs, unit: "ms" },
    { name: `an inbox of ${refs.length}, the next deadlines first`, value: inboxMs, unit: "ms" },
  ];
}

/** The approvals table as the one role of a zone sees it. */
function tableAs({ cloud }: Session, zone: string, part = "") {
  const role = cloud.roles.list().find(({ arn }) => arn.includes(`/countersign/dev/${zone}/`) && arn.includes(part));
  if (role === undefined) throw new Error(`no role below ${zone}`);
  const { region } = cloud.context;
  const client = new DynamoDBClient({ region, endpoint: cloud.endpoint, credentials: cloud.credentialsFor(role.arn) });
  return { client, table: cloud.outputs("countersign-dev").ApprovalsTable ?? "" };
}

/** One question as the gate asks it. */
async function askedView(session: Session, approvals: Approvals): Promise<ApprovalView> {
  const { scenario } = await referenceScenario();
  session.script(WORKFLOW, scenario.turns);
  const { run_id } = await startRun(sessionConnection(session), WORKFLOW, {
    input: fillTimes(scenario.input, Date.now()),
  });
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    const mail = session.cloud.ses.mailbox.list().find(({ text }) => text.includes(run_id));
    const link = /\/approvals\/([A-Za-z0-9_-]+)/.exec(mail?.text ?? "")?.[1];
    const found = link === undefined ? undefined : await approvals.readLink(link);
    if (found === undefined) continue;
    const view = await approvals.readRequest({ workflow: found.workflow, approvalId: found.approval_id });
    if (view !== undefined) return view;
  }
}

async function fill(approvals: Approvals, view: ApprovalView): Promise<void> {
  for (let at = 0; at < WAITING; at += AT_ONCE)
    await Promise.all(
      Array.from({ length: AT_ONCE }, async (_, index) => {
        const one = another(view, at + index);
        const { workflow, approval_id, deadline: expires_at } = one;
        await approvals.insertRequest(one);
        await approvals.insertLink(`bench-link-${at + index}-abcdefgh`, {
          workflow,
          approval_id,
          approver: "ana@example.com",
          role: "approver",
          expires_at,
        });
      }),
    );
}

/** The same question of another run, with the hash that goes with it. */
function another(view: ApprovalView, n: number): ApprovalView {
  const copy = {
    ...view,
    run_id: `${view.run_id.slice(0, 60)}-${n}`,
    approval_id: `ap_${String(n).padStart(32, "0")}`,
  };
  return {
    ...copy,
    action_hash: actionHash({
      run_id: copy.run_id,
      step: proposalStep(copy.turn),
      tool: copy.tool,
      tool_schema_hash: copy.tool_schema_hash,
      args: redactWithNonces(copy.args, copy.sensitive_paths, copy.nonces),
      contract_hash: copy.contract_hash,
      stage: copy.stage,
      expires_at: copy.deadline,
    }),
  };
}
