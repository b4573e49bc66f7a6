import type { Command } from "commander";
import { findRun, runReader } from "../../../client/runs.js";
import { verifyEvents, verifyFiles } from "../../../client/verify.js";
import { type CommandContext, withConnection } from "../../context.js";

export function verifyCommand(run: Command, context: CommandContext): void {
  run
    .command("verify")
    .description("check exported events offline, or with --local / without a file those of the newest run")
    .argument("[files...]", "files written by `run export`")
    .action(async (files: string[], _: unknown, command: Command) => {
      const report = async (verdict: Awaited<ReturnType<typeof verifyFiles>>, json: boolean) => {
        context.io.out(json ? JSON.stringify(verdict) : verdict.summary);
        if (!verdict.ok) context.exitCode(1);
      };
      if (files.length > 0) return report(await verifyFiles(files), command.optsWithGlobals().json === true);
      await withConnection(command, context, { live: false }, async (connection, { json }) => {
        const reader = await runReader(connection);
        const found = await findRun(connection, reader, undefined, undefined);
        await report(await verifyEvents([await reader.events(found)]), json);
      });
    });
}
