import type { Command } from "commander";
import type { CommandContext } from "../context.js";
import { decideCommand } from "./approval/decide.js";
import { listCommand } from "./approval/list.js";
import { showCommand } from "./approval/show.js";
import { statsCommand } from "./approval/stats.js";

/** One file per command in `approval/`. */
export function approvalCommands(program: Command, context: CommandContext): void {
  const approval = program.command("approval").description("what waits for people, and deciding it");
  listCommand(approval, context);
  showCommand(approval, context);
  decideCommand(approval, context);
  statsCommand(approval, context);
}
