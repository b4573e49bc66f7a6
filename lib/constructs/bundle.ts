/**
 * Function code, bundled with esbuild's own API: one service for all functions, where NodejsFunction starts a process for
 * each. A bundle is a folder named by the hash of its content, so equal code is one asset and a synth repeats itself exactly.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Contract, Tool } from "../contract/model.js";
import { CountersignError } from "../errors.js";
import { ROOT } from "./bundle-options.js";
import { bundleParts, bundleZones, type ZoneCode } from "./bundle-parts.js";
import { bundleShared, type Linked, sharedKey } from "./bundle-shared.js";

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

/** A function: the handler of its zone, and which of the workflow's parts stand for `@countersign/<name>` in it. */
interface Code {
  readonly entry: string;
  readonly parts?: Readonly<Record<string, string>>;
}
type Parts = ReadonlyMap<string, Linked>;
interface Pieces {
  readonly files: ReadonlyMap<string, string>;
  readonly shared: readonly string[];
}

/** Bundles the functions of one app. What does not depend on the workflow is bundled once. */
export class Bundler {
  private readonly zones = new Map<string, ZoneCode>();
  private readonly shared = new Map<string, string>();

  constructor(private readonly options: BundleOptions = {}) {}

  /** @throws CountersignError CS-1305 with what esbuild found */
  async approvalDesk(): Promise<string> {
    const folders = await this.put({ desk: { entry: "approval-desk/handler" } }, new Map());
    return folderOf(folders, "desk");
  }

  /** @throws CountersignError CS-1305 with what esbuild found */
  async approvalSender(): Promise<string> {
    return folderOf(await this.put({ sender: { entry: "approval-sender/handler" } }, new Map()), "sender");
  }

  /** The notary, which knows the stage's workflows by name. @throws CountersignError CS-1305 with what esbuild found */
  async notary(workflows: readonly string[]): Promise<string> {
    const names = { code: `export default ${JSON.stringify([...workflows].sort())};`, shared: [] };
    return folderOf(await this.put({ notary: { entry: "notary/handler" } }, new Map([["workflows", names]])), "notary");
  }

  /** @throws CountersignError CS-1305 with what esbuild found */
  async approvalSlack(): Promise<string> {
    const folders = await this.put({ slack: { entry: "approval-slack/handler" } }, new Map());
    return folderOf(folders, "slack");
  }

  /**
   * The code of one workflow's functions. Each function holds the contract; a tool's function holds that tool's code and no other's.
   * @throws CountersignError CS-1305 with what esbuild found
   */
  async workflow(contract: Contract): Promise<WorkflowBundles> {
    const files = new Map<string, string>();
    const code: Record<string, Code> = {
      admit: { entry: "admit/handler" },
      decide: { entry: "decide/handler" },
      "close-run": { entry: "close-run/handler" },
      propose: proposer(contract, files),
      "request-approval": { entry: "request-approval/handler" },
    };
    for (const { name, handler, preview } of contract.tools) {
      files.set(`tool-${name}`, handler);
      code[`tool-${name}`] = { entry: "tool/handler", parts: { handler: `tool-${name}` } };
      if (preview === undefined) continue;
      files.set(`preview-${name}`, preview);
      code[`preview-${name}`] = { entry: "preview/handler", parts: { handler: `preview-${name}` } };
    }
    const folders = await this.put(code, await bundleParts(contract, files));
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

  private async put(code: Readonly<Record<string, Code>>, parts: Parts): Promise<ReadonlyMap<string, string>> {
    await this.bundleMissingZones(Object.values(code).map(({ entry }) => entry));
    const pieces = new Map(Object.entries(code).map(([name, each]) => [name, this.piecesOf(name, each, parts)]));
    await this.bundleMissingShared([...pieces.values()].map(({ shared }) => shared));
    const cache = this.options.cache ?? join(ROOT, "node_modules/.cache/countersign/bundles");
    return new Map(
      [...pieces].map(([name, { files, shared }]) => {
        const text = this.shared.get(sharedKey(shared)) ?? "";
        return [name, store(new Map([...files, ["shared.mjs", text]]), cache)];
      }),
    );
  }

  private async bundleMissingZones(entries: readonly string[]): Promise<void> {
    const missing = [...new Set(entries)].filter((entry) => !this.zones.has(entry));
    if (missing.length === 0) return;
    const handlers = this.options.handlers ?? join(ROOT, "lambdas");
    for (const [entry, code] of await bundleZones(handlers, missing)) this.zones.set(entry, code);
  }

  private piecesOf(name: string, { entry, parts: own = {} }: Code, parts: Parts): Pieces {
    const zone = this.zones.get(entry);
    if (zone === undefined) throw new CountersignError("CS-1305", `${name}: esbuild wrote nothing`);
    const files = new Map([["index.mjs", zone.code]]);
    const shared = new Set(zone.shared);
    for (const wanted of zone.parts) {
      const part = parts.get(own[wanted] ?? wanted);
      if (part === undefined)
        throw new CountersignError("CS-1305", `${name}: nothing stands for @countersign/${wanted} here`);
      files.set(`${wanted}.mjs`, part.code);
      for (const each of part.shared) shared.add(each);
    }
    return { files, shared: [...shared].sort() };
  }

  private async bundleMissingShared(sets: readonly (readonly string[])[]): Promise<void> {
    const missing = new Map(sets.map((names) => [sharedKey(names), names] as const));
    for (const key of this.shared.keys()) missing.delete(key);
    if (missing.size === 0) return;
    const texts = await bundleShared([...missing.values()]);
    for (const [index, key] of [...missing.keys()].entries()) this.shared.set(key, texts[index] ?? "");
  }
}

/** @throws CountersignError CS-1305 with what esbuild found */
export const bundleApprovalDesk = (options?: BundleOptions): Promise<string> => new Bundler(options).approvalDesk();

/** @throws CountersignError CS-1305 with what esbuild found */
export const bundleApprovalSender = (options?: BundleOptions): Promise<string> => new Bundler(options).approvalSender();
export const bundleNotary = (workflows: readonly string[], options?: BundleOptions): Promise<string> =>
  new Bundler(options).notary(workflows);

/** @throws CountersignError CS-1305 with what esbuild found */
export const bundleWorkflow = (contract: Contract, options?: BundleOptions): Promise<WorkflowBundles> =>
  new Bundler(options).workflow(contract);

function proposer({ agent }: Contract, files: Map<string, string>): Code {
  switch (agent.kind) {
    case "bedrock":
      files.set("instructions", agent.instructions);
      return { entry: "propose/bedrock" };
    case "plan":
      return { entry: "propose/plan" };
    case "lambda":
      files.set("agent", agent.handler);
      return { entry: "propose/lambda" };
  }
}

function folderOf(folders: ReadonlyMap<string, string>, name: string): string {
  const folder = folders.get(name);
  if (folder === undefined) throw new CountersignError("CS-1305", `${name}: esbuild wrote nothing`);
  return folder;
}

/** Writes beside and renames, so that a folder with the right name always has the whole code, also with two synths at once. */
function store(files: ReadonlyMap<string, string>, cache: string): string {
  const hash = createHash("sha256");
  for (const [name, text] of files) hash.update(`${name}\0${Buffer.byteLength(text)}\0`).update(text);
  const folder = join(cache, hash.digest("hex").slice(0, 32));
  if (existsSync(join(folder, "index.mjs"))) return folder;
  const draft = `${folder}.${process.pid}`;
  mkdirSync(draft, { recursive: true });
  for (const [name, text] of files) writeFileSync(join(draft, name), text);
  try {
    renameSync(draft, folder);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(join(folder, "index.mjs"))) throw error;
  }
  return folder;
}
