/** Reads the questions of a stage and measures them. Needs `dynamodb:Query` and `GetItem` on the approvals table and its index. */
import { measuredRows } from "../approval/measures.js";
import { answersTo } from "../approval/question.js";
import type { AskedOf } from "../approval/stats.js";
import { askedViews } from "../aws/approval-index.js";
import { dynamoApprovals } from "../aws/approvals.js";
import type { TableRef } from "../aws/dynamo.js";
import type { ApprovalView } from "../run/protocol.js";

/** As many are read at once. */
const READS = 32;

/** @param since ISO: asked then or later */
export async function measuredQuestions(
  ref: TableRef,
  workflow: string,
  since: string | undefined,
  nowMs: number,
  progress: (done: number, of: number) => void = () => {},
): Promise<readonly AskedOf[]> {
  const approvals = dynamoApprovals(ref);
  const views = await askedViews(ref, workflow, since);
  const measured: AskedOf[] = [];
  const one = async (view: ApprovalView): Promise<AskedOf> => {
    const question = await answersTo({ approvals }, view, { workflow, approvalId: view.approval_id });
    return { workflow, tool: view.tool, measured: measuredRows(question, nowMs) };
  };
  for (let at = 0; at < views.length; at += READS) {
    measured.push(...(await Promise.all(views.slice(at, at + READS).map(one))));
    progress(measured.length, views.length);
  }
  return measured;
}
