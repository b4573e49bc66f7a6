import type { Command } from "commander";
import { runsInFiles, sizeOf } from "../../../client/recorded-files.js";
import { loadDefinition, loadRules } from "../../../client/replay-rules.js";
import { CountersignError } from "../../../errors.js";
import { type Backtest, createBacktest, isChanged, redecide } from "../../../replay/backtest.js";
import { COMPARED } from "../../../replay/compare.js";
import type { RunMachineDefinition } from "../../../replay/definition.js";
import { type Replayed, replayRun } from "../../../replay/replay.js";
import type { Rules } from "../../../replay/rules.js";
import type { RecordedEvent } from "../../../run/events.js";
import { type CommandContext, globalsOf } from "../../context.js";
import { printable, table } from "../../io.js";
import { bar, grouped, type Progress, progressOn } from "../../progress.js";

interface Options {
  readonly policies?: string;
  readonly contract?: string;
  readonly autonomy?: string;
  readonly maxChanges?: string;
  readonly definition?: string;
}
const SHOWN = 20;

export function replayCommand(run: Command, context: CommandContext): void {
  run
    .command("replay")
    .description(
      "run exported runs again with recorded answers: identical, or the first divergence; by other rules: which decisions would change",
    )
    .argument("<files...>", "events written by `run export`")
    .option("--policies <folder>", "decide by the .cedar files of this folder")
    .option("--contract <version|path>", "decide by this contract: a version in the workflow's folder, or a path")
    .option("--autonomy <level>", "decide at this level of autonomy")
    .option("--max-changes <n>", "decide again, and exit 1 when more than so many decisions change")
    .option("--definition <file>", "the state machine's definition (default: synthesised from this project)")
    .action(async (files: string[], options: Options, command: Command) => {
      const { json, stage } = globalsOf(command);
      const { io, root } = context;
      const budget = changeBudget(options.maxChanges);
      const isBacktest = [options.policies, options.contract, options.autonomy, budget].some(
        (one) => one !== undefined,
      );
      const progress = progressOn(io, json);
      const rules = perWorkflow((workflow) => loadRules({ root, workflow, ...options }));
      if (isBacktest) {
        const { found, decisions } = await backtest(files, rules, progress, json);
        io.out(json ? JSON.stringify({ ...found, changes: decisions }) : backtestText(found, budget));
        if (budget !== undefined && found.changed > budget) context.exitCode(1);
        return;
      }
      const definitions = perWorkflow((workflow) =>
        loadDefinition({
          root,
          stage,
          workflow,
          file: options.definition,
          synthesising: () => progress.show(() => "synthesising the state machine"),
        }),
      );
      const replayed = await replayAll(files, rules, definitions, progress);
      io.out(json ? JSON.stringify({ compared: COMPARED, runs: replayed }) : replayText(replayed));
      if (replayed.some(({ comparison }) => comparison.identical === false)) context.exitCode(1);
    });
}

function changeBudget(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (Number.isSafeInteger(number) && number >= 0 && value.trim() !== "") return number;
  throw new CountersignError("CS-5006", `--max-changes: '${value}' is not allowed; use a whole number from 0 on`);
}

function perWorkflow<T>(load: (workflow: string) => Promise<T>): (events: readonly RecordedEvent[]) => Promise<T> {
  const known = new Map<string, Promise<T>>();
  return (events) => {
    const workflow = events[0]?.workflow ?? "";
    // it names folders
    if (!/^[a-z][a-z0-9-]{0,31}$/.test(workflow))
      throw new CountersignError("CS-5001", `workflow '${printable(workflow)}' of the file is no name of a workflow`);
    const found = known.get(workflow) ?? load(workflow);
    known.set(workflow, found);
    return found;
  };
}
type Loader<T> = (events: readonly RecordedEvent[]) => Promise<T>;

async function replayAll(
  files: readonly string[],
  rules: Loader<Rules>,
  definitions: Loader<RunMachineDefinition>,
  progress: Progress,
): Promise<readonly Replayed[]> {
  const total = await sizeOf(files);
  const replayed: Replayed[] = [];
  for await (const { events, bytes } of runsInFiles(files)) {
    replayed.push(await replayRun(events, await rules(events), await definitions(events)));
    progress.show(() => `${bar(bytes, total, "bytes")}, ${grouped(replayed.length)} runs`);
  }
  progress.done();
  return replayed;
}

async function backtest(files: readonly string[], rules: Loader<Rules>, progress: Progress, keep: boolean) {
  const total = await sizeOf(files);
  const adding = createBacktest();
  const decisions = [];
  let runs = 0;
  for await (const { events, bytes } of runsInFiles(files)) {
    const again = await redecide(events, await rules(events));
    adding.add(again);
    if (keep) decisions.push(...again.filter(isChanged));
    runs += 1;
    progress.show(() => `${bar(bytes, total, "bytes")}, ${grouped(runs)} runs`);
  }
  progress.done();
  return { found: adding.finish(), decisions };
}

function replayText(replayed: readonly Replayed[]): string {
  const lines = replayed.flatMap(({ run, comparison, statesEntered, otherRules }) => [
    ...verdict(run, comparison, statesEntered),
    ...otherRules.map((other) => `    by other rules than recorded: ${other}`),
  ]);
  const identical = replayed.filter(({ comparison }) => comparison.identical === true).length;
  const shown = replayed.length > SHOWN ? differing(replayed) : lines;
  return [
    ...shown,
    `${identical} of ${replayed.length} runs identical; nothing outside this process was called`,
    COMPARED,
  ].join("\n");
}

const differing = (replayed: readonly Replayed[]) =>
  replayed
    .filter(({ comparison }) => comparison.identical !== true)
    .slice(0, SHOWN)
    .flatMap(({ run, comparison, statesEntered }) => verdict(run, comparison, statesEntered));

function verdict(run: string, comparison: Replayed["comparison"], states: number): string[] {
  if (comparison.identical === true)
    return [`✔ ${printable(run)}: identical through ${states} states, head ${comparison.head.slice(0, 16)}`];
  if (comparison.identical === null) return [`– ${printable(run)}: not replayed: ${comparison.why}`];
  const { seq, step, event, field, recorded, now } = comparison.divergence;
  return [
    `✘ ${printable(run)}: first divergence at record ${seq} (${event}, step ${step}), ${field}`,
    `    recorded  ${printable(JSON.stringify(recorded)).slice(0, 400)}`,
    `    now       ${printable(JSON.stringify(now)).slice(0, 400)}`,
  ];
}

const UNKNOWN_TEXT: Readonly<Record<string, string>> = {
  outbound: "decisions had no recorded outbound check, which looks for values that are not in the log: taken as passed",
  exposure: "decisions had no recorded sums of the day: taken as if nobody else had acted",
};

function backtestText(found: Backtest, budget: number | undefined): string {
  const { runs, decisions, changed, changedRuns, rows, unknown } = found;
  const changes =
    rows.length === 0
      ? []
      : [
          table([
            ["CHANGE", "TOOL", "BY", "DECISIONS", "RUNS", "EXAMPLE"],
            ...rows.map((row) =>
              [row.change, row.tool, row.by, grouped(row.decisions), grouped(row.runs), row.example].map(printable),
            ),
          ]),
        ];
  const over =
    budget !== undefined && changed > budget ? `; more than the ${grouped(budget)} that --max-changes allows` : "";
  return [
    ...changes,
    `${grouped(changed)} of ${grouped(decisions)} decisions in ${grouped(changedRuns)} of ${grouped(runs)} runs would change${over}`,
    ...Object.entries(unknown).map(([what, count]) => `${grouped(count)} ${UNKNOWN_TEXT[what] ?? what}`),
    "each decision is made again with everything before it as recorded; nothing outside this process was called",
  ].join("\n");
}
