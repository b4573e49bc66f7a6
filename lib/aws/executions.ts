/**
 * Executions of the workflow's state machine. Admit needs `states:StartExecution` on the state machine, admit and close-run
 * `states:DescribeExecution` on its executions.
 */
import { DescribeExecutionCommand, type SFNClient, StartExecutionCommand } from "@aws-sdk/client-sfn";
import * as z from "zod";
import { isNamed } from "./dynamo.js";

const status = z.enum(["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]);
export type ExecutionStatus = z.infer<typeof status>;

export interface Executions {
  /** The ARN that an execution of this name has. */
  arnOf(runId: string): string;
  /** Starts the execution, or finds the one of this name with the same input. */
  start(runId: string, input: unknown): Promise<void>;
  /** Null when there is none. An execution that waits for a redrive counts as running. */
  status(executionArn: string): Promise<ExecutionStatus | null>;
}

export function sfnExecutions(client: SFNClient, stateMachineArn: string): Executions {
  return {
    arnOf: (runId) => `${stateMachineArn.replace(":stateMachine:", ":execution:")}:${runId}`,
    async start(runId, input) {
      try {
        await client.send(new StartExecutionCommand({ stateMachineArn, name: runId, input: JSON.stringify(input) }));
      } catch (error) {
        // Same name: it was started before, and has ended or was started by a newer form of the same request.
        if (!isNamed(error, "ExecutionAlreadyExists")) throw error;
      }
    },
    async status(executionArn) {
      try {
        const answer = await client.send(new DescribeExecutionCommand({ executionArn }));
        return status.catch("RUNNING").parse(answer.status);
      } catch (error) {
        if (isNamed(error, "ExecutionDoesNotExist")) return null;
        throw error;
      }
    },
  };
}
