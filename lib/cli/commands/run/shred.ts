import type { Command } from "commander";
import { oversightOf, personOf, wordsOf } from "../../../client/oversight.js";
import { findRun, runReader } from "../../../client/runs.js";
import { planShred, shred, shredStores, versionsIn } from "../../../client/shred.js";
import { type CommandContext, withConnection } from "../../context.js";
import { table } from "../../io.js";
import { progressOn } from "../../progress.js";

interface Options {
  readonly reason: string;
  readonly yes?: boolean;
  readonly workflow?: string;
  readonly as?: string;
}

export function shredCommand(run: Command, context: CommandContext): void {
  run
    .command("shred")
    .description(
      "make a closed run's sealed values unreadable for ever (a data-subject request); its record still verifies",
    )
    .argument("<run-id>")
    .requiredOption("--reason <text>", "why; it stays on record (`run readers`)")
    .option("--yes", "do it; without, say what would go")
    .option("--workflow <workflow>", "of this workflow")
    .option("--as <email>", "with --local: who you are; on AWS your session says it")
    .action(async (runId: string, options: Options, command: Command) => {
      const reason = wordsOf("--reason", options.reason);
      await withConnection(command, context, { live: false }, async (connection, { io, json }) => {
        const by = await personOf(connection, "shredder", options.as);
        const reader = await runReader(connection, "shredder");
        const found = await findRun(connection, reader, runId, options.workflow);
        const [stores, events] = [await shredStores(connection), await reader.events(found)];
        const progress = progressOn(io, json);
        let deleted = 0;
        const does = options.yes === true;
        const plan = does
          ? await shred(
              stores,
              await oversightOf(connection, "shredder"),
              { run: found, events, by, reason, nowMs: Date.now() },
              () => {
                deleted += 1;
                progress.show(() => `${deleted} versions deleted`);
              },
            )
          : await planShred(stores, found, events);
        progress.done();
        const kinds = (["key", "context", "call", "view"] as const).map((kind) => [kind, plan[kind].length] as const);
        if (json)
          return io.out(
            JSON.stringify({ run_id: found.runId, dry_run: !does, by, reason, versions: Object.fromEntries(kinds) }),
          );
        if (versionsIn(plan) === 0) return io.out(`run ${found.runId}: there is nothing left to shred`);
        io.out(table([["WHAT", "VERSIONS"], ...kinds.map(([kind, count]) => [WORDS[kind], String(count)])]));
        io.out(
          does
            ? `run ${found.runId} is shredded: nothing sealed of it can be opened any more; that ${by} did it is on record`
            : `run ${found.runId}: this would be deleted for good; nothing was. Do it with --yes`,
        );
      });
    });
}

const WORDS = {
  key: "the run's key, with which every sealed value goes",
  context: "what its agent was told",
  call: "arguments that were put out for its tools",
  view: "what its approvers were shown",
};
