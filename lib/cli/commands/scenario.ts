import type { Command } from "commander";
import { runScenarios } from "../../scenario/run.js";
import { type CommandContext, globalsOf } from "../context.js";
import { chosen } from "./workflow.js";

export function scenarioCommands(program: Command, context: CommandContext): void {
  const scenario = program.command("scenario").description("recorded runs with expected decisions");
  scenario
    .command("test")
    .description("run scenarios through the synthesised template on a local cloud of their own, with skipped time")
    .argument("[workflow]", "of this workflow (default: all)")
    .option("--only <text>", "scenarios whose name contains this")
    .action(async (workflow: string | undefined, options: { only?: string }, command: Command) => {
      const { json, stage } = globalsOf(command);
      const names = await chosen(context.root, workflow === undefined ? [] : [workflow]);
      const results = await runScenarios({
        root: context.root,
        workflows: names,
        stage,
        ...(options.only === undefined ? {} : { only: options.only }),
        progress: (line) => (json ? undefined : context.io.out(line)),
      });
      const failed = results.filter((result) => result.differences.length > 0);
      if (json) context.io.out(JSON.stringify(results));
      else context.io.out(`${results.length - failed.length} passed, ${failed.length} failed`);
      if (failed.length > 0 || results.length === 0) context.exitCode(1);
    });
}
