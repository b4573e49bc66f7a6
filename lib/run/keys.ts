/**
 * Where everything is stored. IAM limits a function by these prefixes (`dynamodb:LeadingKeys`, object key prefixes), so the
 * constructs and the ports both read them from here.
 */
export interface RunRef {
  readonly workflow: string;
  readonly tenant: string;
  readonly runId: string;
}

/** run log: `pk` = run, `sk` = 8-digit sequence */
export const logKey = {
  pk: (run: RunRef) => `${run.workflow}#${run.tenant}#${run.runId}`,
  sk: (seq: number) => String(seq).padStart(8, "0"),
  ofWorkflow: (workflow: string) => `${workflow}#*`,
  /** undefined for what is no key of a run */
  parse(pk: string): RunRef | undefined {
    const [, workflow, tenant, runId] = /^([^#]+)#([^#]+)#([^#]+)$/.exec(pk) ?? [];
    return workflow === undefined || tenant === undefined || runId === undefined
      ? undefined
      : { workflow, tenant, runId };
  },
};
/** run log's index of runs: only each run's first event carries these attributes, so it lists runs, newest last */
export const logIndex = {
  name: "runs",
  pk: "runs_of",
  sk: "started",
  started: (at: string, tenant: string, runId: string) => `${at}#${tenant}#${runId}`,
};
/** effects ledger: one row per permitted call; `sk` = turn */
export const effectKey = {
  pk: (run: RunRef, tool: string) => `${run.workflow}#${tool}#${run.tenant}#${run.runId}`,
  sk: (turn: number) => String(turn).padStart(8, "0"),
  ofTool: (workflow: string, tool: string) => `${workflow}#${tool}#*`,
  ofWorkflow: (workflow: string) => `${workflow}#*`,
};
/** control: brakes; `sk` is always `brake` */
export const brakeKey = { pk: (workflow: string) => `brake#${workflow}`, sk: "brake" };
/**
 * approvals. Each kind has its own partition so that IAM can tell them apart. Everything is inserted and never changed, but the count of
 * wrong codes.
 *
 * - request: what is asked, the sealed task tokens, what was sent (request-approval, approval-sender)
 * - link: whose link it is, and its codes (request-approval, approval-sender)
 * - challenge: wrong tries of one code (desk)
 * - decision: one row per person (desk)
 * - act: everything else people did (desk)
 * - told: whom a reminder or an escalation reached (approval-sender)
 * - closing: the first row wins, and says how it ended (desk, or the workflow's gate)
 * - outcome: what became of it (the workflow's gate)
 * - receipt: how a signed Slack request was answered, so that the same request again is answered the same (Slack's function)
 */
export const approvalKey = {
  request: (workflow: string, approvalId: string) => `request#${workflow}#${approvalId}`,
  requestSk: "request",
  /** one row per task token: a retried state mints a new one */
  tokenSk: (tokenHash: string) => `token#${tokenHash}`,
  /** one row per message that was sent: a repeat does not send a second, and each is followed up */
  sentSk: (channel: string, kind: string, to: string) => `sent#${channel}#${kind}#${to}`,
  sent: "sent#",
  requestsOf: (workflow: string) => `request#${workflow}#*`,
  link: (linkId: string) => `link#${linkId}`,
  linkSk: "link",
  /** several codes of one issue are all good: a mail that was sent twice has two */
  codeSk: (issue: number, id: string) => `code#${String(issue).padStart(4, "0")}#${id}`,
  codes: "code#",
  links: "link#*",
  decision: (workflow: string, approvalId: string) => `decision#${workflow}#${approvalId}`,
  decisionSk: (approver: string) => `by#${approver}`,
  decisionsOf: (workflow: string) => `decision#${workflow}#*`,
  decisions: "decision#*",
  /** wrong tries of the codes of one issue of a link */
  challenge: (linkId: string, issue: number) => `challenge#${linkId}#${issue}`,
  challengeSk: "tries",
  challenges: "challenge#*",
  act: (workflow: string, approvalId: string) => `act#${workflow}#${approvalId}`,
  actsOf: (workflow: string) => `act#${workflow}#*`,
  acts: "act#*",
  told: (workflow: string, approvalId: string) => `told#${workflow}#${approvalId}`,
  toldSk: (kind: string, n: number, to: string) => `${kind}#${String(n).padStart(4, "0")}#${to}`,
  toldOf: (workflow: string) => `told#${workflow}#*`,
  tolds: "told#*",
  closing: (workflow: string, approvalId: string) => `closing#${workflow}#${approvalId}`,
  closingSk: "closing",
  closingsOf: (workflow: string) => `closing#${workflow}#*`,
  closings: "closing#*",
  outcome: (workflow: string, approvalId: string) => `outcome#${workflow}#${approvalId}`,
  outcomesOf: (workflow: string) => `outcome#${workflow}#*`,
  outcomes: "outcome#*",
  receipt: (requestHash: string) => `receipt#${requestHash}`,
  receiptSk: "receipt",
  receipts: "receipt#*",
};
/** approvals' index of people: only links carry both attributes, so it lists what each person was asked, latest deadline last */
export const INBOX_INDEX = { name: "byApprover", pk: "approver", sk: "expires_at" } as const;
/** sessions: sign-ins under way and people signed in, by the hash of their cookie */
export const sessionKey = {
  pending: (hash: string) => `pending#${hash}`,
  session: (hash: string) => `session#${hash}`,
  row: "row",
  /** used up, or ended */
  over: "over",
  all: ["pending#*", "session#*"],
};
/** budgets: leases per day, exposure counters, open runs, unique inputs; all begin with the workflow */
export const budgetKey = {
  day: (workflow: string, tenant: string, day: string) => `${workflow}#${tenant}#day#${day}`,
  exposure: (workflow: string, tenant: string, scope: string, day: string) =>
    `${workflow}#${tenant}#exposure#${scope}#${day}`,
  counterSk: "counter",
  open: (workflow: string) => `${workflow}#open`,
  openSk: (tenant: string, runId: string) => `${tenant}#${runId}`,
  unique: (workflow: string, tenant: string, hash: string) => `${workflow}#${tenant}#unique#${hash}`,
  uniqueSk: "unique",
  ofWorkflow: (workflow: string) => `${workflow}#*`,
};
/** context bucket: one object per turn, never overwritten with other content */
export const contextKey = {
  object: (run: RunRef, turn: number) =>
    `context/${run.workflow}/${run.tenant}/${run.runId}/${String(turn).padStart(4, "0")}.json`,
  ofRun: (run: RunRef) => `context/${run.workflow}/${run.tenant}/${run.runId}/`,
  ofWorkflow: (workflow: string) => `context/${workflow}/*`,
  all: "context/*",
};
/** context bucket: what the gate puts out for one function of a tool, once for each permit */
export const callKeyOf = {
  object: (run: RunRef, tool: string, turn: number) =>
    `call/${run.workflow}/${tool}/${run.tenant}/${run.runId}/${String(turn).padStart(4, "0")}.json`,
  ofRun: (run: RunRef, tool: string) => `call/${run.workflow}/${tool}/${run.tenant}/${run.runId}/`,
  /** one folder below for each tool */
  tools: (workflow: string) => `call/${workflow}/`,
  ofTool: (workflow: string, tool: string) => `call/${workflow}/${tool}/*`,
  ofWorkflow: (workflow: string) => `call/${workflow}/*`,
  all: "call/*",
};
/** context bucket: what approvers are shown, whole */
export const viewKey = {
  object: (workflow: string, approvalId: string) => `view/${workflow}/${approvalId}.json`,
  ofWorkflow: (workflow: string) => `view/${workflow}/*`,
  all: "view/*",
};
/**
 * oversight: what people did with records. Each kind is a partition of its own, so that IAM tells apart who may add to it, and a chain of its
 * own; `sk` = 8-digit sequence. Nothing in it is changed or removed.
 */
export const oversightKey = {
  /** who read sealed values, of every run */
  readings: "reading",
  /** whose values were shredded */
  shreddings: "shredding",
  review: (run: RunRef) => `review#${logKey.pk(run)}`,
  reviews: "review#*",
  sk: logKey.sk,
};
/** vault bucket: the run's key, and per event the sealed values */
export const vaultKey = {
  runKey: (run: RunRef) => `vault/${run.workflow}/${run.tenant}/${run.runId}/key.json`,
  values: (run: RunRef, seq: number, hash: string) =>
    `vault/${run.workflow}/${run.tenant}/${run.runId}/${String(seq).padStart(8, "0")}-${hash.slice(0, 16)}.json`,
  /** every run's key, and no sealed value */
  runKeys: "vault/*/key.json",
  ofWorkflow: (workflow: string) => `vault/${workflow}/*`,
};
/**
 * archive bucket: a run's records in segments, each with the checkpoint that covers it, and the chain of digests. Names follow from the
 * content's place alone, so that a repeat finds what was written before. `day` = UTC day of the run's first record.
 */
export const archiveKey = {
  events: (run: ArchivedRun, fromSeq: number) => `events/${runPath(run)}/${segment(fromSeq)}.jsonl.gz`,
  checkpoint: (run: ArchivedRun, fromSeq: number) => `${archiveKey.checkpointsOf(run)}${segment(fromSeq)}.json`,
  checkpointsOf: (run: ArchivedRun) => `checkpoints/${runPath(run)}/`,
  digest: (n: number) => `digests/${String(n).padStart(8, "0")}.json`,
  digests: "digests/",
};
export interface ArchivedRun extends RunRef {
  /** `2026-11-24` */
  readonly day: string;
}
const segment = (fromSeq: number): string => String(fromSeq).padStart(8, "0");
const runPath = ({ workflow, day, tenant, runId }: ArchivedRun): string =>
  `workflow=${workflow}/day=${day}/tenant=${tenant}/${runId}`;
