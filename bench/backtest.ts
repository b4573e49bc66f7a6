/** A thousand recorded runs decided again by other policies, and run again through the state machine; against only verifying the same file. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runsInFiles } from "../lib/client/recorded-files.js";
import { verifyFiles } from "../lib/client/verify.js";
import { checkContract } from "../lib/contract/check.js";
import { splitPolicies } from "../lib/policy/source.js";
import { createBacktest, redecide } from "../lib/replay/backtest.js";
import { machineOf } from "../lib/replay/definition.js";
import { replayRun } from "../lib/replay/replay.js";
import { rulesOf } from "../lib/replay/rules.js";
import type { Benchmark } from "./measure.js";

const RUNS = 1000;
const REPLAYED = 100;
const HISTORIES = join(import.meta.dirname, "..", "test", "histories", "v1", "billing-dispute");

export const backtest: Benchmark = {
  name: "backtest",
  about: `${RUNS.toLocaleString("en-US")} recorded runs of every kind of scenario, from the file: each decision made again by changed policies; ${REPLAYED} of them replayed through the state machine; against verifying the file`,
  async run() {
    const folder = mkdtempSync(join(tmpdir(), "countersign-bench-"));
    try {
      const file = join(folder, "runs.jsonl");
      const { records } = writeRuns(file);
      const module: { default?: unknown } = await import(join(HISTORIES, "workflow", "contract.ts"));
      const { contract } = checkContract(module.default);
      if (contract === undefined) throw new Error("the frozen contract has faults");
      const policies = readPolicies();
      const rules = rulesOf(contract, splitPolicies(policies, "policies.cedar"));
      const changed = policies.replace("customer_day_cents <= 50000", "customer_day_cents <= 10000");
      const others = rulesOf(contract, splitPolicies(changed, "changed.cedar"));

      const began = performance.now();
      const adding = createBacktest();
      for await (const { events } of runsInFiles([file])) adding.add(await redecide(events, others));
      const found = adding.finish();
      const backtestMs = performance.now() - began;
      if (found.runs !== RUNS || found.changed === 0) throw new Error(`${found.runs} runs, ${found.changed} changes`);

      const machine = machineOf(readFileSync(join(HISTORIES, "machine.asl.json"), "utf8"));
      const replayBegan = performance.now();
      let replayed = 0;
      for await (const { events } of runsInFiles([file])) {
        if (replayed === REPLAYED) break;
        const { comparison } = await replayRun(events, rules, machine);
        if (comparison.identical !== true) throw new Error(JSON.stringify(comparison));
        replayed += 1;
      }
      const replayMs = performance.now() - replayBegan;

      const verifyBegan = performance.now();
      await verifyFiles([file]);
      const verifyMs = performance.now() - verifyBegan;
      return [
        { name: `backtest of ${RUNS.toLocaleString("en-US")} runs`, value: backtestMs / 1000, unit: "s" },
        { name: "decisions made again", value: (found.decisions * 1000) / backtestMs, unit: "/s" },
        { name: "a run replayed through the state machine", value: replayMs / REPLAYED, unit: "ms" },
        { name: `verifying the same ${records.toLocaleString("en-US")} records`, value: verifyMs / 1000, unit: "s" },
        { name: "backtest against verifying", value: backtestMs / verifyMs, unit: "x" },
      ];
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

/** The frozen runs one after the other, again and again. */
function writeRuns(file: string): { readonly records: number } {
  const runs = readdirSync(HISTORIES)
    .filter((name) => name.endsWith(".jsonl") && !name.startsWith("observe-"))
    .map((name) => readFileSync(join(HISTORIES, name), "utf8").trimEnd().split("\n").slice(0, -1));
  const lines = Array.from({ length: RUNS }, (_, index) => runs[index % runs.length] ?? []).flat();
  writeFileSync(file, `${lines.join("\n")}\n`);
  return { records: lines.length };
}

function readPolicies(): string {
  const folder = join(HISTORIES, "workflow", "policies");
  return readdirSync(folder)
    .map((name) => readFileSync(join(folder, name), "utf8"))
    .join("\n");
}
