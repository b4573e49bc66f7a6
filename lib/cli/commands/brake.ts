import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Command } from "commander";
import { dynamoControl } from "../../aws/control.js";
import { CountersignError } from "../../errors.js";
import { type CommandContext, withConnection } from "../context.js";

export function brakeCommands(program: Command, context: CommandContext): void {
  program
    .command("stop")
    .description("set the brake: nothing is admitted, decided or run any more until `resume`")
    .argument("<workflow>")
    .requiredOption("--reason <text>", "why; everyone who is held back reads it")
    .option("--dry-run", "say what would be set, and set nothing")
    .action((workflow: string, options: { reason: string; dryRun?: boolean }, command: Command) =>
      brake(command, context, workflow, { on: true, reason: options.reason }, options.dryRun === true),
    );
  program
    .command("resume")
    .description("lift the brake")
    .argument("<workflow>")
    .option("--dry-run", "say what would be lifted, and lift nothing")
    .action((workflow: string, options: { dryRun?: boolean }, command: Command) =>
      brake(command, context, workflow, { on: false, reason: "" }, options.dryRun === true),
    );
}

async function brake(
  command: Command,
  context: CommandContext,
  workflow: string,
  set: { on: boolean; reason: string },
  dryRun: boolean,
): Promise<void> {
  await withConnection(command, context, { live: true }, async (connection, { io, json }) => {
    const known = await connection.workflows();
    if (!known.includes(workflow))
      throw new CountersignError(
        "CS-5001",
        `workflow '${workflow}': not deployed to stage ${connection.stage}; there are ${known.join(", ") || "none"}`,
      );
    const { ControlTable } = await connection.controlPlane();
    const control = dynamoControl({ client: new DynamoDBClient(connection.client("operator")), table: ControlTable });
    const at = new Date().toISOString();
    if (!dryRun) await control.writeBrake(workflow, { ...set, by: operatorName(), at });
    const verb = `${dryRun ? "would be " : ""}${set.on ? "stopped" : "resumed"}`;
    io.out(
      json
        ? JSON.stringify({ workflow, brake: set.on, dry_run: dryRun, at })
        : `${workflow} is ${verb}${set.on ? `: ${set.reason}` : ""}`,
    );
  });
}

/** A note for people, as the machine gives it; who really did it is in CloudTrail. */
function operatorName(): string {
  return process.env.USER ?? process.env.LOGNAME ?? "operator";
}
