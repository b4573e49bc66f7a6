import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { afterAll, describe, expect, it } from "vitest";
import { plainKeys, slimSdk } from "../../lib/constructs/bundle-sdk.js";
import { root } from "../../scripts/ensure.mjs";

const folder = mkdtempSync(join(tmpdir(), "countersign-sdk-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function bundled(name: string, source: string, slim: boolean): Promise<{ file: string; sizeBytes: number }> {
  const outfile = join(folder, `${name}-${slim}.mjs`);
  const result = await build({
    stdin: { contents: source, resolveDir: root },
    outfile,
    bundle: true,
    minify: true,
    format: "esm",
    platform: "node",
    mainFields: ["module", "main"],
    banner: { js: 'import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);' },
    metafile: true,
    logLevel: "silent",
    plugins: slim ? [slimSdk()] : [],
  });
  return { file: outfile, sizeBytes: Object.values(result.metafile.outputs)[0]?.bytes ?? 0 };
}
const load = async (file: string): Promise<Readonly<Record<string, unknown>>> => import(pathToFileURL(file).href);

describe("plain keys", () => {
  it("write a computed key as the text that its constant has, and leave the rest alone", () => {
    const source =
      'const _a = "jsonName";\nconst _b = "a \\"b";\nlet _c = "x";\nexport var Q$ = { [_a]: 1, [_b]: [_a], [_c]: 2 };';
    expect(plainKeys(source).split("\n").at(-1)).toBe('export var Q$ = { "jsonName": 1, "a \\"b": [_a], [_c]: 2 };');
  });

  it("do not turn a member into a prototype", () => {
    const source = 'const _p = "__proto__";\nexport var Q$ = { [_p]: 1 };';
    expect(plainKeys(source)).toBe(source);
  });

  it.each(["client-s3", "client-dynamodb", "client-lambda"])("leave the shapes of %s as they are", async (name) => {
    const source = `export * from "./node_modules/@aws-sdk/${name}/dist-es/schemas/schemas_0.js";`;
    const [whole, slim] = await Promise.all([bundled(name, source, false), bundled(name, source, true)]);
    const [expected, found] = [await load(whole.file), await load(slim.file)];
    const plain = (shapes: Readonly<Record<string, unknown>>) =>
      JSON.stringify(shapes, (_key, value: unknown) => (typeof value === "function" ? "shape" : value));
    expect(Object.keys(found).length).toBeGreaterThan(20);
    expect(plain({ ...found })).toBe(plain({ ...expected }));
  });
});

describe("a slim bundle", () => {
  const source = (what: string) =>
    `import { S3Client, GetObjectCommand } from "@aws-sdk/client-s3"; ${what} export { GetObjectCommand };`;

  it("has no operation that nobody calls", async () => {
    const text = source('export const client = new S3Client({ region: "eu-central-1" });');
    const [whole, slim] = await Promise.all([bundled("get", text, false), bundled("get", text, true)]);
    expect(slim.sizeBytes).toBeLessThan(whole.sizeBytes * 0.65);
  });

  it("takes credentials from the environment alone", async () => {
    const text = source(
      'export const credentials = () => new S3Client({ region: "eu-central-1" }).config.credentials();',
    );
    const { credentials } = await load((await bundled("credentials", text, true)).file);
    if (typeof credentials !== "function") throw new Error("no function");
    const before = { ...process.env };
    try {
      Object.assign(process.env, {
        AWS_ACCESS_KEY_ID: "id",
        AWS_SECRET_ACCESS_KEY: "secret",
        AWS_SESSION_TOKEN: "token",
      });
      expect(await credentials()).toMatchObject({
        accessKeyId: "id",
        secretAccessKey: "secret",
        sessionToken: "token",
      });
      delete process.env.AWS_ACCESS_KEY_ID;
      await expect(credentials()).rejects.toThrow(/environment variable credentials/);
    } finally {
      process.env = before;
    }
  });
});
