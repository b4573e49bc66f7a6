/** Cold import of each synthesised bundle against an empty handler, in node processes of their own, and the bundles' sizes. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import * as z from "zod";
import { readAssembly } from "../lib/local/template/assembly.js";
import { type Benchmark, type Case, type Figure, interleave } from "./measure.js";
import { withAssembly } from "./reference.js";

const ROUNDS = { rounds: 9, calls: 1 };
const lambdaFunction = z.object({
  Type: z.literal("AWS::Lambda::Function"),
  Properties: z.object({
    FunctionName: z.string(),
    Code: z.object({ S3Key: z.string() }),
    Environment: z.object({ Variables: z.record(z.string(), z.unknown()) }),
  }),
});

interface Bundle {
  readonly name: string;
  readonly file: string;
  readonly environment: Readonly<Record<string, string>>;
}

export const coldStart: Benchmark = {
  name: "cold-start",
  about: "a new node process that imports a function's bundle, against one that imports an empty handler",
  run: () => withAssembly(async (assembly) => measure(bundlesOf(assembly))),
};

async function measure(bundles: readonly Bundle[]): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), "countersign-bench-"));
  try {
    const empty = join(folder, "index.mjs");
    writeFileSync(empty, "export const handler = async () => ({});\n");
    const cases = [{ name: EMPTY, file: empty, environment: {} }, ...bundles].map(
      ({ name, file, environment }): Case => ({ name, run: () => importAlone(name, file, environment) }),
    );
    const median = await interleave(cases, ROUNDS);
    const base = median(EMPTY);
    return [
      { name: EMPTY, value: base, unit: "ms" },
      ...bundles.flatMap(({ name, file }): Figure[] => [
        { name: `${name}, size`, value: sizeBytes(dirname(file)) / 1000, unit: "kB", ...sizeAim(name) },
        { name: `${name}, cold import`, value: median(name) / base, unit: "x", ...ratioAim(name) },
      ]),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** of everything that is uploaded for the function */
function sizeBytes(folder: string): number {
  return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

const EMPTY = "empty handler";
const GATE = "decide";
/** The tools of the reference workflow that bring no vendor's SDK along. */
const PLAIN_TOOL = /^tool-zendesk-/;

const sizeAim = (name: string) => (name === GATE ? { aim: { atMost: 360 } } : {});
const ratioAim = (name: string) =>
  name === GATE ? { aim: { atMost: 1.65 } } : PLAIN_TOOL.test(name) ? { aim: { atMost: 1.2 } } : {};

function importAlone(name: string, file: string, environment: Readonly<Record<string, string>>): void {
  const code = `const { handler } = await import(${JSON.stringify(file)}); process.exit(typeof handler === "function" ? 0 : 3);`;
  const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", code], {
    env: { PATH: process.env.PATH ?? "", ...LAMBDA, ...environment },
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`${name} cannot be imported: ${stderr.slice(0, 500)}`);
}

const LAMBDA = {
  AWS_REGION: "eu-central-1",
  AWS_ACCESS_KEY_ID: "key",
  AWS_SECRET_ACCESS_KEY: "secret",
  AWS_SESSION_TOKEN: "token",
  AWS_LAMBDA_FUNCTION_NAME: "bench",
};

function bundlesOf(assembly: string): Bundle[] {
  return readAssembly(assembly).stacks.flatMap(({ name: stack, template }) =>
    Object.values(template.Resources).flatMap((resource) => {
      const parsed = lambdaFunction.safeParse(resource);
      if (!parsed.success) return [];
      const { FunctionName, Code, Environment } = parsed.data.Properties;
      const file = join(assembly, `asset.${Code.S3Key.replace(/\.zip$/, "")}`, "index.mjs");
      return [{ name: FunctionName.replace(`${stack}-`, ""), file, environment: plain(Environment.Variables) }];
    }),
  );
}

/** What CloudFormation would fill in stands for itself: a module reads it and uses it later. */
function plain(variables: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(variables).map(([name, value]) => [name, typeof value === "string" ? value : "https://example.com"]),
  );
}
