/** The approvals table in memory: what the contract suite wants of every store, for tests with thousands of answers. */
import type { ApprovalLink, Approvals, Inserted, LinkCode, SentMessage } from "../../lib/aws/approvals.js";
import { type ApprovalAct, type ApprovalOutcome, type ApprovalTold, actSk } from "../../lib/run/acts.js";
import type { Closing } from "../../lib/run/closing.js";
import type { ApprovalDecision } from "../../lib/run/events.js";
import { approvalKey } from "../../lib/run/keys.js";
import type { ApprovalView } from "../../lib/run/protocol.js";

export interface Memory {
  readonly approvals: Approvals;
  /** pk of every row that was inserted, in order: the table's stream */
  readonly stream: readonly { readonly pk: string; readonly sk: string }[];
}

/** @param pause awaited before every operation: where others come between, or where a crash happens */
export function memoryApprovals(pause: () => Promise<void> = async () => {}): Memory {
  const rows = new Map<string, Map<string, unknown>>();
  const stream: { pk: string; sk: string }[] = [];
  const insert = async (pk: string, sk: string, value: unknown): Promise<Inserted> => {
    await pause();
    const partition = rows.get(pk) ?? new Map<string, unknown>();
    rows.set(pk, partition);
    if (partition.has(sk)) return "exists";
    partition.set(sk, structuredClone(value));
    stream.push({ pk, sk });
    await pause();
    return "inserted";
  };
  const read = async <T>(pk: string, prefix = ""): Promise<T[]> => {
    await pause();
    const found = [...(rows.get(pk) ?? new Map<string, unknown>())].filter(([sk]) => sk.startsWith(prefix));
    return found.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => structuredClone(value) as T);
  };
  const tries = new Map<string, number>();
  const key = approvalKey;
  const request = (ref: { workflow: string; approvalId: string }) => key.request(ref.workflow, ref.approvalId);
  const approvals: Approvals = {
    insertRequest: (view) => insert(key.request(view.workflow, view.approval_id), key.requestSk, view),
    readRequest: async (ref) => (await read<ApprovalView>(request(ref), key.requestSk))[0],
    insertToken: (ref, token) => insert(request(ref), key.tokenSk(token.tokenHash), token.sealed),
    readTokens: (ref) => read<string>(request(ref), key.tokenSk("")),
    insertSent: (ref, sent) => insert(request(ref), key.sentSk(sent.channel, sent.kind, sent.to), sent),
    readSent: (ref) => read<SentMessage>(request(ref), key.sent),
    insertLink: (id, link) => insert(key.link(id), key.linkSk, link),
    readLink: async (id) => (await read<ApprovalLink>(key.link(id), key.linkSk))[0],
    insertCode: (id, code) => insert(key.link(id), key.codeSk(code.issue, code.code_hash.slice(0, 16)), code),
    readCodes: (id) => read<LinkCode>(key.link(id), key.codes),
    insertDecision: (workflow, decision) =>
      insert(key.decision(workflow, decision.approval_id), key.decisionSk(decision.approver), decision),
    readDecisions: async (ref) =>
      (await read<ApprovalDecision>(key.decision(ref.workflow, ref.approvalId))).sort((a, b) =>
        a.decided_at.localeCompare(b.decided_at),
      ),
    insertAct: (ref, act) => insert(key.act(ref.workflow, ref.approvalId), actSk(act), act),
    readActs: async (ref) =>
      (await read<ApprovalAct>(key.act(ref.workflow, ref.approvalId))).sort((a, b) => a.at.localeCompare(b.at)),
    insertTold: (ref, told) =>
      insert(key.told(ref.workflow, ref.approvalId), key.toldSk(told.kind, told.n, told.to), told),
    readTold: async (ref) =>
      (await read<ApprovalTold>(key.told(ref.workflow, ref.approvalId))).sort((a, b) => a.at.localeCompare(b.at)),
    insertClosing: (ref, closing) => insert(key.closing(ref.workflow, ref.approvalId), key.closingSk, closing),
    readClosing: async (ref) => (await read<Closing>(key.closing(ref.workflow, ref.approvalId)))[0],
    insertOutcome: (ref, outcome) => insert(key.outcome(ref.workflow, ref.approvalId), outcome.kind, outcome),
    readOutcomes: async (ref) =>
      (await read<ApprovalOutcome>(key.outcome(ref.workflow, ref.approvalId))).sort((a, b) => a.at.localeCompare(b.at)),
    insertReceipt: (hash, answer) => insert(key.receipt(hash), key.receiptSk, answer),
    readReceipt: async (hash) => (await read<string>(key.receipt(hash)))[0],
    async takeTry(id, issue, limit) {
      await pause();
      const used = tries.get(key.challenge(id, issue)) ?? 0;
      if (used >= limit) return "locked";
      tries.set(key.challenge(id, issue), used + 1);
      return used + 1;
    },
    async returnTry(id, issue) {
      await pause();
      const used = tries.get(key.challenge(id, issue)) ?? 0;
      if (used > 0) tries.set(key.challenge(id, issue), used - 1);
    },
    async readTries(id, issue) {
      await pause();
      return tries.get(key.challenge(id, issue)) ?? 0;
    },
  };
  return { approvals, stream };
}
