import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Command } from "commander";
import { statsOf, type ToolStats } from "../../../approval/stats.js";
import { durationText } from "../../../approval/times.js";
import { measuredQuestions } from "../../../client/approval-stats.js";
import { type CommandContext, withConnection } from "../../context.js";
import { table } from "../../io.js";
import { timeOption } from "../../options.js";
import { bar, progressOn } from "../../progress.js";

interface Options {
  readonly workflow?: string;
  readonly since?: string;
}

export function statsCommand(approval: Command, context: CommandContext): void {
  approval
    .command("stats")
    .description("how people answer, by tool: how long they take, how often they approve, who did not look")
    .option("--workflow <workflow>", "of this workflow only")
    .option("--since <time>", "asked then or later: a UTC day or time, or 7d, 24h, 30m ago")
    .action(async ({ workflow, since }: Options, command: Command) =>
      withConnection(command, context, { live: false }, async (connection, { io, json }) => {
        const nowMs = Date.now();
        const from = since === undefined ? undefined : timeOption("--since", since, nowMs);
        const { ApprovalsTable } = await connection.controlPlane();
        const ref = { client: new DynamoDBClient(connection.client("approver")), table: ApprovalsTable };
        const progress = progressOn(io, json);
        const stats: ToolStats[] = [];
        for (const name of workflow === undefined ? await connection.workflows() : [workflow])
          stats.push(
            ...statsOf(
              await measuredQuestions(ref, name, from, nowMs, (done, of) =>
                progress.show(() => bar(done, of, `questions of ${name}`)),
              ),
            ),
          );
        progress.done();
        if (json) return io.out(JSON.stringify(stats));
        io.out(stats.length === 0 ? "nobody was asked" : lines(stats));
      }),
    );
}

function lines(stats: readonly ToolStats[]): string {
  return table([
    ["WORKFLOW", "TOOL", "ASKED", "OPEN", "APPROVED", "REJECTED", "EDITED", "EXPIRED", "RATE", "MEDIAN", "P90", "<3 S"],
    ...stats.map((one) => [
      one.workflow,
      one.tool,
      `${one.asked}`,
      `${one.open}`,
      `${one.approved}${one.voided === 0 ? "" : ` (+${one.voided} void)`}`,
      `${one.rejected}`,
      `${one.edited}`,
      `${one.expired}`,
      one.approval_rate === null ? "–" : `${Math.round(one.approval_rate * 100)} %`,
      time(one.seconds_to_decision?.median),
      time(one.seconds_to_decision?.p90),
      `${one.hurried} of ${one.decisions}`,
    ]),
  ]);
}

const time = (seconds: number | undefined): string => (seconds === undefined ? "–" : durationText(seconds * 1000));
