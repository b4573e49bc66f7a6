import { randomBytes } from "node:crypto";
import type { Command } from "commander";
import { exportLines } from "../../audit/export.js";
import { eventsOfTrace, type TraceRecord, traceRecord } from "../../audit/trace.js";
import { jsonOrUndefined, lineBatches } from "../../client/export-spool.js";
import { writeLines } from "../../client/line-writer.js";
import { sizeOf } from "../../client/recorded-files.js";
import { loadRules } from "../../client/replay-rules.js";
import { CountersignError } from "../../errors.js";
import type { Rules } from "../../replay/rules.js";
import type { RecordedEvent } from "../../run/events.js";
import { type CommandContext, globalsOf } from "../context.js";
import { bar, grouped, progressOn } from "../progress.js";

interface Options {
  readonly workflow: string;
  readonly contract?: string;
  readonly policies?: string;
  readonly out: string;
}
interface Counts {
  runs: number;
  calls: number;
  /** calls of tools that the contract has not */
  readonly unknown: Map<string, number>;
}

export function traceCommands(program: Command, context: CommandContext): void {
  const trace = program.command("trace").description("tool calls that were logged elsewhere");
  trace
    .command("import")
    .description(
      "make a file for `run replay --policies …` of run records with arguments, to try a contract on its past",
    )
    .argument(
      "<file>",
      "JSON lines, a run each: run_id, tenant_id, started_at, tool_calls with tool, input, output, status",
    )
    .requiredOption("--workflow <workflow>", "whose contract the calls are judged by")
    .option("--contract <version|path>", "another contract of the workflow")
    .option("--policies <folder>", "other policies")
    .option("--out <file>", "write to this file", "imported.jsonl")
    .action(async (file: string, options: Options, command: Command) => {
      const { json } = globalsOf(command);
      const rules = await loadRules({ root: context.root, ...options });
      const progress = progressOn(context.io, json);
      const total = await sizeOf([file]);
      const counts: Counts = { runs: 0, calls: 0, unknown: new Map() };
      const runs = imported(file, rules, counts, (bytes) =>
        progress.show(() => `${bar(bytes, total, "bytes")}, ${grouped(counts.runs)} runs`),
      );
      await writeLines(options.out, "w", exportLines(runs), "\n", () => {});
      progress.done();
      const unknown = Object.fromEntries(counts.unknown);
      if (json)
        return context.io.out(JSON.stringify({ file: options.out, runs: counts.runs, calls: counts.calls, unknown }));
      context.io.out(`${options.out}: ${grouped(counts.runs)} runs, ${grouped(counts.calls)} tool calls`);
      for (const [tool, calls] of counts.unknown)
        context.io.out(`${grouped(calls)} calls of ${tool}, which the contract has not: they count as no valid action`);
      context.io.out(`next: npx countersign run replay ${options.out} --max-changes 0`);
    });
}

async function* imported(
  file: string,
  { contract, hashes }: Rules,
  counts: Counts,
  progress: (bytes: number) => void,
): AsyncGenerator<readonly RecordedEvent[]> {
  const known = new Set(contract.tools.map(({ name }) => name));
  for await (const lines of lineBatches(file)) {
    for (const { line, number, from } of lines) {
      if (line.trim() === "") continue;
      const record = parse(file, number, line);
      counts.runs += 1;
      counts.calls += record.tool_calls.length;
      for (const { tool } of record.tool_calls)
        if (!known.has(tool)) counts.unknown.set(tool, (counts.unknown.get(tool) ?? 0) + 1);
      yield eventsOfTrace(record, contract, hashes, randomBytes(32));
      progress(from);
    }
  }
}

function parse(file: string, number: number, line: string): TraceRecord {
  const parsed = traceRecord.safeParse(jsonOrUndefined(line));
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues
    .slice(0, 3)
    .map(({ path, message }) => `${path.map(String).join(".") || "(whole line)"}: ${message}`);
  throw new CountersignError(
    "CS-5144",
    `${file}, line ${number + 1}: is no run record with arguments (${faults.join("; ")}); a run a line: run_id, tenant_id, started_at, tool_calls[{tool, input}]`,
    { line: number + 1 },
  );
}
