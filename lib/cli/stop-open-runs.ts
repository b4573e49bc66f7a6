/** Ctrl-C: ends the executions that still run and waits until close-run has recorded them as stopped. */
import { ListExecutionsCommand, SFNClient, StopExecutionCommand } from "@aws-sdk/client-sfn";
import type { Connection } from "../client/connection.js";
import { findRun, runReader, runStatus } from "../client/runs.js";

const PATIENCE_MS = 15_000;
const POLL_MS = 100;

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
      const run = await findRun(connection, reader, name, workflow);
      const giveUpAt = Date.now() + PATIENCE_MS;
      let status = "open";
      while (Date.now() < giveUpAt) {
        status = runStatus(await reader.events(run));
        if (status !== "open" && status !== "waiting for people") break;
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
      say(`run ${name}: ${status}${status === "open" ? "; the sweep closes it after the next start" : ""}`);
    }
  }
}
