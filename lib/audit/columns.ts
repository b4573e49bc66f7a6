/** Events and run records as rows, for CSV and Parquet. Nested parts are JSON text. */
import * as z from "zod";
import type { RunRecord } from "./record.js";

/** An event as a row reads it: every recorded event is one. */
export const eventRow = z.looseObject({
  workflow: z.string(),
  tenant: z.string(),
  run_id: z.string(),
  seq: z.int(),
  at: z.string(),
  step: z.string(),
  type: z.string(),
  data: z.looseObject({ turn: z.int().optional(), tool: z.string().optional() }),
  prev: z.string(),
  hash: z.string(),
});
export interface EventRow
  extends Readonly<
    Pick<z.output<typeof eventRow>, "workflow" | "tenant" | "run_id" | "seq" | "at" | "step" | "type" | "prev" | "hash">
  > {
  readonly data: object;
}

export type Cell = string | number | null;
export interface Column<T> {
  readonly name: string;
  /** of the Parquet column; `time` cells are UTC ISO text in CSV */
  readonly type: "text" | "integer" | "number" | "time";
  cell(row: T): Cell;
}

const text = <T>(name: string, cell: (row: T) => string | null): Column<T> => ({ name, type: "text", cell });
const integer = <T>(name: string, cell: (row: T) => number | null): Column<T> => ({ name, type: "integer", cell });
const number = <T>(name: string, cell: (row: T) => number | null): Column<T> => ({ name, type: "number", cell });
const time = <T>(name: string, cell: (row: T) => string | null): Column<T> => ({ name, type: "time", cell });

export const EVENT_COLUMNS: readonly Column<EventRow>[] = [
  text("workflow", (event) => event.workflow),
  text("tenant", (event) => event.tenant),
  text("run_id", (event) => event.run_id),
  integer("seq", (event) => event.seq),
  time("at", (event) => event.at),
  text("step", (event) => event.step),
  text("type", (event) => event.type),
  integer("turn", ({ data }) => ("turn" in data && typeof data.turn === "number" ? data.turn : null)),
  text("tool", ({ data }) => ("tool" in data && typeof data.tool === "string" ? data.tool : null)),
  text("data", ({ data }) => JSON.stringify(data)),
  text("prev", (event) => event.prev),
  text("hash", (event) => event.hash),
];

/** The names of the record, nested ones joined by `_`. */
export const RECORD_COLUMNS: readonly Column<RunRecord>[] = [
  text("run_id", (record) => record.run_id),
  text("agent", (record) => record.agent),
  text("tenant_id", (record) => record.tenant_id),
  text("model", (record) => record.model),
  number("budget_usd", (record) => record.budget_usd),
  text("tool_calls", (record) => JSON.stringify(record.tool_calls)),
  text("approvals", (record) => JSON.stringify(record.approvals)),
  text("outcome_status", (record) => record.outcome.status),
  text("outcome_reason", (record) => record.outcome.reason),
  integer("cost_prompt_tokens", (record) => record.cost.prompt_tokens),
  integer("cost_completion_tokens", (record) => record.cost.completion_tokens),
  number("cost_usd", (record) => record.cost.usd),
  text("workflow", (record) => record.workflow),
  text("requester", (record) => record.requester),
  time("started_at", (record) => record.started_at),
  time("closed_at", (record) => record.closed_at),
  integer("records", (record) => record.records),
  text("head", (record) => record.head),
];

/** RFC 4180, with what a spreadsheet would take for a formula made text by an apostrophe. */
export const csvHeader = <T>(columns: readonly Column<T>[]): string => columns.map(({ name }) => name).join(",");
export const csvRow = <T>(columns: readonly Column<T>[], row: T): string =>
  columns.map((column) => csvCell(column.cell(row))).join(",");

function csvCell(value: Cell): string {
  if (value === null) return "";
  if (typeof value === "number") return String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
