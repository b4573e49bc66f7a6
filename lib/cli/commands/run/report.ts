import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { reportHtml } from "../../../audit/report/report.js";
import type { Connection } from "../../../client/connection.js";
import { reviewsOf } from "../../../client/oversight.js";
import { policyTexts } from "../../../client/report-policies.js";
import { verifyEvents } from "../../../client/verify.js";
import { CountersignError } from "../../../errors.js";
import type { RecordedEvent } from "../../../run/events.js";
import { type CommandContext, globalsOf } from "../../context.js";
import { withRun } from "../../run-source.js";

interface Options {
  readonly out: string;
  readonly run?: string;
  readonly workflow?: string;
}

export function reportCommand(run: Command, context: CommandContext): void {
  run
    .command("report")
    .description(
      "a run as one HTML file to read or print: what happened, why, who decided, what it cost (the newest run, without an id)",
    )
    .argument("[run-id|file]", "a run, or a file of events written by `run export`")
    .option("--out <file>", "write to this file", "report.html")
    .option("--run <run-id>", "which run of the file, when it holds more than one")
    .option("--workflow <workflow>", "of this workflow")
    .action(async (what: string | undefined, options: Options, command: Command) => {
      const { json } = globalsOf(command);
      const write = async (events: readonly RecordedEvent[], connection?: Connection) => {
        const verdict = await verifyEvents([events]);
        const policies = await policyTexts(context.root, events);
        const reviews = connection === undefined ? {} : { reviews: await reviewsOf(connection, events) };
        const html = reportHtml({ events, policies, verdict, ...reviews, madeAt: new Date().toISOString() });
        await writeFile(options.out, html).catch((error: unknown) => {
          const why = error instanceof Error ? error.message : String(error);
          throw new CountersignError(
            "CS-5002",
            `${options.out}: cannot be written (${why}); give a path in a folder that exists`,
          );
        });
        const runId = events[0]?.run_id ?? "";
        context.io.out(
          json
            ? JSON.stringify({ file: options.out, run_id: runId, ok: verdict.ok })
            : `${options.out}: run ${runId}, ${verdict.summary}`,
        );
        if (!verdict.ok) context.exitCode(1);
      };
      await withRun(command, context, { what, ...options }, write);
    });
}
