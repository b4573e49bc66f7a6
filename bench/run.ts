/**
 * `npm run bench`: every benchmark in a process of its own, one after the other; a table on the terminal, results.json and RESULTS.md.
 * `-- --only <name>` runs one. Timing fails nothing: only a benchmark that cannot run at all ends with 1.
 */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { backtest } from "./backtest.js";
import { coldStart } from "./cold-start.js";
import { exportBench } from "./export.js";
import { gate } from "./gate.js";
import { inbox } from "./inbox.js";
import { log } from "./log.js";
import { machineRuns } from "./machine-runs.js";
import type { Benchmark } from "./measure.js";
import { notary } from "./notary.js";
import { figures, loadNow, type Section, save, sectionText } from "./report.js";
import { runCost } from "./run-cost.js";
import { synth } from "./synth.js";
import { toolCall } from "./tool-call.js";
import { wholeRuns } from "./whole-runs.js";

const BENCHMARKS: readonly Benchmark[] = [
  toolCall,
  machineRuns,
  wholeRuns,
  gate,
  log,
  exportBench,
  notary,
  backtest,
  inbox,
  coldStart,
  synth,
  runCost,
];
const { values } = parseArgs({
  options: { only: { type: "string" }, child: { type: "string" }, out: { type: "string" } },
});
if (values.child !== undefined && values.out !== undefined) await runHere(named(values.child), values.out);
else await runAll(values.only === undefined ? BENCHMARKS : [named(values.only)]);

/** A benchmark that is run alone may take as long as it takes. */
function patience(): { readonly limitMs: number; readonly environment: Readonly<Record<string, string>> } {
  return values.only === undefined
    ? { limitMs: 6 * 60_000, environment: {} }
    : { limitMs: 30 * 60_000, environment: { COUNTERSIGN_BENCH_ALONE: "1" } };
}

function named(name: string): Benchmark {
  const found = BENCHMARKS.find((one) => one.name === name);
  if (found !== undefined) return found;
  console.error(`there is no benchmark ${name}; there is ${BENCHMARKS.map((one) => one.name).join(", ")}`);
  return process.exit(1);
}

async function runHere(benchmark: Benchmark, out: string): Promise<void> {
  await writeFile(out, JSON.stringify(await benchmark.run()));
  process.exit(0);
}

async function runAll(chosen: readonly Benchmark[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "countersign-bench-"));
  const sections: Section[] = [];
  try {
    for (const benchmark of chosen) {
      const section = await runInChild(benchmark, join(folder, `${benchmark.name}.json`));
      sections.push(section);
      console.log(`${sectionText(section)}\n`);
      // after each, so that an interrupted run keeps what it has
      save(sections, BENCHMARKS);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  process.exitCode = sections.some(({ failure }) => failure !== undefined) ? 1 : 0;
}

async function runInChild({ name, about }: Benchmark, out: string): Promise<Section> {
  const began = performance.now();
  const before = loadNow();
  const date = new Date().toISOString();
  const { limitMs, environment } = patience();
  const child = spawn(process.execPath, ["--import", "tsx", import.meta.filename, "--child", name, "--out", out], {
    cwd: join(import.meta.dirname, ".."),
    env: { ...process.env, ...environment, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (chunk) => (said = (said + String(chunk)).slice(-2000)));
  const limit = setTimeout(() => child.kill("SIGKILL"), limitMs);
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  clearTimeout(limit);
  const load: [number, number] = [before, loadNow()];
  const seconds = Math.round((performance.now() - began) / 1000);
  if (code === 0) {
    return { name, about, date, load, seconds, figures: figures.parse(JSON.parse(await readFile(out, "utf8"))) };
  }
  const failure = code === null ? `stopped after ${limitMs / 60_000} minutes` : said.trim();
  return { name, about, date, load, seconds, figures: [], failure };
}
