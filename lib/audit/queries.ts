/**
 * The archive as a table, and questions that auditors ask of it in SQL. Written in what Athena (Trino) and DuckDB have in common besides
 * two JSON functions, so that a test runs them on files that the notary really wrote.
 */
import { archiveKey } from "../run/keys.js";

/** Members of an archived line, but for `workflow`, which the files' names say. */
export const ARCHIVE_COLUMNS = [
  { name: "v", type: "int", comment: "1" },
  { name: "tenant", type: "string", comment: "whose run it is" },
  { name: "run_id", type: "string", comment: "the run" },
  { name: "seq", type: "int", comment: "place in the run: 1, 2, 3 …" },
  { name: "at", type: "string", comment: "when it was written, UTC" },
  { name: "step", type: "string", comment: "which step wrote it" },
  { name: "type", type: "string", comment: "what happened: RunStarted, ActionDecided, …" },
  { name: "data", type: "string", comment: "the members of that type, as JSON" },
  { name: "prev", type: "string", comment: "hash of the run's record before" },
  { name: "hash", type: "string", comment: "SHA-256(prev ‖ JCS of the record without both)" },
] as const;

/** What files are found by: of a run's first record. */
export const ARCHIVE_PARTITIONS = [
  { name: "workflow", type: "string", comment: "the workflow" },
  { name: "day", type: "string", comment: "UTC day of the run's first record, yyyy-mm-dd" },
] as const;

/** Folder of a workflow's runs that began on a day; both may be placeholders. Tenants and runs are folders below it. */
export function archiveFolder(workflow: string, day: string): string {
  const file = archiveKey.events({ workflow, day, tenant: "*", runId: "*" }, 1);
  return file.slice(0, file.indexOf("tenant="));
}

export interface SavedQuery {
  /** as Athena lists it */
  readonly name: string;
  readonly description: string;
  readonly sql: string;
}

const RECENT = "day >= CAST(current_date - INTERVAL '30' DAY AS VARCHAR)";
const text = (path: string, data = "data") => `json_extract_scalar(${data}, '$.${path}')`;
const int = (path: string, data = "data") => `CAST(${text(path, data)} AS BIGINT)`;
const RUN = "workflow, tenant, run_id";
const sameRun = (left: string, right: string) =>
  ["workflow", "tenant", "run_id"].map((name) => `${left}.${name} = ${right}.${name}`).join(" AND ");

/** Of the last 30 days; whoever asks of others changes the first condition. */
export const SAVED_QUERIES: readonly SavedQuery[] = [
  {
    name: "who-approved-what",
    description: "every decision of a person: what was asked, who decided how, by which proof, and with what words",
    sql: `SELECT decided."at", decided.workflow, decided.tenant, decided.run_id, ${int("turn", "decided.data")} AS turn,
  max(${text("tool", "proposed.data")}) AS tool, ${text("approver", "decided.data")} AS approver,
  ${text("decision", "decided.data")} AS decision, ${text("method", "decided.data")} AS method,
  ${text("comment", "decided.data")} AS comment
FROM events decided
JOIN events proposed ON ${sameRun("proposed", "decided")} AND proposed.day = decided.day
  AND proposed.type = 'ActionProposed' AND ${int("turn", "proposed.data")} = ${int("turn", "decided.data")}
WHERE decided.${RECENT} AND decided.type = 'ApprovalDecided'
GROUP BY decided."at", decided.workflow, decided.tenant, decided.run_id, decided.seq, decided.data
ORDER BY 1 DESC, decided.seq DESC`,
  },
  {
    name: "denied-by-policy",
    description: "which policies denied which tools how often; without a policy, the reasons of the checks that failed",
    sql: `SELECT workflow, ${text("tool")} AS tool, json_format(json_extract(data, '$.policy.denied_by')) AS denied_by,
  json_format(json_extract(data, '$.reasons')) AS reasons, count(*) AS times, min("at") AS first_at, max("at") AS last_at
FROM events
WHERE ${RECENT} AND type = 'ActionDecided' AND ${text("decision")} = 'deny'
GROUP BY 1, 2, 3, 4
ORDER BY times DESC, 1, 2, 3, 4`,
  },
  {
    name: "spend-per-day",
    description: "what runs that ended cost, by the day they ended, workflow and tenant, with their outcomes",
    sql: `SELECT substr("at", 1, 10) AS ended, workflow, tenant, ${text("outcome.status")} AS outcome, count(*) AS runs,
  sum(${int("turns")}) AS turns, sum(${int("spent_micro_usd")}) / 1000000.0 AS usd
FROM events
WHERE ${RECENT} AND type = 'RunClosed'
GROUP BY 1, 2, 3, 4
ORDER BY 1 DESC, 2, 3, 4`,
  },
  {
    name: "effects-per-tool",
    description: "calls that were permitted, and what became of them",
    sql: `SELECT workflow, ${text("tool")} AS tool,
  sum(CASE WHEN type = 'ActionPermitted' THEN 1 ELSE 0 END) AS permitted,
  sum(CASE WHEN ${text("status")} = 'ok' THEN 1 ELSE 0 END) AS ok,
  sum(CASE WHEN ${text("status")} = 'error' THEN 1 ELSE 0 END) AS failed,
  sum(CASE WHEN ${text("status")} = 'unknown' THEN 1 ELSE 0 END) AS outcome_unknown,
  sum(CASE WHEN type = 'ActionPermitted' THEN 1 ELSE -1 END) AS without_result
FROM events
WHERE ${RECENT} AND type IN ('ActionPermitted', 'ToolReturned')
GROUP BY 1, 2
ORDER BY permitted DESC, 1, 2`,
  },
  {
    name: "unknown-outcomes",
    description: "calls whose effect nobody knows: a person must look",
    sql: `SELECT "at", ${RUN}, ${int("turn")} AS turn, ${text("tool")} AS tool, ${text("error.code")} AS code
FROM events
WHERE ${RECENT} AND type = 'ToolReturned' AND ${text("status")} = 'unknown'
ORDER BY 1 DESC, run_id, turn`,
  },
  {
    name: "runs-without-outcome",
    description: "runs that began and did not end, as far as the archive knows, with their last record",
    sql: `SELECT ${RUN}, min("at") AS started, max("at") AS last_at, max(seq) AS records, max_by(type, seq) AS last_type
FROM events
WHERE ${RECENT}
GROUP BY 1, 2, 3
HAVING sum(CASE WHEN type IN ('RunClosed', 'RunRefused') THEN 1 ELSE 0 END) = 0
ORDER BY started, 1, 2, 3`,
  },
  {
    name: "stopped-by-a-brake",
    description: "what a brake held up: runs that were not admitted, actions that were denied, runs that were stopped",
    sql: `SELECT "at", ${RUN}, seq, type, ${text("tool")} AS tool,
  coalesce(${text("checks[0].detail")}, ${text("outcome.reason")}) AS reason
FROM events
WHERE ${RECENT} AND (
  (${text("checks[0].name")} = 'brake' AND ${text("checks[0].result")} = 'failed')
  OR (type = 'RunClosed' AND ${text("outcome.status")} = 'stopped'))
ORDER BY 1 DESC, run_id, seq DESC`,
  },
  {
    name: "waiting-for-people",
    description: "how questions ended and how long they waited, by policy that asked",
    sql: `SELECT asked.workflow, ${text("type", "asked.data")} AS policy, ended.type AS ended, ${text("decision", "ended.data")} AS decision,
  count(*) AS questions,
  round(avg(date_diff('second', CAST(replace(substr(asked."at", 1, 19), 'T', ' ') AS TIMESTAMP),
    CAST(replace(substr(ended."at", 1, 19), 'T', ' ') AS TIMESTAMP)))) AS average_seconds
FROM events asked
JOIN events ended ON ${sameRun("ended", "asked")} AND ended.day = asked.day
  AND ended.type IN ('ApprovalDecided', 'ApprovalExpired', 'ApprovalVoided')
  AND ${text("approval_id", "ended.data")} = ${text("approval_id", "asked.data")}
WHERE asked.${RECENT} AND asked.type = 'ApprovalRequested'
GROUP BY 1, 2, 3, 4
ORDER BY questions DESC, 1, 2, 3, 4`,
  },
];
