/**
 * Function code, bundled with esbuild's own API: one service for all functions, where NodejsFunction starts a process for
 * each. A bundle is a folder named by the hash of its content, so equal code is one asset and a synth repeats itself exactly.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Contract } from "../contract/model.js";
import { CountersignError } from "../errors.js";

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

export interface BundleOptions {
  /** folder with the handlers, `<zone>/handler.ts`. @default lambdas/ of this package */
  readonly handlers?: string;
  /** where bundles are kept. @default node_modules/.cache/countersign of this package */
  readonly cache?: string;
}

/** Folders with `index.mjs`, by function. */
export interface WorkflowBundles {
  readonly admit: string;
  readonly decide: string;
  readonly closeRun: string;
  readonly propose: string;
  readonly requestApproval: string;
  /** by tool name */
  readonly tools: ReadonlyMap<string, string>;
  /** by tool name; only of tools with a preview */
  readonly previews: ReadonlyMap<string, string>;
}

interface Code {
  /** handler, relative to the handlers' folder */
  readonly entry: string;
  /** module name → absolute path */
  readonly alias: Readonly<Record<string, string>>;
}

/** @throws CountersignError CS-1305 with what esbuild found */
export async function bundleApprovalDesk(options: BundleOptions = {}): Promise<string> {
  return bundle({ entry: "approval-desk/handler", alias: {} }, options);
}

/**
 * The code of one workflow's functions. Each function holds the contract; a tool's function holds that tool's code and no other's.
 * @throws CountersignError CS-1305 with what esbuild found
 */
export async function bundleWorkflow(contract: Contract, options: BundleOptions = {}): Promise<WorkflowBundles> {
  const alias = { "@countersign/contract": contract.file };
  const zone = (entry: string) => bundle({ entry, alias }, options);
  const own = async (entry: string, tool: string, handler: string): Promise<[string, string]> => [
    tool,
    await bundle({ entry, alias: { ...alias, "@countersign/handler": handler } }, options),
  ];
  const [admit, decide, closeRun, propose, requestApproval, tools, previews] = await Promise.all([
    zone("admit/handler"),
    zone("decide/handler"),
    zone("close-run/handler"),
    bundle(proposer(contract, alias), options),
    zone("request-approval/handler"),
    Promise.all(contract.tools.map((tool) => own("tool/handler", tool.name, tool.handler))),
    Promise.all(
      contract.tools.flatMap((tool) =>
        tool.preview === undefined ? [] : [own("preview/handler", tool.name, tool.preview)],
      ),
    ),
  ]);
  return { admit, decide, closeRun, propose, requestApproval, tools: new Map(tools), previews: new Map(previews) };
}

function proposer({ agent }: Contract, alias: Readonly<Record<string, string>>): Code {
  switch (agent.kind) {
    case "bedrock":
      return { entry: "propose/bedrock", alias: { ...alias, "@countersign/instructions": agent.instructions } };
    case "plan":
      return { entry: "propose/plan", alias };
    case "lambda":
      return { entry: "propose/lambda", alias: { ...alias, "@countersign/agent": agent.handler } };
  }
}

async function bundle(code: Code, options: BundleOptions): Promise<string> {
  const entry = entryFile(join(options.handlers ?? join(ROOT, "lambdas"), code.entry));
  const result = await build({
    entryPoints: [entry],
    alias: { ...code.alias },
    absWorkingDir: ROOT,
    bundle: true,
    write: false,
    format: "esm",
    platform: "node",
    target: "node20",
    minify: true,
    legalComments: "none",
    charset: "utf8",
    // Without it the CommonJS builds of the SDK are taken, and a cold start takes twice as long.
    mainFields: ["module", "main"],
    loader: { ".md": "text" },
    jsx: "automatic",
    jsxImportSource: "hono/jsx",
    // CommonJS dependencies call require for Node's own modules.
    banner: { js: 'import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);' },
    logLevel: "silent",
  }).catch((error: unknown) => {
    throw new CountersignError("CS-1305", `${code.entry}: ${error instanceof Error ? error.message : String(error)}`);
  });
  const [file] = result.outputFiles;
  if (file === undefined) throw new CountersignError("CS-1305", `${code.entry}: esbuild wrote nothing`);
  return store(file.contents, options.cache ?? join(ROOT, "node_modules/.cache/countersign/bundles"));
}

function entryFile(path: string): string {
  const found = [`${path}.ts`, `${path}.tsx`].find((file) => existsSync(file));
  if (found === undefined) throw new CountersignError("CS-1305", `handler ${path}.ts does not exist`);
  return found;
}

/** Writes beside and renames, so that a folder with the right name always has the whole code, also with two synths at once. */
function store(contents: Uint8Array, cache: string): string {
  const folder = join(cache, createHash("sha256").update(contents).digest("hex").slice(0, 32));
  const file = join(folder, "index.mjs");
  if (existsSync(file)) return folder;
  const draft = `${folder}.${process.pid}`;
  mkdirSync(draft, { recursive: true });
  writeFileSync(join(draft, "index.mjs"), contents);
  try {
    renameSync(draft, folder);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(file)) throw error;
  }
  return folder;
}
