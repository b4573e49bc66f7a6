import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import * as z from "zod";
import { verifierText } from "../../../client/verifier/bundle.js";
import { CountersignError } from "../../../errors.js";
import type { CommandContext } from "../../context.js";

const manifest = z.looseObject({ version: z.string() });

export function verifierCommand(run: Command, context: CommandContext): void {
  run
    .command("verifier")
    .description(
      "write the verifier as one file without packages, for an auditor to read whole and run with plain Node",
    )
    .requiredOption("--out <file>", "e.g. countersign-verify.mjs")
    .action(async ({ out }: { readonly out: string }, command: Command) => {
      const { version } = manifest.parse(JSON.parse(await readFile(join(context.root, "package.json"), "utf8")));
      const text = await verifierText(version);
      await writeFile(out, text, { mode: 0o755 }).catch(() => {
        throw new CountersignError("CS-5002", `${out}: cannot be written; give a path in a folder that exists`);
      });
      const lines = text.split("\n").length - 1;
      if (command.optsWithGlobals().json === true) return context.io.out(JSON.stringify({ file: out, lines }));
      context.io.out(`${out}: ${lines} lines; node ${out} <run.jsonl> --key <notary.pem>`);
    });
}
