/** What approvals and permits are bound to, and the identifiers that follow from it. */

import { hashJson, type Json, jcs, sha256Hex } from "./canonical.js";
import type { ApprovalView } from "./protocol.js";
import { commit, noncesOf } from "./redact.js";

export interface ActionContent {
  readonly run_id: string;
  /** of the proposal: `<turn>.proposal` */
  readonly step: string;
  readonly tool: string;
  readonly tool_schema_hash: string;
  /** redacted form */
  readonly args: Json;
  readonly contract_hash: string;
  readonly stage: string;
  /** ISO: the approval's deadline; without an approval, the permit's `not_after` */
  readonly expires_at: string;
}

/** SHA-256(JCS({runId, step, tool, toolSchemaHash, args, contractHash, stage, expiresAt})), as DESIGN.md names the members. */
export function actionHash(content: ActionContent): string {
  return hashJson({
    runId: content.run_id,
    step: content.step,
    tool: content.tool,
    toolSchemaHash: content.tool_schema_hash,
    args: content.args,
    contractHash: content.contract_hash,
    stage: content.stage,
    expiresAt: content.expires_at,
  });
}

/** The step an action is named by, whichever invocation records something about it. */
export const proposalStep = (turn: number): string => `${turn}.proposal`;

/** The same for every repeat of a permit; minted when it is given. */
export function idempotencyKey(runId: string, turn: number, argsHash: string): string {
  return `cs_${sha256Hex(jcs([runId, proposalStep(turn), argsHash])).slice(0, 40)}`;
}

/** `round`: of a question that is put again; its action may be the one of a round before. */
export function approvalId(runId: string, turn: number, actionHashHex: string, round = 0): string {
  const named = [runId, proposalStep(turn), actionHashHex, ...(round === 0 ? [] : [round])];
  return `ap_${sha256Hex(jcs(named)).slice(0, 32)}`;
}

/** Hash of what a preview showed: keyed, as a preview may hold sensitive values; comparable within its turn. */
export function previewHash(runSecret: Uint8Array, turn: number, preview: Json): string {
  return commit(preview, noncesOf(runSecret, turn, "preview")("")).$commitment;
}

/** What a decision is bound to beside the action: everything that was shown to people. */
export const viewHash = (view: ApprovalView): string => view.withheld?.view_hash ?? hashJson({ ...view });
