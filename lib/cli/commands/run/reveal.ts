import type { Command } from "commander";
import { oversightOf, personOf, wordsOf } from "../../../client/oversight.js";
import { reveal, vaultOf } from "../../../client/reveal.js";
import { findRun, runReader } from "../../../client/runs.js";
import { type CommandContext, withConnection } from "../../context.js";
import { printable, table } from "../../io.js";
import { positive } from "../../options.js";

interface Options {
  readonly reason: string;
  readonly seq?: string;
  readonly field?: string;
  readonly workflow?: string;
  readonly as?: string;
}

export function revealCommand(run: Command, context: CommandContext): void {
  run
    .command("reveal")
    .description("break-glass: show sealed values, checked against the log; who read what, and why, is on record first")
    .argument("<run-id>")
    .requiredOption("--reason <text>", "why; auditors read it (`run readers`)")
    .option("--seq <n>", "of this record only")
    .option("--field <path>", "this field of a record's data, or all below it, e.g. input.claim")
    .option("--workflow <workflow>", "of this workflow")
    .option("--as <email>", "with --local: who you are; on AWS your session says it")
    .action(async (runId: string, options: Options, command: Command) => {
      const reason = wordsOf("--reason", options.reason);
      const seq = options.seq === undefined ? {} : { seq: positive("--seq", options.seq) };
      await withConnection(command, context, { live: false }, async (connection, { io, json }) => {
        const by = await personOf(connection, "break-glass", options.as);
        const reader = await runReader(connection, "break-glass");
        const found = await findRun(connection, reader, runId, options.workflow);
        const [oversight, vault] = [await oversightOf(connection, "break-glass"), await vaultOf(connection)];
        const { values, unknown } = await reveal(
          { oversight, vault },
          {
            run: found,
            events: await reader.events(found),
            by,
            reason,
            nowMs: Date.now(),
            ...seq,
            ...(options.field === undefined ? {} : { field: options.field }),
          },
        );
        if (unknown.length > 0) context.exitCode(1);
        if (json)
          return io.out(
            JSON.stringify({ run_id: found.runId, read_by: by, reason, values, unknown, commitments: "match" }),
          );
        io.out(
          table([
            ["SEQ", "FIELD", "VALUE"],
            ...values.map((one) => [String(one.seq), printable(one.field), printable(JSON.stringify(one.value))]),
          ]),
        );
        for (const { seq, field } of unknown)
          io.err(
            `record ${seq}, ${printable(field)}: reads like a commitment, and the vault has nothing for it: a tool's or a person's own words, or a value that was taken out of the vault`,
          );
        io.out(
          `${values.length} of ${values.length} values match their commitments; that ${by} read them is on record`,
        );
      });
    });
}
