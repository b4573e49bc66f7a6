/** Figures as a table for people and as JSON for machines. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { type Benchmark, type Figure, reached } from "./measure.js";

const aim = z.union([z.strictObject({ atMost: z.number() }), z.strictObject({ atLeast: z.number() })]);
export const figures = z.array(
  z.strictObject({ name: z.string(), value: z.number(), unit: z.string(), aim: aim.exactOptional() }),
);
const section = z.strictObject({
  name: z.string(),
  about: z.string(),
  date: z.iso.datetime(),
  /** one-minute load averages when it began and ended */
  load: z.tuple([z.number(), z.number()]),
  seconds: z.number(),
  figures,
  failure: z.string().exactOptional(),
});
export type Section = z.output<typeof section>;
const results = z.strictObject({
  machine: z.string(),
  node: z.string(),
  commit: z.string(),
  benchmarks: z.array(section),
});
type Results = z.output<typeof results>;

const FILES = { json: join(import.meta.dirname, "results.json"), markdown: join(import.meta.dirname, "RESULTS.md") };

/** Puts the new sections in place of those of the same name; sections that were not run keep their figures and dates. */
export function save(sections: readonly Section[], benchmarks: readonly Benchmark[]): void {
  const kept = readResults()?.benchmarks ?? [];
  const all = benchmarks.flatMap(({ name }) => {
    const found = sections.find((one) => one.name === name) ?? kept.find((one) => one.name === name);
    return found === undefined ? [] : [found];
  });
  const whole: Results = { machine: machine(), node: process.version, commit: commit(), benchmarks: all };
  writeFileSync(FILES.json, `${JSON.stringify(whole, null, 2)}\n`);
  writeFileSync(FILES.markdown, markdown(whole));
}

function readResults(): Results | undefined {
  try {
    return results.safeParse(JSON.parse(readFileSync(FILES.json, "utf8"))).data;
  } catch {
    return undefined; // none yet, or of an older form: everything is measured again in time
  }
}

export function sectionText({ name, about, figures, failure, load, seconds }: Section): string {
  const rows = figures.map((figure) => [`  ${figure.name}`, shown(figure), aimText(figure), verdict(figure)]);
  const widths = [0, 1, 2].map((column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("   ")
      .trimEnd(),
  );
  const head = `${name}: ${about}  (${seconds.toFixed(0)} s, load ${load.map((each) => each.toFixed(1)).join(" → ")})`;
  return [head, ...lines, ...(failure === undefined ? [] : [`  failed: ${failure}`])].join("\n");
}

function markdown({ machine, node, commit, benchmarks }: Results): string {
  const parts = benchmarks.map(({ name, about, date, load, figures, failure }) => {
    const rows = figures.map(
      (figure) => `| ${figure.name} | ${shown(figure)} | ${aimText(figure)} | ${verdict(figure)} |`,
    );
    const when = `${date.slice(0, 16).replace("T", " ")} UTC, load average ${load.map((each) => each.toFixed(1)).join(" → ")}`;
    const table = ["| figure | reached | aim | |", "|---|---:|---|---|", ...rows].join("\n");
    return `## ${name}\n\n${about}. ${when}.\n\n${failure === undefined ? table : `It failed: ${failure}`}`;
  });
  return `# Figures

Written by \`npm run bench\` (\`-- --only <name>\` for one part); the same in results.json. Medians of interleaved rounds against a baseline in the
same process or session. A figure taken under load (a load average well above 0 at its start) is pessimistic; ratios suffer less.

Machine: ${machine}; Node ${node}; commit ${commit}.

${parts.join("\n\n")}
`;
}

function shown({ value, unit }: Figure): string {
  const digits = value !== 0 && Math.abs(value) < 10 ? (Math.abs(value) < 0.01 ? 6 : 2) : 0;
  const text = value.toLocaleString("en-US", { maximumFractionDigits: digits });
  return unit === "$" ? `$${text}` : unit === "" ? text : `${text} ${unit}`;
}

function aimText({ aim, unit }: Figure): string {
  if (aim === undefined) return "";
  const [sign, value] = "atMost" in aim ? ["≤", aim.atMost] : ["≥", aim.atLeast];
  return `${sign} ${value.toLocaleString("en-US", { maximumFractionDigits: 6 })}${unit === "" ? "" : ` ${unit}`}`;
}

function verdict(figure: Figure): string {
  const is = reached(figure);
  return is === undefined ? "" : is ? "reached" : "missed";
}

function machine(): string {
  const [cpu] = cpus();
  return `${cpus().length} × ${cpu?.model.trim() ?? "unknown CPU"}, ${Math.round(totalmem() / 2 ** 30)} GB, ${process.platform}`;
}

function commit(): string {
  try {
    const git = (...args: string[]) => execFileSync("git", args, { cwd: import.meta.dirname, encoding: "utf8" }).trim();
    return `${git("rev-parse", "--short", "HEAD")}${git("status", "--porcelain") === "" ? "" : " with changes"}`;
  } catch {
    return "unknown";
  }
}

export const loadNow = (): number => loadavg()[0] ?? 0;
