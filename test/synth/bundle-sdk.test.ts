import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { crc32 } from "node:zlib";
import { build } from "esbuild";
import { afterAll, describe, expect, it } from "vitest";
import { importedAtOnce, plainKeys, slimSdk } from "../../lib/constructs/bundle-sdk.js";
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

describe("imports made later", () => {
  it("are made at the top, and what is loaded by a computed name is left alone", () => {
    const source = 'const { a } = await import("./a");\nawait import(name);\nuse((await import("b/c")).d);';
    expect(importedAtOnce(source)).toBe(
      'import * as $atOnce0 from "./a";\nimport * as $atOnce1 from "b/c";\nconst { a } = $atOnce0;\nawait import(name);\nuse(($atOnce1).d);',
    );
  });

  it.each([
    ["dynamodb", 'export { DynamoDBClient, QueryCommand } from "@aws-sdk/client-dynamodb";'],
    ["lambda", 'export { LambdaClient, InvokeCommand } from "@aws-sdk/client-lambda";'],
    ["bedrock", 'export { BedrockRuntimeClient, ConverseCommand } from "@aws-sdk/client-bedrock-runtime";'],
  ])("are none of the SDK's own modules in a bundle of %s", async (name, source) => {
    const { file } = await bundled(`later-${name}`, source, true);
    const text = readFileSync(file, "utf8");
    const later = [...text.matchAll(/\bimport\("([^"]+)"\)/g)].map(([, module]) => module);
    expect(later.filter((module) => !module?.startsWith("node:"))).toEqual([]);
    // A module that another one loads later is wrapped in a function that starts it.
    expect((text.match(/=\w+\(\(\)=>\{/g) ?? []).length).toBeLessThan(20);
    expect(text).not.toContain("sso-oidc");
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

  it("still reads an answer that comes as a stream of events", async () => {
    const server = createServer((_request, response) => {
      response.setHeader("content-type", "application/vnd.amazon.eventstream");
      response.end(Buffer.concat([eventMessage("PayloadChunk", "hello "), eventMessage("PayloadChunk", "world")]));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
      const address = server.address();
      if (address === null || typeof address === "string") throw new Error("no port");
      const text = `
        import { LambdaClient, InvokeWithResponseStreamCommand } from "@aws-sdk/client-lambda";
        export const read = async (endpoint) => {
          const credentials = { accessKeyId: "id", secretAccessKey: "secret" };
          const client = new LambdaClient({ region: "eu-central-1", endpoint, credentials });
          const { EventStream } = await client.send(new InvokeWithResponseStreamCommand({ FunctionName: "f" }));
          let text = "";
          for await (const { PayloadChunk } of EventStream) text += Buffer.from(PayloadChunk.Payload).toString();
          client.destroy();
          return text;
        };`;
      const { read } = await load((await bundled("stream", text, true)).file);
      if (typeof read !== "function") throw new Error("no function");
      expect(await read(`http://127.0.0.1:${address.port}`)).toBe("hello world");
    } finally {
      server.close();
    }
  });
});

/** One message of `application/vnd.amazon.eventstream`: lengths and headers, each part closed by its CRC-32. */
function eventMessage(type: string, payload: string): Buffer {
  const header = (name: string, value: string) =>
    Buffer.concat([
      Buffer.from([name.length]),
      Buffer.from(name),
      Buffer.from([7, 0, value.length]),
      Buffer.from(value),
    ]);
  const headers = Buffer.concat([header(":message-type", "event"), header(":event-type", type)]);
  const checked = (bytes: Buffer) => {
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(crc32(bytes));
    return Buffer.concat([bytes, sum]);
  };
  const lengths = Buffer.alloc(8);
  lengths.writeUInt32BE(8 + 4 + headers.length + payload.length + 4, 0);
  lengths.writeUInt32BE(headers.length, 4);
  return checked(Buffer.concat([checked(lengths), headers, Buffer.from(payload)]));
}
