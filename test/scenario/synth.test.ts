import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ensureSynthesised } from "../../lib/scenario/synth.js";
import { root } from "../../scripts/ensure.mjs";

let project: string;
beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), "countersign-synth-"));
  for (const folder of ["bin", "lib", "lambdas", "workflows"]) mkdirSync(join(project, folder));
  symlinkSync(join(root, "node_modules"), join(project, "node_modules"));
  const app = `import { writeFileSync } from "node:fs"; const { stage } = JSON.parse(process.env.CDK_CONTEXT_JSON ?? "");
    writeFileSync(process.env.CDK_OUTDIR + "/manifest.json", stage + process.hrtime());`;
  writeFileSync(join(project, "bin/app.ts"), app);
  for (const file of ["cdk.json", "package-lock.json", "tsconfig.json"]) writeFileSync(join(project, file), "{}");
  mkdirSync(join(project, "cdk.out"));
});
afterAll(() => rmSync(project, { recursive: true, force: true }));

const made = async (stage = "dev") => (await ensureSynthesised({ root: project, stage })).made;

test("an assembly is made anew when a source, the stage or the assembly itself changed, and not otherwise", async () => {
  expect([await made(), await made()]).toEqual([true, false]);
  writeFileSync(join(project, "workflows/contract.ts"), "export {};");
  expect([await made(), await made()]).toEqual([true, false]);
  expect([await made("prod"), await made("prod"), await made()]).toEqual([true, false, true]);
  writeFileSync(
    join(project, "cdk.out/manifest.json"),
    `${readFileSync(join(project, "cdk.out/manifest.json"), "utf8")} `,
  );
  expect([await made(), await made()]).toEqual([true, false]);
}, 60_000);

test("a synthesis that fails is told in the app's own words and leaves nothing to be taken for an assembly", async () => {
  writeFileSync(join(project, "bin/app.ts"), 'console.error("contract.name: is missing"); process.exit(1);');
  await expect(made()).rejects.toMatchObject({
    code: "CS-5011",
    message: expect.stringContaining("contract.name: is missing"),
  });
  await expect(made()).rejects.toMatchObject({ code: "CS-5011" });
}, 60_000);
