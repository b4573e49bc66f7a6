/**
 * Freezes today's runs: `npx tsx scripts/histories.ts v2` plays every scenario of billing-dispute, once more at autonomy observe, and writes their exports
 * with the contract, the policies and the state machine that they ran by into `test/histories/v2`. What is there is never written again: later versions of the
 * gate must replay it as it is.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { exportLines } from "../lib/audit/export.js";
import { createSkippingClock } from "../lib/local/clock.js";
import { definitionIn } from "../lib/replay/definition.js";
import type { RecordedEvent } from "../lib/run/events.js";
import { playScenario } from "../lib/scenario/play.js";
import { openSession } from "../lib/scenario/session.js";
import { synthesise } from "../lib/scenario/synth.js";
import { copyProject } from "../test/support/project-copy.js";

const WORKFLOW = "billing-dispute";
const version = process.argv[2] ?? "";
const folder = join(import.meta.dirname, "..", "test", "histories", version);
if (!/^v\d+$/.test(version) || existsSync(folder)) {
  console.error(`histories: '${version}' is not allowed; give a version that is not there yet, e.g. v2`);
  process.exit(1);
}

const out = join(folder, WORKFLOW);
mkdirSync(out, { recursive: true });
const project = copyProject();
const assembly = await synthesise({ root: project, stage: "dev" });
const template: unknown = JSON.parse(readFileSync(join(assembly, `countersign-dev-${WORKFLOW}.template.json`), "utf8"));
writeFileSync(join(out, "machine.asl.json"), `${JSON.stringify(JSON.parse(definitionIn(template)), null, 1)}\n`);
freezeWorkflow(join(project, "workflows", WORKFLOW), join(out, "workflow"));
await play(project, assembly, "");

const contract = join(project, "workflows", WORKFLOW, "contract.ts");
writeFileSync(contract, readFileSync(contract, "utf8").replace('autonomy: "routine"', 'autonomy: "observe"'));
await play(project, await synthesise({ root: project, stage: "dev" }), "observe-", ["duplicate-charge-refunded"]);
rmSync(project, { recursive: true, force: true });
process.exit(0);

async function play(root: string, from: string, prefix: string, only?: readonly string[]): Promise<void> {
  const clock = createSkippingClock(Date.now());
  const session = await openSession({
    root,
    stage: "dev",
    assembly: from,
    workflows: [WORKFLOW],
    clock,
    schedules: false,
  });
  for (const one of [...session.workflows.values()].flatMap(({ scenarios }) => scenarios)) {
    if (only !== undefined && !only.includes(one.name)) continue;
    const { events } = await playScenario(session, one, clock);
    if (events.length === 0) continue;
    await write(join(out, `${prefix}${one.name}.jsonl`), events);
    console.log(`${prefix}${one.name}: ${events.length} records`);
  }
  await session.close();
  clock.close();
}

async function write(file: string, events: readonly RecordedEvent[]): Promise<void> {
  let text = "";
  for await (const line of exportLines([events])) text += `${line}\n`;
  writeFileSync(file, text);
}

/** The contract as it was, reading the library from where it then is. */
function freezeWorkflow(source: string, target: string): void {
  cpSync(source, target, {
    recursive: true,
    filter: (path) => !/^(scenarios|examples|README\.md)/.test(relative(source, path)),
  });
  for (const entry of readdirSync(target, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith(".ts")) continue;
    const file = join(entry.parentPath, entry.name);
    const lib = relative(entry.parentPath, join(import.meta.dirname, "..", "lib"));
    writeFileSync(file, readFileSync(file, "utf8").replace(/(?:\.\.\/)+lib\//g, `${lib}/`));
  }
}
