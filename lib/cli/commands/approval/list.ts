import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Command } from "commander";
import { listApprovals } from "../../../aws/approval-index.js";
import { type CommandContext, withConnection } from "../../context.js";
import { printable, table } from "../../io.js";

export function listCommand(approval: Command, context: CommandContext): void {
  approval
    .command("list")
    .description("approvals that wait, soonest deadline first")
    .option("--workflow <workflow>", "of this workflow only")
    .option("--all", "also those that were decided or have expired")
    .action(async (options: { workflow?: string; all?: boolean }, command: Command) =>
      withConnection(command, context, { live: false }, async (connection, { io, json }) => {
        const { ApprovalsTable } = await connection.controlPlane();
        const ref = { client: new DynamoDBClient(connection.client("approver")), table: ApprovalsTable };
        const workflows = options.workflow === undefined ? await connection.workflows() : [options.workflow];
        const which = options.all === true ? "all" : "waiting";
        const listed = await Promise.all(workflows.map((workflow) => listApprovals(ref, workflow, Date.now(), which)));
        const shown = listed.flat().sort((a, b) => a.deadline.localeCompare(b.deadline));
        if (json) return io.out(JSON.stringify(shown));
        if (shown.length === 0) return io.out("nothing waits for people");
        io.out(
          table([
            ["APPROVAL", "WHAT", "ASKED", "GIVEN", "UNTIL (UTC)", "STATUS"],
            ...shown.map((one) => [
              one.approval_id,
              printable(one.title),
              one.approvers.join(", "),
              `${one.approved_by.length} of ${one.needed}`,
              one.deadline.slice(0, 16),
              one.status,
            ]),
          ]),
        );
      }),
    );
}
