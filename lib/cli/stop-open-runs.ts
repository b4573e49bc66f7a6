/** Runs that a local cloud leaves open: ended in order at Ctrl-C, and settled at the next start when there was no order. */
import { ListExecutionsCommand, SFNClient, StopExecutionCommand } from "@aws-sdk/client-sfn";
import type { Connection } from "../client/connection.js";
import { findRun, type RunReader, runReader, runStatus } from "../client/runs.js";
import type { RunRef } from "../run/keys.js";

const PATIENCE_MS = 15_000;
const POLL_MS = 100;
const RECENT_RUNS = 50;

/** Ends the executions that still run and waits until close-run has recorded them as stopped. */
export async function stopOpenRuns(connection: Connection, say: (line: string) => void): Promise<void> {
  const client = new SFNClient(connection.client("operator"));
  const reader = await runReader(connection);
  for (const workflow of await connection.workflows()) {
    const { StateMachineArn } = await connection.workflow(workflow);
    const { executions = [] } = await client.send(
      new ListExecutionsCommand({ stateMachineArn: StateMachineArn, statusFilter: "RUNNING" }),
    );
    for (const { executionArn, name = "" } of executions) {
      await client.send(new StopExecutionCommand({ executionArn, cause: "the local cloud was stopped" }));
      say(`run ${name}: ${await closedStatus(reader, await findRun(connection, reader, name, workflow))}`);
    }
  }
}

/** A cloud that was killed leaves runs open; their executions are aborted at this start, and close-run records it now. */
export async function settleEarlierRuns(connection: Connection, say: (line: string) => void): Promise<void> {
  const reader = await runReader(connection);
  for (const run of await reader.list(await connection.workflows(), RECENT_RUNS)) {
    if (isOpen(runStatus(await reader.events(run))))
      say(`  run ${run.runId} of an earlier start: ${await closedStatus(reader, run)}`);
  }
}

const isOpen = (status: string): boolean => status === "open" || status === "waiting for people";

/** The status once the run is closed; still an open one when that takes too long. */
async function closedStatus(reader: RunReader, run: RunRef): Promise<string> {
  const giveUpAtMs = Date.now() + PATIENCE_MS;
  for (;;) {
    const status = runStatus(await reader.events(run));
    if (!isOpen(status)) return status;
    if (Date.now() >= giveUpAtMs) return `${status}; the sweep closes it when its permit has run out`;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
