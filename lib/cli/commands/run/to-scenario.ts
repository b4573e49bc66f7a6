import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { CountersignError } from "../../../errors.js";
import { scenarioFromRun } from "../../../scenario/from-run.js";
import { parseScenario } from "../../../scenario/load.js";
import { type CommandContext, globalsOf } from "../../context.js";
import { withRun } from "../../run-source.js";

interface Options {
  readonly out?: string;
  readonly run?: string;
  readonly workflow?: string;
}

export function toScenarioCommand(run: Command, context: CommandContext): void {
  run
    .command("to-scenario")
    .description(
      "turn a run (an incident) into a scenario of the bank: recorded turns and answers, and what must come of them",
    )
    .argument("[run-id|file]", "a run, or a file of events written by `run export` (the newest run, without an id)")
    .option("--out <file>", "write to this file (default: workflows/<workflow>/scenarios/<run-id>.json)")
    .option("--run <run-id>", "which run of the file, when it holds more than one")
    .option("--workflow <workflow>", "of this workflow")
    .action(async (what: string | undefined, options: Options, command: Command) =>
      withRun(command, context, { what, ...options }, async (events) => {
        const { json } = globalsOf(command);
        const { workflow = "", run_id: runId = "" } = events[0] ?? {};
        const { scenario, missing } = scenarioFromRun(events);
        const file = options.out ?? join(context.root, "workflows", workflow, "scenarios", `${runId}.json`);
        if (existsSync(file))
          throw new CountersignError("CS-5006", `--out: ${file} exists; give another file, or remove it`);
        parseScenario(scenario, file);
        await writeFile(file, `${JSON.stringify(scenario, null, 2)}\n`).catch((error: unknown) => {
          const why = error instanceof Error ? error.message : String(error);
          throw new CountersignError(
            "CS-5002",
            `${file}: cannot be written (${why}); give --out with a folder that exists`,
          );
        });
        if (json) return context.io.out(JSON.stringify({ file, missing }));
        context.io.out(file);
        if (missing.length > 0)
          context.io.out(`not in the log, to be filled in where it matters: ${missing.join(", ")}`);
        context.io.out(
          `next: npx countersign scenario test ${workflow} --only ${runId}; what the outside systems held goes under "sandbox" where it differs from sandbox/seed.json`,
        );
      }),
    );
}
