/** From the lines of an export to CSV or Parquet, a few rows in memory at a time. */
import { fileWriter, parquetWriteRows } from "hyparquet-writer";
import {
  type Column,
  csvHeader,
  csvRow,
  EVENT_COLUMNS,
  type EventRow,
  eventRow,
  RECORD_COLUMNS,
} from "../audit/columns.js";
import type { RunRecord } from "../audit/record.js";
import { jsonOrUndefined, lineBatches } from "./export-spool.js";
import { writeLines } from "./line-writer.js";
import { keepHeapSmall } from "./small-heap.js";

const ROW_GROUP = 1_000;

/** Makes `made` out of the lines of `part`. */
export async function convertPart(
  part: string,
  made: string,
  { format, shape }: { readonly format: "csv" | "parquet"; readonly shape: "events" | "records" },
): Promise<void> {
  if (shape === "events") await convert(part, made, format, EVENT_COLUMNS, eventOf);
  else await convert(part, made, format, RECORD_COLUMNS, recordOf);
}

/** From the lines of the part to rows; both are in memory a few at a time. */
async function convert<T>(
  part: string,
  made: string,
  format: "csv" | "parquet",
  columns: readonly Column<T>[],
  parse: (line: string) => T | undefined,
): Promise<void> {
  keepHeapSmall();
  const rows = async function* () {
    for await (const lines of lineBatches(part)) {
      for (const { line } of lines) {
        const row = parse(line);
        if (row !== undefined) yield row;
      }
    }
  };
  if (format === "csv") {
    await writeLines(made, "w", csvLines(columns, rows()), "\r\n", () => {});
    return;
  }
  await parquetWriteRows({
    writer: fileWriter(made),
    columns: columns.map(({ name, type }) => ({ name, type: PARQUET_TYPES[type], nullable: true })),
    rows: parquetRows(columns, rows()),
    rowGroupSize: ROW_GROUP,
    createdBy: "countersign",
  });
}

const PARQUET_TYPES = { text: "STRING", integer: "INT32", number: "DOUBLE", time: "TIMESTAMP" } as const;

async function* parquetRows<T>(columns: readonly Column<T>[], rows: AsyncIterable<T>) {
  for await (const row of rows)
    yield Object.fromEntries(
      columns.map((column) => {
        const cell = column.cell(row);
        return [column.name, column.type === "time" && typeof cell === "string" ? new Date(cell) : cell];
      }),
    );
}

export async function* csvLines<T>(columns: readonly Column<T>[], rows: AsyncIterable<T>): AsyncGenerator<string> {
  yield csvHeader(columns);
  for await (const row of rows) yield csvRow(columns, row);
}

/** An event of our own part file; undefined for the manifest. */
function eventOf(line: string): EventRow | undefined {
  return eventRow.safeParse(jsonOrUndefined(line)).data;
}

/** A record of our own part file: written by this process or the one that was cut off. */
function recordOf(line: string): RunRecord {
  const value: RunRecord = JSON.parse(line);
  return value;
}
