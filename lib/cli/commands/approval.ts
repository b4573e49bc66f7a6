import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Command } from "commander";
import { listApprovals } from "../../aws/approval-index.js";
import { decide } from "../../client/desk.js";
import { CountersignError } from "../../errors.js";
import { type CommandContext, globalsOf, withConnection } from "../context.js";
import { printable, table } from "../io.js";

export function approvalCommands(program: Command, context: CommandContext): void {
  const approval = program.command("approval").description("what waits for people, and deciding it");
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
        const listed = (
          await Promise.all(workflows.map((workflow) => listApprovals(ref, workflow, Date.now())))
        ).flat();
        const shown = listed
          .filter((one) => options.all === true || one.status === "waiting")
          .sort((a, b) => a.deadline.localeCompare(b.deadline));
        if (json) return io.out(JSON.stringify(shown));
        if (shown.length === 0) return io.out("nothing waits for people");
        io.out(
          table([
            ["WHAT", "RUN", "ASKED", "NEEDS", "UNTIL (UTC)", "STATUS"],
            ...shown.map((one) => [
              printable(one.title),
              one.run_id,
              one.approvers.join(", "),
              String(one.needed),
              one.deadline.slice(0, 16),
              one.status,
            ]),
          ]),
        );
      }),
    );
  approval
    .command("decide")
    .description("decide with the link and the code of the approval mail, under the same rules as the page")
    .argument("<link>", "the whole link from the mail")
    .requiredOption("--code <code>", "the code in the mail")
    .option("--approve", "let exactly this action run")
    .option("--reject", "say no; needs --comment, which the agent gets as the reason")
    .option("--confirm <text>", "what an irreversible action wants typed, e.g. 420.00")
    .option("--comment <text>", "for the record")
    .action(
      async (
        link: string,
        options: { code: string; approve?: boolean; reject?: boolean; confirm?: string; comment?: string },
        command: Command,
      ) => {
        if (options.approve === options.reject)
          throw new CountersignError("CS-5006", "approval decide: give one of --approve and --reject");
        const message = await decide(link, {
          decision: options.approve === true ? "approve" : "reject",
          code: options.code,
          ...(options.confirm === undefined ? {} : { confirmation: options.confirm }),
          ...(options.comment === undefined ? {} : { comment: options.comment }),
        });
        context.io.out(globalsOf(command).json ? JSON.stringify({ message }) : message);
      },
    );
}
