import type { Command } from "commander";
import { oversightOf } from "../../../client/oversight.js";
import { type CommandContext, withConnection } from "../../context.js";
import { printable, table } from "../../io.js";

/** More fields than these are counted. */
const NAMED_FIELDS = 3;

export function readersCommand(run: Command, context: CommandContext): void {
  run
    .command("readers")
    .description("who read sealed values and who shredded runs: when, of which run, which fields, why")
    .argument("[run-id]", "of this run only")
    .action(async (runId: string | undefined, _options: object, command: Command) =>
      withConnection(command, context, { live: false }, async (connection, { io, json }) => {
        const oversight = await oversightOf(connection, "auditor");
        const notes = [...(await oversight.readings()), ...(await oversight.shreddings())]
          .filter(({ run_id }) => runId === undefined || run_id === runId)
          .sort((a, b) => a.at.localeCompare(b.at));
        if (json) return io.out(JSON.stringify(notes));
        if (notes.length === 0) return io.out("nobody has read sealed values or shredded a run");
        io.out(
          table([
            ["WHEN (UTC)", "WHO", "RUN", "WHAT", "WHY"],
            ...notes.map((note) => [
              note.at.slice(0, 19),
              printable(note.by),
              note.run_id,
              printable(note.type === "ValuesRead" ? fieldsOf(note.fields) : "shredded"),
              printable(note.reason),
            ]),
          ]),
        );
      }),
    );
}

function fieldsOf(fields: readonly { readonly seq: number; readonly field: string }[]): string {
  const named = fields.slice(0, NAMED_FIELDS).map(({ seq, field }) => `${seq} ${field}`);
  const more = fields.length - named.length;
  return `read ${named.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
