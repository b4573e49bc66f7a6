/** An assembly in which one function's code is someone else's, as after a stolen deployment key or a poisoned dependency. */
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import * as z from "zod";
import { root } from "../../scripts/ensure.mjs";

const template = z.object({ Resources: z.record(z.string(), z.object({ Properties: z.looseObject({}).optional() })) });
const functionProperties = z.object({ FunctionName: z.string(), Code: z.object({ S3Key: z.string() }) });
const assetManifest = z.object({
  files: z.record(
    z.string(),
    z.object({
      source: z.object({ path: z.string().optional() }),
      destinations: z.record(z.string(), z.object({ objectKey: z.string() })),
    }),
  ),
});

type Files = Readonly<Record<string, string>>;

/** A function's code as it was bundled, to be put in another's place. */
export function filesIn(folder: string): Files {
  return Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), "utf8")]));
}

/**
 * Copies `assembly` to `folder`; the function's bundle is `code` instead. Its role, name and environment stay.
 * @param code texts by file name, `index.mjs` among them
 */
export function withFunctionCode(assembly: string, folder: string, functionName: string, code: Files): string {
  const replaced = assetOf(assembly, functionName);
  mkdirSync(join(folder, replaced), { recursive: true });
  for (const name of readdirSync(assembly))
    if (name !== replaced) symlinkSync(join(assembly, name), join(folder, name));
  for (const [name, text] of Object.entries(code)) writeFileSync(join(folder, replaced, name), text);
  return folder;
}

/** The asset's folder, which must be this function's alone: else another zone would change with it. */
function assetOf(assembly: string, functionName: string): string {
  const read = (file: string): unknown => JSON.parse(readFileSync(join(assembly, file), "utf8"));
  const files = readdirSync(assembly);
  const functions = files
    .filter((file) => file.endsWith(".template.json"))
    .flatMap((file) =>
      Object.values(template.parse(read(file)).Resources).flatMap(
        ({ Properties }) => functionProperties.safeParse(Properties).data ?? [],
      ),
    );
  const key = functions.find(({ FunctionName }) => FunctionName === functionName)?.Code.S3Key;
  if (functions.filter(({ Code }) => Code.S3Key === key).length !== 1)
    throw new Error(`${functionName}: no asset of its own`);
  const assets = files
    .filter((file) => file.endsWith(".assets.json"))
    .flatMap((file) => Object.values(assetManifest.parse(read(file)).files));
  const path = assets.find(({ destinations }) => Object.values(destinations).some(({ objectKey }) => objectKey === key))
    ?.source.path;
  if (path === undefined) throw new Error(`${functionName}: asset ${key} is in no manifest`);
  return path;
}

/** Bundles a module of the tests as a function's whole code. */
export async function bundleOf(source: string): Promise<Files> {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: root, loader: "ts" },
    bundle: true,
    write: false,
    format: "esm",
    platform: "node",
    target: "node20",
    mainFields: ["module", "main"],
    banner: { js: 'import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);' },
    logLevel: "silent",
  });
  return { "index.mjs": outputFiles[0]?.text ?? "" };
}
