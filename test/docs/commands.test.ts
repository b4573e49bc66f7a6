import { describe, expect, test } from "vitest";
import { buildProgram, everyCommand } from "../../lib/cli/program.js";
import { root } from "../../scripts/ensure.mjs";
import { allCommands } from "../support/readme.js";

const program = buildProgram({ io: { out: () => {}, err: () => {}, terminal: false }, root, exitCode: () => {} });
const known = everyCommand(program);

/** The command a line names, and its long options that the command does not have. */
function unknownParts(line: string): string[] {
  const words = line.split(/\s+/).slice(2);
  let command = program;
  while (words[0] !== undefined) {
    const next = command.commands.find((one) => one.name() === words[0]);
    if (next === undefined) break;
    command = next;
    words.shift();
  }
  const options = [...program.options, ...command.options].map((option) => option.long);
  const missing = words.filter((word) => word.startsWith("--") && !options.includes(word.replace(/=.*/, "")));
  return command === program ? [line] : missing;
}

describe("commands in the documentation exist, with their options", () => {
  for (const file of [
    "README.md",
    "workflows/billing-dispute/README.md",
    "templates/my-workflow/README.md",
    "docs/agents.md",
    "docs/scenarios.md",
    "docs/contract.md",
    "docs/replay.md",
    "docs/vault.md",
  ]) {
    test(file, () => {
      expect(known.length).toBeGreaterThan(10);
      const lines = allCommands(file).filter((line) => line.startsWith("npx countersign"));
      expect(lines.flatMap(unknownParts)).toEqual([]);
    });
  }
});
