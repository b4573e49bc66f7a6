import { type HistoryEvent, SFNClient } from "@aws-sdk/client-sfn";
import type { Command } from "commander";
import { executionHistory } from "../../../client/history.js";
import { findRun, runReader, runStatus } from "../../../client/runs.js";
import { verifyEvents } from "../../../client/verify.js";
import { CountersignError } from "../../../errors.js";
import { describeEvent } from "../../../local/console/describe.js";
import { type CommandContext, withConnection } from "../../context.js";
import { table } from "../../io.js";

export function showCommand(run: Command, context: CommandContext): void {
  run
    .command("show")
    .description("what a run recorded (the newest, without an id)")
    .argument("[run-id]")
    .option("--workflow <workflow>", "of this workflow")
    .option("--history", "the execution's history events as Step Functions tells them, task tokens blanked")
    .action(async (runId: string | undefined, options: { workflow?: string; history?: boolean }, command: Command) =>
      withConnection(command, context, { live: false }, async (connection, { io, json }) => {
        const reader = await runReader(connection);
        const found = await findRun(connection, reader, runId, options.workflow);
        if (options.history === true) {
          const [first] = await reader.events(found);
          if (first?.type === "RunRefused")
            throw new CountersignError(
              "CS-5005",
              `run ${found.runId}: was refused (${first.data.code}) and has no execution; name another run (\`countersign run list\`)`,
            );
          const events = await executionHistory(
            new SFNClient(connection.client("operator")),
            (await connection.workflow(found.workflow)).StateMachineArn,
            found.runId,
          );
          return io.out(
            json
              ? JSON.stringify({ events })
              : events
                  .map(
                    (event) =>
                      `${String(event.id).padStart(4)}  ${event.timestamp?.toISOString() ?? ""}  ${event.type ?? ""}  ${stateName(event)}`,
                  )
                  .join("\n"),
          );
        }
        const events = await reader.events(found);
        if (json) return io.out(JSON.stringify(events));
        io.out(`run ${found.runId} of ${found.workflow}, tenant ${found.tenant}: ${runStatus(events)}`);
        io.out(
          table(
            events.map((event) => [
              String(event.seq).padStart(4),
              event.at.slice(11, 19),
              event.type,
              describeEvent(event),
            ]),
          ),
        );
        io.out((await verifyEvents([events])).summary);
      }),
    );
}

function stateName(event: HistoryEvent): string {
  return event.stateEnteredEventDetails?.name ?? event.stateExitedEventDetails?.name ?? "";
}
