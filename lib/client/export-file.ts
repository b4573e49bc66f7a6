/**
 * An export into a file. Lines go into `<file>.part` first, with what was asked for in `<file>.part.json`; a whole export is moved into its
 * place, as it is or made into CSV or Parquet. What was cut off is continued from the last run that is there whole.
 */
import { readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import * as z from "zod";
import { type Evidence, exportLines, type RunSource, recordLines } from "../audit/export.js";
import { CountersignError } from "../errors.js";
import { convertPart } from "./export-convert.js";
import { type Continuation, selection } from "./export-source.js";
import { EMPTY, jsonOrUndefined, readSpool, type Spool } from "./export-spool.js";
import { writeLines } from "./line-writer.js";

export const FORMATS = ["jsonl", "csv", "parquet"] as const;
export const SHAPES = ["events", "records"] as const;
export const exportJob = z.strictObject({
  v: z.literal(1),
  shape: z.enum(SHAPES),
  format: z.enum(FORMATS),
  selection,
});
export type ExportJob = z.output<typeof exportJob>;

export interface Written {
  readonly runs: number;
  readonly lines: number;
}
/** Called now and then while lines are written. */
export type OnProgress = (written: Written & { readonly bytes: number }) => void;

const partOf = (file: string) => `${file}.part`;
const jobOf = (file: string) => `${file}.part.json`;

/** What a cut-off export of this file was about. @throws CountersignError CS-5131 when there is none */
export async function cutOffJob(file: string): Promise<ExportJob> {
  const text = await readFile(jobOf(file), "utf8").catch(() => undefined);
  const parsed = text === undefined ? undefined : exportJob.safeParse(jsonOrUndefined(text));
  if (parsed?.success === true) return parsed.data;
  throw new CountersignError(
    "CS-5131",
    `${file}: there is no cut-off export to continue (${jobOf(file)} is ${text === undefined ? "not there" : "damaged"}); export again without --resume`,
  );
}

/** @param source opened with where to go on */
export async function exportToFile(
  file: string,
  job: ExportJob,
  source: (continued: Continuation | undefined) => RunSource,
  options: { readonly resume: boolean; readonly progress?: OnProgress; readonly evidence?: Evidence },
): Promise<Written> {
  return asFileError(file, async () => {
    const spool = options.resume ? await readSpool(partOf(file), job.shape, options.evidence !== undefined) : EMPTY;
    if (options.resume) await truncate(partOf(file), spool.bytes);
    else await writeFile(jobOf(file), JSON.stringify(job));
    const runs = source(spool.continued);
    const counted = counting(runs, spool.continued?.runs ?? 0);
    const lines =
      job.shape === "events" ? exportLines(counted.runs, spool.runs, options.evidence) : recordLines(counted.runs);
    const written = await append(partOf(file), lines, spool, options.resume, (state) =>
      options.progress?.({ ...state, runs: counted.count() }),
    );
    await finish(file, job);
    return { lines: written, runs: counted.count() };
  });
}

function counting(runs: RunSource, before: number): { readonly runs: RunSource; count(): number } {
  let count = before;
  return {
    count: () => count,
    runs: (async function* () {
      for await (const events of runs) {
        if (events.length > 0) count += 1;
        yield events;
      }
    })(),
  };
}

async function append(
  part: string,
  lines: AsyncIterable<string>,
  { lines: linesBefore, bytes: bytesBefore }: Spool,
  resume: boolean,
  progress: (state: { readonly lines: number; readonly bytes: number }) => void,
): Promise<number> {
  let count = linesBefore;
  let bytes = bytesBefore;
  const counted = async function* () {
    for await (const line of lines) {
      count += 1;
      yield line;
    }
  };
  await writeLines(part, resume ? "a" : "w", counted(), "\n", (more) => {
    bytes += more;
    progress({ lines: count, bytes });
  });
  return count;
}

async function finish(file: string, { format, shape }: ExportJob): Promise<void> {
  const part = partOf(file);
  if (format === "jsonl") await rename(part, file);
  else {
    const made = `${file}.part.${format}`;
    await convertPart(part, made, { format, shape });
    await rename(made, file);
    await rm(part);
  }
  await rm(jobOf(file), { force: true });
}

async function asFileError<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error) || !("syscall" in error)) throw error;
    throw new CountersignError(
      "CS-5002",
      `${file}: cannot be written (${error.message}); give a path in a folder that exists`,
    );
  }
}
