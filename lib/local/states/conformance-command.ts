/** `npm run conformance -- <folder>...`: exit 0 when all cases pass, 1 when one fails, 2 when they cannot be run. */
import { Command, CommanderError } from "commander";
import { CountersignError } from "../../errors.js";
import { runConformance } from "./conformance.js";

export interface Printer {
  out(line: string): void;
  err(line: string): void;
}

/** Runs the command line (without node and script); answers the exit code. */
export async function conformanceCommand(argv: readonly string[], { out, err }: Printer): Promise<0 | 1 | 2> {
  const trimmed = (print: (line: string) => void) => (text: string) => print(text.replace(/\n$/, ""));
  const command = new Command("npm run conformance --")
    .description("Runs Step Functions cases on the interpreter: how each run ends, and its history.")
    .argument("<folder...>", "folders of cases, one JSON file each (format: docs/conformance.md)")
    .option("--json", "one JSON object instead of text: { passed, failed, failures }")
    .addHelpText("after", "\nExit code: 0 all passed, 1 a case failed, 2 a folder or case cannot be read.")
    .exitOverride()
    .configureOutput({ writeOut: trimmed(out), writeErr: trimmed(err) });
  try {
    command.parse([...argv], { from: "user" });
    const { json = false } = command.opts<{ json?: boolean }>();
    const report = await runConformance(command.args, ({ name, file, problems }) => {
      if (!json) for (const line of [`FAILED ${name}\n  ${file}`, ...problems.map((each) => `  ${each}`)]) out(line);
    });
    const failed = report.failures.length;
    out(json ? JSON.stringify({ failed, ...report }) : `${report.passed} passed, ${failed} failed`);
    return failed === 0 ? 0 : 1;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!(error instanceof CountersignError)) throw error;
    err(error.toString());
    return 2;
  }
}
