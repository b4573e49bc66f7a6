/** What every command shares: where it writes, the global options, the connection and its end. */
import type { Command } from "commander";
import type { Connection } from "../client/connection.js";
import { CountersignError } from "../errors.js";
import { connect } from "./connect.js";
import type { Io } from "./io.js";

export interface CommandContext {
  readonly io: Io;
  /** folder of the project: `workflows/`, `cdk.json`, `.countersign/` */
  readonly root: string;
  /** a wrong command line is told as JSON */
  readonly jsonErrors?: boolean;
  /** the process's exit code, when it is not 0 */
  exitCode(code: number): void;
}
export interface Globals {
  readonly io: Io;
  readonly json: boolean;
}

/** Opens the connection that the global options ask for, and closes it whatever happens. */
export async function withConnection(
  command: Command,
  context: CommandContext,
  needs: { readonly live: boolean },
  work: (connection: Connection, globals: Globals) => Promise<unknown>,
): Promise<void> {
  const { local, stage, json } = globalsOf(command);
  const connection = await connect({ root: context.root, local, stage, live: needs.live });
  try {
    await work(connection, { io: context.io, json });
  } finally {
    await connection.close();
  }
}

export function globalsOf(command: Command): { local: boolean; stage: string; json: boolean } {
  const options: Record<string, unknown> = command.optsWithGlobals();
  const stage = typeof options.stage === "string" ? options.stage : "dev";
  if (!/^[a-z][a-z0-9-]{0,15}$/.test(stage))
    throw new CountersignError("CS-5006", `--stage: '${stage}' is not allowed; use a stage of cdk.json, e.g. dev`);
  return { local: options.local === true, stage, json: options.json === true };
}
