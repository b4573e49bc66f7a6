import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { CountersignError } from "../errors.js";
import { readJson } from "../run/json.js";
import { type Scenario, scenarioFile } from "./format.js";

const MAX_FILE_BYTES = 4 * 1024 * 1024;

export interface NamedScenario {
  readonly workflow: string;
  readonly name: string;
  readonly file: string;
  readonly scenario: Scenario;
}

/** host → seed of its sandbox */
export type Seeds = Readonly<Record<string, Readonly<Record<string, unknown>>>>;
const seedFile = z.record(z.string(), z.record(z.string(), z.unknown()));

/** The workflow's scenarios, by name. A file that is none is CS-5010 with every fault in it. */
export async function loadScenarios(root: string, workflow: string): Promise<NamedScenario[]> {
  const folder = join(root, "workflows", workflow, "scenarios");
  const files = (await listJson(folder)).sort();
  return Promise.all(
    files.map(async (name) => {
      const file = join(folder, name);
      return {
        workflow,
        name: name.replace(/\.json$/, ""),
        file,
        scenario: parseScenario(await readFileJson(file), `${workflow}/scenarios/${name}`),
      };
    }),
  );
}

/** Parses a scenario; `where` names it in the error. */
export function parseScenario(value: unknown, where: string): Scenario {
  const parsed = scenarioFile.safeParse(value);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(
    (issue) => `${issue.path.map(String).join(".") || "(whole file)"}: ${issue.message}`,
  );
  throw new CountersignError(
    "CS-5010",
    `scenario ${where}: ${faults.join("; ")}; correct the file (docs/scenarios.md)`,
    { faults },
  );
}

/** `sandbox/seed.json`: what the outside systems hold before a run; empty when there is none. */
export async function loadSeeds(root: string, workflow: string): Promise<Seeds> {
  const file = join(root, "workflows", workflow, "sandbox", "seed.json");
  const parsed = seedFile.safeParse(await readFileJson(file, {}));
  if (!parsed.success)
    throw new CountersignError(
      "CS-5010",
      `${workflow}/sandbox/seed.json: an object per host is wanted; correct the file`,
    );
  return parsed.data;
}

/** A seed with top-level keys replaced, per host. */
export function overlaySeeds(seeds: Seeds, changes: Seeds): Seeds {
  const hosts = new Set([...Object.keys(seeds), ...Object.keys(changes)]);
  return Object.fromEntries([...hosts].map((host) => [host, { ...seeds[host], ...changes[host] }]));
}

async function listJson(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => name.endsWith(".json"));
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

async function readFileJson(file: string, missing?: unknown): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (missing !== undefined && isMissing(error)) return missing;
    throw new CountersignError(
      "CS-5010",
      `${file}: ${error instanceof Error ? error.message : "unreadable"}; a scenario is a JSON file`,
    );
  }
  const read = readJson(text, MAX_FILE_BYTES);
  if (read.ok) return read.value;
  throw new CountersignError("CS-5010", `${file}: ${read.why}; a scenario is a JSON file`);
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
