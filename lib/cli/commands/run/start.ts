import type { Command } from "commander";
import { startRun } from "../../../client/front-door.js";
import { admitRequest } from "../../../run/protocol.js";
import { fillTimes } from "../../../scenario/format.js";
import { type CommandContext, withConnection } from "../../context.js";
import { readInputFile } from "../../files.js";
import { matching } from "../../options.js";

const TENANT = "1 to 40 of a-z, 0-9, _ and -, a letter or digit first";
const REQUEST_ID = "1 to 64 of A-Z, a-z, 0-9, _ and -";

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
        const tenant = matching("--tenant", options.tenant, admitRequest.shape.tenant, TENANT);
        const requestId = matching("--request-id", options.requestId, admitRequest.shape.request_id, REQUEST_ID);
        const input = await readInputFile(options.input);
        await withConnection(command, context, { live: true }, async (connection, { io, json }) => {
          const request = {
            input: fillTimes(input, Date.now()),
            ...(tenant === undefined ? {} : { tenant }),
            ...(requestId === undefined ? {} : { request_id: requestId }),
          };
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
