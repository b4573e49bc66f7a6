/** The rows that people left about a question, put together from what the gate wrote of them. */
import type { GateDeps } from "../../lambdas/decide/serve.js";
import type { ApprovalAct, ApprovalTold } from "../run/acts.js";
import { isJsonObject } from "../run/canonical.js";
import type { Closing } from "../run/closing.js";
import type { EventOf, RecordedEvent } from "../run/events.js";
import { toldOf } from "../run/notes.js";
import { askedBefore, find, NOT_IN_LOG, ofStep, type RecordedRun } from "./recorded.js";

interface Asking {
  readonly step: string;
  readonly log: readonly RecordedEvent[];
}
type Question = EventOf<"ApprovalRequested">["data"];

export function approvalsOf(run: RecordedRun, asking: () => Asking): GateDeps["approvals"] {
  return {
    readDecisions: async () => decisionsIn(run, asking()),
    readActs: async () => actsIn(run, asking()),
    readTold: async () => toldIn(run, asking()),
    readClosing: async () => closingIn(run, asking()),
    insertClosing: async () => "inserted",
    // A replay measures nothing.
    insertOutcome: async () => "exists",
  };
}

/** The question as this replay put it: what people were shown is not in the log, so its hash is another one. */
const askedNow = ({ step, log }: Asking): Question | undefined =>
  log.findLast(
    (event): event is EventOf<"ApprovalRequested"> =>
      event.type === "ApprovalRequested" && event.data.turn === Number(step.split(".")[0]),
  )?.data;

/** The decisions that were counted. */
function decisionsIn(run: RecordedRun, asking: Asking) {
  const then = askedBefore(run, asking.step)?.data;
  const now = askedNow(asking);
  return ofStep(run, asking.step).flatMap((event) => {
    if (event.type !== "ApprovalDecided") return [];
    const { turn: _turn, ...row } = event.data;
    const same = then !== undefined && row.view_hash === then.view_hash && row.action_hash === then.action_hash;
    if (!same || now === undefined) return [row];
    return [{ ...row, approval_id: now.approval_id, action_hash: now.action_hash, view_hash: now.view_hash }];
  });
}

/** What else people did. */
function actsIn(run: RecordedRun, asking: Asking): ApprovalAct[] {
  const now = askedNow(asking);
  return ofStep(run, asking.step).flatMap((event) => {
    if (event.type === "ApprovalNoted") return actOf(run, asking.step, event.data, now);
    return event.type === "ActionEdited" && now !== undefined ? [editOf(event.data, now)] : [];
  });
}

const toldIn = (run: RecordedRun, { step }: Asking): readonly ApprovalTold[] =>
  ofStep(run, step).flatMap((event, index) => (event.type === "ApprovalNoted" ? toldOf(event.data, index + 1) : []));

type Noted = EventOf<"ApprovalNoted">["data"];

function actOf(run: RecordedRun, step: string, noted: Noted, now: Question | undefined): ApprovalAct[] {
  const { kind, by, to, at, channel, text, code } = noted;
  const acted = { by, channel: channel ?? "page", method: "code", at } as const;
  switch (kind) {
    case "question":
      return [{ kind, id: at, ...acted, text: NOT_IN_LOG }];
    case "answer":
      return [{ kind, id: at, question: "", ...acted, text: NOT_IN_LOG }];
    case "delegation":
      return [{ kind, ...acted, to: to ?? "", comment: text === null ? "" : NOT_IN_LOG }];
    case "code":
      return [{ kind: "code-wish", link: "", issue: 1, by, at }];
    case "refusal":
      return code === "CS-3130" && text !== null && now !== undefined
        ? [notTaken(run, step, noted, now)]
        : [{ kind: "refused", code: code ?? "", channel: channel ?? "page", who: by, at }];
    default:
      return []; // the clock's own comes again by itself, the sender's are rows of their own
  }
}

function editOf(
  { round, editor, channel, method, edited_at, args }: EventOf<"ActionEdited">["data"],
  now: Question,
): ApprovalAct {
  const { action_hash, view_hash } = now;
  const edited = isJsonObject(args) ? args : {};
  return { kind: "edit", n: round, by: editor, channel, method, at: edited_at, args: edited, action_hash, view_hash };
}

/** An edit that was not taken is not in the log: one that changes nothing is not taken either. */
function notTaken(run: RecordedRun, step: string, { by, channel, at, turn }: Noted, now: Question): ApprovalAct {
  const edited = run.events.filter(
    (event) => event.type === "ActionEdited" && event.data.turn === turn && event.step < step,
  );
  const last = edited.at(-1) ?? find(run.events, "ActionProposed", turn);
  const args = last?.type === "ActionEdited" || last?.type === "ActionProposed" ? last.data.args : {};
  const { action_hash, view_hash } = now;
  const same = isJsonObject(args) ? args : {};
  return {
    kind: "edit",
    n: edited.length + 1,
    by,
    channel: channel ?? "page",
    method: "oidc",
    at,
    args: same,
    action_hash,
    view_hash,
  };
}

/** The row that ended a question matters only where it claimed what no decision bore out. */
function closingIn(run: RecordedRun, { step }: Asking): Closing | undefined {
  const broken = ofStep(run, step).find(
    (event) => event.type === "ApprovalVoided" && event.data.reason.startsWith("CS-3132"),
  );
  return broken === undefined ? undefined : { kind: "approved", at: broken.at, by: [NOT_IN_LOG] };
}
