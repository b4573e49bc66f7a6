import type { Command } from "commander";
import { runReader, runStatus } from "../../../client/runs.js";
import { type CommandContext, withConnection } from "../../context.js";
import { table } from "../../io.js";
import { positive } from "../../options.js";

const LISTED_RUNS = 50;

export function listCommand(run: Command, context: CommandContext): void {
  run
    .command("list")
    .description("the newest runs and their status")
    .option("--workflow <workflow>", "of this workflow only")
    .option("--limit <n>", "how many", String(LISTED_RUNS))
    .action(async (options: { workflow?: string; limit: string }, command: Command) =>
      withConnection(command, context, { live: false }, async (connection, { io, json }) => {
        const reader = await runReader(connection);
        const workflows = options.workflow === undefined ? await connection.workflows() : [options.workflow];
        const runs = await reader.list(workflows, positive("--limit", options.limit));
        const rows = await Promise.all(
          runs.map(async (row) => ({ ...row, status: runStatus(await reader.events(row)) })),
        );
        if (json) return io.out(JSON.stringify(rows));
        if (rows.length === 0) return io.out("no runs yet");
        io.out(
          table([
            ["RUN", "WORKFLOW", "TENANT", "STARTED (UTC)", "STATUS"],
            ...rows.map((row) => [row.runId, row.workflow, row.tenant, row.startedAt.slice(0, 19), row.status]),
          ]),
        );
      }),
    );
}
