import type { Command } from "commander";
import * as z from "zod";
import { startRun } from "../../../client/front-door.js";
import { admitRequest } from "../../../run/protocol.js";
import { fillTimes } from "../../../scenario/format.js";
import { type CommandContext, withConnection } from "../../context.js";
import { readJsonFile } from "../../files.js";

export function startCommand(run: Command, context: CommandContext): void {
  run
    .command("start")
    .description("start a run through the workflow's front door, as the requester")
    .argument("<workflow>", "name of the workflow")
    .requiredOption("--input <file>", "JSON file with the input; {{now-2d}} stands for a time")
    .option("--tenant <tenant>", "tenant of the run (default: the contract's only tenant)")
    .option("--request-id <id>", "the same id again gives the same run")
    .action(
      async (workflow: string, options: { input: string; tenant?: string; requestId?: string }, command: Command) => {
        const input = z.record(z.string(), z.json()).parse(await readJsonFile(options.input));
        await withConnection(command, context, { live: true }, async (connection, { io, json }) => {
          const request = admitRequest.parse({
            input: fillTimes(input, Date.now()),
            ...(options.tenant === undefined ? {} : { tenant: options.tenant }),
            ...(options.requestId === undefined ? {} : { request_id: options.requestId }),
          });
          const answer = await startRun(connection, workflow, request);
          io.out(
            json
              ? JSON.stringify(answer)
              : `run ${answer.run_id} of ${workflow} for tenant ${answer.tenant}${answer.repeated ? " (started before with this request id)" : ""}`,
          );
        });
      },
    );
}
