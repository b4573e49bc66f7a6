import type { Command } from "commander";
import { VERDICTS } from "../../../aws/oversight.js";
import { oversightOf, personOf, wordsOf } from "../../../client/oversight.js";
import { review } from "../../../client/review.js";
import { findRun, runReader } from "../../../client/runs.js";
import { type CommandContext, withConnection } from "../../context.js";
import { oneOf } from "../../options.js";

interface Options {
  readonly verdict: string;
  readonly note: string;
  readonly workflow?: string;
  readonly as?: string;
}

export function reviewCommand(run: Command, context: CommandContext): void {
  run
    .command("review")
    .description(
      "record what you found in a closed run, e.g. one that `run sample` drew; it stays, and the report shows it",
    )
    .argument("<run-id>")
    .requiredOption("--verdict <verdict>", VERDICTS.join(" or "))
    .requiredOption("--note <text>", "what you looked at and found")
    .option("--workflow <workflow>", "of this workflow")
    .option("--as <email>", "with --local: who you are; on AWS your session says it")
    .action(async (runId: string, options: Options, command: Command) => {
      const [verdict, note] = [oneOf("--verdict", options.verdict, VERDICTS), wordsOf("--note", options.note)];
      await withConnection(command, context, { live: false }, async (connection, { io, json }) => {
        const by = await personOf(connection, "auditor", options.as);
        const reader = await runReader(connection);
        const found = await findRun(connection, reader, runId, options.workflow);
        const oversight = await oversightOf(connection, "auditor");
        const asked = { run: found, events: await reader.events(found), by, verdict, note, nowMs: Date.now() };
        const added = await review(oversight, asked);
        io.out(json ? JSON.stringify(added) : `run ${found.runId}: reviewed by ${by}: ${verdict}`);
      });
    });
}
