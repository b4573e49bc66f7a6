import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { afterAll, describe, expect, it } from "vitest";
import { ESBUILD } from "../../lib/constructs/bundle-options.js";
import { bundleShared, leaveShared, linkShared } from "../../lib/constructs/bundle-shared.js";
import { root } from "../../scripts/ensure.mjs";

const folder = mkdtempSync(join(tmpdir(), "countersign-shared-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function part(contents: string) {
  const { outputFiles } = await build({
    ...ESBUILD,
    outdir: folder,
    stdin: { contents, resolveDir: join(root, "lib"), loader: "ts" },
    plugins: [leaveShared()],
  });
  return linkShared(outputFiles[0]?.text ?? "");
}

/** Writes parts beside the module that they share, and loads them. */
async function loaded(name: string, ...sources: readonly string[]): Promise<Readonly<Record<string, unknown>>[]> {
  const parts = await Promise.all(sources.map(part));
  const [text = ""] = await bundleShared([[...new Set(parts.flatMap(({ shared }) => shared))].sort()]);
  writeFileSync(join(folder, "shared.mjs"), text);
  return Promise.all(
    parts.map(async ({ code }, index): Promise<Readonly<Record<string, unknown>>> => {
      const file = join(folder, `${name}-${index}.mjs`);
      writeFileSync(file, code);
      return import(pathToFileURL(file).href);
    }),
  );
}

describe("parts of a function", () => {
  it("name exactly what they use of a shared module, however they import it", async () => {
    const { shared, code } = await part(`
      import * as z from "zod";
      import { z as team } from "./index.js";
      import { QueryCommand, ScanCommand } from "@aws-sdk/client-dynamodb";
      import { type S3Client } from "@aws-sdk/client-s3";
      export const schema = z.strictObject({ at: z.iso.date(), name: team.string() });
      export const query = () => new QueryCommand({ TableName: "t" });`);
    expect(shared).toContain("@aws-sdk/client-dynamodb#QueryCommand");
    expect(shared).not.toContain("@aws-sdk/client-dynamodb#ScanCommand");
    expect(shared.filter((name) => name.includes("client-s3"))).toEqual([]);
    expect(shared.filter((name) => /^zod#(strictObject|iso|string)$/.test(name))).toHaveLength(3);
    expect(shared).not.toContain("zod#file");
    expect(code).not.toContain("countersign-shared");
  });

  it("meet in one class where one side throws and the other asks, and in one zod", async () => {
    const [tool, runtime] = await loaded(
      "class",
      'import { ToolError, CountersignError } from "./index.js"; export const fail = () => new ToolError("a", "b", { retryable: false, effectPossible: true }); export const coded = () => new CountersignError("CS-1", "x"); import * as z from "zod"; export const schema = z.object({});',
      'import { ToolError } from "./tool/errors.js"; import { CountersignError } from "./errors.js"; import * as z from "zod"; export const is = (error: unknown) => [error instanceof ToolError, error instanceof CountersignError]; export const isSchema = (value: unknown) => value instanceof z.ZodObject;',
    );
    if (tool === undefined || runtime === undefined) throw new Error("no parts");
    const call = (module: Readonly<Record<string, unknown>>, name: string, ...args: readonly unknown[]): unknown => {
      const found = module[name];
      if (typeof found !== "function") throw new Error(`${name} is no function`);
      return found(...args);
    };
    expect(call(runtime, "is", call(tool, "fail"))).toEqual([true, false]);
    expect(call(runtime, "is", call(tool, "coded"))).toEqual([false, true]);
    expect(call(runtime, "isSchema", tool.schema)).toBe(true);
  });

  it("bundle a package that they load later, or that is the team's own copy, themselves", async () => {
    const { shared } = await part(
      'export const later = async () => (await import("@aws-sdk/util-dynamodb")).marshall;',
    );
    expect(shared).toEqual([]);
  });
});

describe("shared imports in the output", () => {
  it("are linked in every form that a bundler writes", () => {
    const { code, shared } = linkShared(
      'import a,{b as c,d}from"countersign-shared:zod";import * as e from "countersign-shared:zod";\nimport{x}from"node:fs";f(a,c,d,e,x);',
    );
    expect(shared).toEqual(["zod#*", "zod#b", "zod#d", "zod#default"]);
    expect(code).toBe(
      'import{zod_default as a,zod_b as c,zod_d as d}from"./shared.mjs";import{zod_all as e}from"./shared.mjs";\nimport{x}from"node:fs";f(a,c,d,e,x);',
    );
  });

  it.each(['export*from"countersign-shared:zod";', 'import"countersign-shared:zod";'])("refuse %s", (text) => {
    expect(() => linkShared(text)).toThrow(/CS-1305|form not known/);
  });
});
