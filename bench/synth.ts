/** Synthesis of 1, 10 and 100 workflows against an empty CDK app: time, resources and template size. */
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import * as z from "zod";
import { type Benchmark, type Figure, median } from "./measure.js";
import { root, WORKFLOW } from "./reference.js";

const SIZES = [
  { workflows: 1, rounds: 2 },
  { workflows: 10, rounds: 1 },
  { workflows: 100, rounds: 1 },
] as const;
/** In a run of all benchmarks the largest gets no longer than this. */
const PATIENCE_MS = 210_000;
/** An app nobody synthesises fewer times than the others. */
const EMPTY_ROUNDS = 3;

const answer = z.strictObject({
  ms: z.number(),
  resources: z.int(),
  largestStack: z.int(),
  largestTemplateBytes: z.int(),
});
type Answer = z.output<typeof answer>;

export const synth: Benchmark = {
  name: "synth",
  about:
    "loading, checking, bundling and synthesising 1, 10 and 100 workflows, against synthesising an empty CDK app, a process each",
  async run() {
    const folder = mkdtempSync(join(tmpdir(), "countersign-bench-"));
    try {
      const empty: Answer[] = [];
      const taken = new Map<number, Answer[]>();
      for (const { workflows } of SIZES) writeWorkflows(join(folder, String(workflows)), workflows);
      for (let round = 0; round < EMPTY_ROUNDS; round++) {
        const nothing = await child(join(folder, "empty"), "0");
        if (nothing !== undefined) empty.push(nothing);
        for (const { workflows, rounds } of SIZES) {
          if (round >= rounds) continue;
          const found = await child(join(folder, String(workflows)), String(workflows));
          if (found !== undefined) taken.set(workflows, [...(taken.get(workflows) ?? []), found]);
        }
      }
      const base = median(empty.map(({ ms }) => ms));
      return [
        { name: "empty app", value: base, unit: "ms" },
        ...SIZES.flatMap(({ workflows }) => figuresOf(workflows, taken.get(workflows) ?? [], base)),
      ];
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

function figuresOf(workflows: number, answers: readonly Answer[], base: number): Figure[] {
  const [last] = answers;
  const name = workflows === 1 ? "1 workflow" : `${workflows} workflows`;
  const aim = workflows === 100 ? { aim: { atMost: 3 } } : {};
  if (last === undefined) {
    return [
      { name: `${name}, stopped unfinished after`, value: PATIENCE_MS, unit: "ms" },
      { name: `${name}, against the empty app, at least`, value: PATIENCE_MS / base, unit: "x", ...aim },
    ];
  }
  const ms = median(answers.map((each) => each.ms));
  return [
    { name: `${name}, time`, value: ms, unit: "ms" },
    {
      name: `${name}, against the empty app`,
      value: ms / base,
      unit: "x",
      ...aim,
    },
    { name: `${name}, resources in all`, value: last.resources, unit: "" },
    { name: `${name}, resources of the largest stack`, value: last.largestStack, unit: "", aim: { atMost: 499 } },
    { name: `${name}, largest template`, value: last.largestTemplateBytes / 1000, unit: "kB", aim: { atMost: 1000 } },
  ];
}

/** undefined when it was stopped unfinished */
async function child(folder: string, workflows: string): Promise<Answer | undefined> {
  const args = [...process.execArgv, join(import.meta.dirname, "synth-child.ts"), folder, workflows];
  const timeout = process.env.COUNTERSIGN_BENCH_ALONE === undefined ? PATIENCE_MS : 0;
  try {
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root, maxBuffer: 1e7, timeout });
    return answer.parse(JSON.parse(stdout.trim().split("\n").at(-1) ?? ""));
  } catch (error) {
    if (error instanceof Error && "killed" in error && error.killed === true) return undefined;
    throw error;
  }
}

/** Copies of the reference workflow under other names, beside links to what they import. */
function writeWorkflows(folder: string, count: number): void {
  mkdirSync(folder, { recursive: true });
  for (const name of ["lib", "node_modules"]) symlinkSync(join(root, name), join(folder, name));
  writeFileSync(join(folder, "package.json"), '{"type":"module"}\n');
  for (let n = 0; n < count; n++) {
    const name = n === 0 ? WORKFLOW : `${WORKFLOW}-${n}`;
    const target = join(folder, "workflows", name);
    cpSync(join(root, "workflows", WORKFLOW), target, { recursive: true });
    if (n === 0) continue;
    const contract = join(target, "contract.ts");
    writeFileSync(contract, readFileSync(contract, "utf8").replace(`name: "${WORKFLOW}"`, `name: "${name}"`));
    const policies = join(target, "policies");
    for (const file of readdirSync(policies).map((each) => join(policies, each)))
      writeFileSync(file, readFileSync(file, "utf8").replaceAll("BillingDispute::", `BillingDispute${n}::`));
  }
}
