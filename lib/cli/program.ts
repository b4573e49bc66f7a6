/** The command line as one commander program: `buildProgram(context).parseAsync(argv)`. */
import { Command, CommanderError } from "commander";
import { approvalCommands } from "./commands/approval.js";
import { brakeCommands } from "./commands/brake.js";
import { localCommands } from "./commands/local.js";
import { runCommands } from "./commands/run.js";
import { scenarioCommands } from "./commands/scenario.js";
import { traceCommands } from "./commands/trace.js";
import { workflowCommands } from "./commands/workflow.js";
import type { CommandContext } from "./context.js";
import { renderError } from "./io.js";

export function buildProgram(context: CommandContext): Command {
  const program = new Command("countersign")
    .description("One governed AI-agent workflow per cdk deploy: policy gate, human approval, append-only record.")
    .option("--local", "talk to the local cloud (its data, when it has stopped) instead of AWS")
    .option("--stage <stage>", "stage of the deployment", "dev")
    .option("--json", "machine-readable output")
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .configureOutput({
      outputError: (text, write) =>
        write(
          context.jsonErrors
            ? JSON.stringify({ error: { code: "CS-5006", message: text.replace(/^error: /, "").trim() } })
            : text,
        ),
      writeOut: (text) => context.io.out(text.trimEnd()),
      writeErr: (text) => context.io.err(text.trimEnd()),
    })
    .showHelpAfterError("(see --help)");
  localCommands(program, context);
  runCommands(program, context);
  traceCommands(program, context);
  approvalCommands(program, context);
  workflowCommands(program, context);
  scenarioCommands(program, context);
  brakeCommands(program, context);
  for (const command of everyCommand(program)) command.exitOverride();
  return program;
}

/** Runs one command line; answers with the exit code and never throws. */
export async function runProgram(
  argv: readonly string[],
  context: Omit<CommandContext, "exitCode" | "jsonErrors">,
): Promise<number> {
  let code = 0;
  const program = buildProgram({
    ...context,
    jsonErrors: argv.includes("--json"),
    exitCode: (given) => (code = given),
  });
  try {
    await program.parseAsync([...argv], { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode; // commander has told what is wrong, or printed the help
    context.io.err(renderError(error, argv.includes("--json")));
    return 1;
  }
}

/** The program and all commands below it. */
export function everyCommand(command: Command): Command[] {
  return [command, ...command.commands.flatMap(everyCommand)];
}
