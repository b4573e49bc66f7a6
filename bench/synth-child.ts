/** `<folder> <workflows>`: synthesises the workflows in a folder, or an empty app for 0; answers with time and sizes. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";

const [folder = "", count = "0"] = process.argv.slice(2);
const out = join(folder, "cdk.out");
const context = z.object({ context: z.record(z.string(), z.json()).default({}) });

const began = performance.now();
if (count === "0") await empty();
else await workflows();
const ms = performance.now() - began;

const template = z.looseObject({ Resources: z.record(z.string(), z.unknown()).default({}) });
const templates = readdirSync(out)
  .filter((name) => name.endsWith(".template.json"))
  .map((name) => ({
    bytes: statSync(join(out, name)).size,
    resources: Object.keys(template.parse(JSON.parse(readFileSync(join(out, name), "utf8"))).Resources).length,
  }));
console.log(
  JSON.stringify({
    ms,
    resources: templates.reduce((sum, each) => sum + each.resources, 0),
    largestStack: Math.max(0, ...templates.map((each) => each.resources)),
    largestTemplateBytes: Math.max(0, ...templates.map((each) => each.bytes)),
  }),
);
process.exit(0);

/** Imports are counted too: every synth pays for them. */
async function empty(): Promise<void> {
  const { App, Stack } = await import("aws-cdk-lib");
  const app = new App({ analyticsReporting: false, outdir: out });
  new Stack(app, "Empty");
  app.synth();
}

async function workflows(): Promise<void> {
  const { createApp } = await import("../lib/constructs/app.js");
  const { loadWorkflows } = await import("../lib/constructs/load.js");
  const cdkJson = join(import.meta.dirname, "..", "cdk.json");
  const { context: settings } = context.parse(JSON.parse(readFileSync(cdkJson, "utf8")));
  const loaded = await loadWorkflows(join(folder, "workflows"));
  if (loaded.length !== Number(count)) throw new Error(`${loaded.length} of ${count} workflows loaded`);
  const app = await createApp({
    workflows: loaded,
    bundles: { cache: join(folder, "bundles") },
    app: { outdir: out, context: { ...settings, stage: "dev" } },
  });
  app.synth();
}
