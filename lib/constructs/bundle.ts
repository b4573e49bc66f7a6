/**
 * Function code, bundled with esbuild's own API: one service for all functions, where NodejsFunction starts a process for
 * each. A bundle is a folder named by the hash of its content, so equal code is one asset and a synth repeats itself exactly.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import type { Contract, Tool } from "../contract/model.js";
import { CountersignError } from "../errors.js";
import { slimSdk } from "./bundle-sdk.js";

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
  /** handler, relative to the handlers' folder, without its ending */
  readonly entry: string;
  /** what `@countersign/handler` stands for in this function */
  readonly handler?: string;
}

/** @throws CountersignError CS-1305 with what esbuild found */
export async function bundleApprovalDesk(options: BundleOptions = {}): Promise<string> {
  return folderOf(await bundle({ desk: { entry: "approval-desk/handler" } }, {}, options), "desk");
}

/**
 * The code of one workflow's functions. Each function holds the contract; a tool's function holds that tool's code and no other's.
 * @throws CountersignError CS-1305 with what esbuild found
 */
export async function bundleWorkflow(contract: Contract, options: BundleOptions = {}): Promise<WorkflowBundles> {
  const { entry, alias } = proposer(contract);
  const code: Record<string, Code> = {
    admit: { entry: "admit/handler" },
    decide: { entry: "decide/handler" },
    "close-run": { entry: "close-run/handler" },
    propose: { entry },
    "request-approval": { entry: "request-approval/handler" },
  };
  for (const { name, handler, preview } of contract.tools) {
    code[`tool-${name}`] = { entry: "tool/handler", handler };
    if (preview !== undefined) code[`preview-${name}`] = { entry: "preview/handler", handler: preview };
  }
  const folders = await bundle(code, { ...alias, "@countersign/contract": contract.file }, options);
  const perTool = (zone: string, tools: readonly Tool[]) =>
    new Map(tools.map(({ name }) => [name, folderOf(folders, `${zone}-${name}`)] as const));
  return {
    admit: folderOf(folders, "admit"),
    decide: folderOf(folders, "decide"),
    closeRun: folderOf(folders, "close-run"),
    propose: folderOf(folders, "propose"),
    requestApproval: folderOf(folders, "request-approval"),
    tools: perTool("tool", contract.tools),
    previews: perTool(
      "preview",
      contract.tools.filter(({ preview }) => preview !== undefined),
    ),
  };
}

function proposer({ agent }: Contract): { readonly entry: string; readonly alias: Readonly<Record<string, string>> } {
  switch (agent.kind) {
    case "bedrock":
      return { entry: "propose/bedrock", alias: { "@countersign/instructions": agent.instructions } };
    case "plan":
      return { entry: "propose/plan", alias: {} };
    case "lambda":
      return { entry: "propose/lambda", alias: { "@countersign/agent": agent.handler } };
  }
}

function folderOf(folders: ReadonlyMap<string, string>, name: string): string {
  const folder = folders.get(name);
  if (folder === undefined) throw new CountersignError("CS-1305", `${name}: esbuild wrote nothing`);
  return folder;
}

/** Bundles all functions in one build, so that what they share (most of it the AWS SDK) is read and parsed once. */
async function bundle(
  code: Readonly<Record<string, Code>>,
  alias: Readonly<Record<string, string>>,
  options: BundleOptions,
): Promise<ReadonlyMap<string, string>> {
  const handlers = options.handlers ?? join(ROOT, "lambdas");
  const entries = new Map(
    Object.entries(code).map(([name, { entry, handler }]) => [
      name,
      { file: entryFile(join(handlers, entry)), ...(handler === undefined ? {} : { handler }) },
    ]),
  );
  const result = await build({
    entryPoints: [...entries.keys()].map((name) => ({ in: `${ENTRY}:${name}`, out: name })),
    plugins: [functionEntries(entries, alias), slimSdk()],
    outdir: ROOT,
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
    const found = error instanceof Error ? error.message : String(error);
    throw new CountersignError("CS-1305", `functions in ${handlers}: ${found}`);
  });
  const cache = options.cache ?? join(ROOT, "node_modules/.cache/countersign/bundles");
  return new Map(result.outputFiles.map(({ path, contents }) => [basename(path, ".js"), store(contents, cache)]));
}

const ENTRY = "function";

/** Gives every function its own copy of the zone's entry module, in which `@countersign/handler` is that function's. */
function functionEntries(
  entries: ReadonlyMap<string, { readonly file: string; readonly handler?: string }>,
  alias: Readonly<Record<string, string>>,
): Plugin {
  return {
    name: "countersign-functions",
    setup(setup) {
      setup.onResolve({ filter: new RegExp(`^${ENTRY}:`) }, ({ path }) => ({
        path: path.slice(ENTRY.length + 1),
        namespace: ENTRY,
      }));
      setup.onLoad({ filter: /.*/, namespace: ENTRY }, ({ path }) => {
        const file = entries.get(path)?.file;
        if (file === undefined) return { errors: [{ text: `there is no function ${path}` }] };
        const loader = file.endsWith(".tsx") ? "tsx" : "ts";
        return { contents: readFileSync(file, "utf8"), resolveDir: dirname(file), loader };
      });
      setup.onResolve({ filter: /^@countersign\// }, ({ path, importer, namespace }) => {
        const own =
          namespace === ENTRY && path === "@countersign/handler" ? entries.get(importer)?.handler : alias[path];
        return own === undefined ? { errors: [{ text: `nothing stands for ${path} here` }] } : { path: own };
      });
    },
  };
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
