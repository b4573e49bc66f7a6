import type { Command } from "commander";
import type { CommandContext } from "../context.js";
import { exportCommand } from "./run/export.js";
import { listCommand } from "./run/list.js";
import { publicKeyCommand } from "./run/public-key.js";
import { readersCommand } from "./run/readers.js";
import { replayCommand } from "./run/replay.js";
import { reportCommand } from "./run/report.js";
import { revealCommand } from "./run/reveal.js";
import { reviewCommand } from "./run/review.js";
import { sampleCommand } from "./run/sample.js";
import { showCommand } from "./run/show.js";
import { shredCommand } from "./run/shred.js";
import { startCommand } from "./run/start.js";
import { toScenarioCommand } from "./run/to-scenario.js";
import { verifierCommand } from "./run/verifier.js";
import { verifyCommand } from "./run/verify.js";

/** One file per command in `run/`. */
export function runCommands(program: Command, context: CommandContext): void {
  const run = program
    .command("run")
    .description("start runs; look at their records; export, verify, report and replay them");
  startCommand(run, context);
  listCommand(run, context);
  showCommand(run, context);
  exportCommand(run, context);
  verifyCommand(run, context);
  reportCommand(run, context);
  replayCommand(run, context);
  toScenarioCommand(run, context);
  sampleCommand(run, context);
  reviewCommand(run, context);
  publicKeyCommand(run, context);
  verifierCommand(run, context);
  revealCommand(run, context);
  readersCommand(run, context);
  shredCommand(run, context);
}
