import type { Command } from "commander";
import { CountersignError } from "../../errors.js";
import { modelOf, parseModelFlag } from "../../local/services/bedrock.js";
import { type CommandContext, globalsOf } from "../context.js";
import { type LocalStart, startLocal } from "../local-start.js";

const DEFAULT_PORT = 4600;
const DECISIONS = ["approve", "reject", "none"] as const;

interface Flags {
  readonly workflow: string;
  readonly input?: string;
  readonly port: string;
  readonly fresh?: boolean;
  readonly run: boolean;
  readonly decide?: string;
  readonly expire?: boolean;
  readonly model?: string;
  readonly exit?: boolean;
}

export function localCommands(program: Command, context: CommandContext): void {
  const local = program.command("local").description("the embedded local cloud");
  local
    .command("start")
    .description("synthesise, start the local cloud, run a workflow once and wait for people (what `npm start` does)")
    .option("--workflow <workflow>", "which workflow to run", "billing-dispute")
    .option("--input <file>", "JSON file with the run's input (default: the workflow's first example)")
    .option("--port <port>", "port of console and endpoint on 127.0.0.1", String(DEFAULT_PORT))
    .option("--fresh", "throw local data away first")
    .option("--no-run", "start the cloud only")
    .option(
      "--decide <what>",
      "answer approvals without a person, over the same HTTP: approve, reject or none; then exit",
    )
    .option("--expire", "with --decide none: skip the time to the deadline")
    .option("--model <model>", "a real model instead of recorded turns: bedrock[:region] or openai:<base-url>#<model>")
    .option("--exit", "exit when the run is finished")
    .action(async (flags: Flags, command: Command) => {
      const { stage, json } = globalsOf(command);
      await startLocal({ ...parse(flags), stage, json, root: context.root, io: context.io });
    });
}

type Parsed = Omit<LocalStart, "stage" | "json" | "root" | "io">;

function parse(flags: Flags): Parsed {
  const port = Number(flags.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new CountersignError("CS-5006", `--port: '${flags.port}' is not allowed; use 0 (any free port) to 65535`);
  const decide = DECISIONS.find((one) => one === flags.decide);
  if (flags.decide !== undefined && decide === undefined)
    throw new CountersignError("CS-5006", `--decide: '${flags.decide}' is not allowed; use approve, reject or none`);
  if (flags.expire === true && decide !== "none")
    throw new CountersignError(
      "CS-5006",
      "--expire: goes with --decide none; it skips the time that nobody decides in",
    );
  return {
    workflow: flags.workflow,
    port,
    fresh: flags.fresh === true,
    run: flags.run,
    expire: flags.expire === true,
    exit: flags.exit === true || decide === "approve" || decide === "reject" || flags.expire === true,
    ...(flags.input === undefined ? {} : { input: flags.input }),
    ...(decide === undefined ? {} : { decide }),
    ...(flags.model === undefined
      ? {}
      : {
          model: modelOf(
            parseModelFlag(flags.model),
            process.env.AWS_REGION ?? "us-east-1",
            process.env.OPENAI_API_KEY,
          ),
        }),
  };
}
