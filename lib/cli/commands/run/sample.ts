import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Command } from "commander";
import { isDrawn, periodOf } from "../../../audit/sample.js";
import { outcomeStatus } from "../../../audit/select.js";
import { type ListedRun, listRuns } from "../../../aws/run-index.js";
import { dynamoRunLog } from "../../../aws/run-log.js";
import { oversightOf } from "../../../client/oversight.js";
import type { Review } from "../../../client/review.js";
import { CountersignError } from "../../../errors.js";
import { type CommandContext, withConnection } from "../../context.js";
import { printable, table } from "../../io.js";
import { grouped, progressOn } from "../../progress.js";

interface Options {
  readonly rate: string;
  readonly period?: string;
  readonly seed: string;
  readonly workflow?: string;
}

export function sampleCommand(run: Command, context: CommandContext): void {
  run
    .command("sample")
    .description(
      "draw runs of a period for the owner's review, and tell which were reviewed: by a hash, so that nobody chooses and everybody draws the same",
    )
    .requiredOption("--rate <percent>", "how many, e.g. 5%")
    .option("--period <period>", "a month (2026-11) or day (2026-11-24), UTC (default: this month)")
    .option("--seed <text>", "draws another sample of the same period", "")
    .option("--workflow <workflow>", "of this workflow (default: each)")
    .action(async (options: Options, command: Command) => {
      const rate = rateOf(options.rate);
      const name = options.period ?? new Date().toISOString().slice(0, 7);
      const period = periodOf(name);
      if (period === undefined)
        throw new CountersignError(
          "CS-5006",
          `--period: '${name}' is not allowed; use a month (2026-11) or a day (2026-11-24)`,
        );
      await withConnection(command, context, { live: false }, async (connection, { io, json }) => {
        const { RunLogTable } = await connection.controlPlane();
        const ref = { client: new DynamoDBClient(connection.client("auditor")), table: RunLogTable };
        const log = dynamoRunLog(ref);
        const workflows = options.workflow === undefined ? await connection.workflows() : [options.workflow];
        const progress = progressOn(io, json);
        const oversight = await oversightOf(connection, "auditor");
        const drawn: DrawnRun[] = [];
        let among = 0;
        for (const workflow of [...workflows].sort()) {
          const seed = [workflow, period.name, options.seed].join("|");
          for await (const one of listRuns(ref, workflow, {
            from: period.from,
            until: period.until,
            oldestFirst: true,
          })) {
            among += 1;
            if (isDrawn(one, seed, rate)) {
              const [events, reviews] = await Promise.all([log.read(one), oversight.reviews(one)]);
              drawn.push({ ...one, status: outcomeStatus(events), reviews });
            }
            progress.show(() => `${grouped(drawn.length)} of ${grouped(among)} runs`);
          }
        }
        progress.done();
        const how = {
          period: period.name,
          rate,
          seed: options.seed,
          among,
          rule: "SHA-256(workflow|period|seed|run) < rate",
        };
        const reviewed = drawn.filter(({ reviews }) => reviews.length > 0).length;
        if (json) return io.out(JSON.stringify({ ...how, reviewed, runs: drawn }));
        if (drawn.length > 0)
          io.out(
            table([
              ["RUN", "WORKFLOW", "TENANT", "STARTED (UTC)", "STATUS", "REVIEW"],
              ...drawn.map((row) => [
                row.runId,
                row.workflow,
                row.tenant,
                row.startedAt.slice(0, 19),
                row.status,
                row.reviews.map(({ verdict, by }) => printable(`${verdict} (${by})`)).join(", ") || "not yet",
              ]),
            ]),
          );
        io.out(
          `${grouped(drawn.length)} of ${grouped(among)} runs of ${period.name} drawn at ${options.rate}: ${how.rule}; the same runs, period and seed draw the same`,
        );
        if (drawn.length > 0)
          io.out(
            `${grouped(reviewed)} of ${grouped(drawn.length)} are reviewed; record one with \`countersign run review <run> --verdict ok --note "…"\``,
          );
      });
    });
}

interface DrawnRun extends ListedRun {
  readonly status: string;
  readonly reviews: readonly Review[];
}

function rateOf(value: string): number {
  const percent = /^(\d{1,3}(?:\.\d{1,4})?)%$/.exec(value)?.[1];
  const rate = Number(percent) / 100;
  if (percent !== undefined && rate > 0 && rate <= 1) return rate;
  throw new CountersignError(
    "CS-5006",
    `--rate: '${value}' is not allowed; use more than 0% and at most 100%, e.g. 5%`,
  );
}
