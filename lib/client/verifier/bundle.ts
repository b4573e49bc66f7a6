/** The verifier as one file: ours without the cloud, readable, with its comments, and nothing beside Node itself. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { build, type Plugin } from "esbuild";

const LIB = join(import.meta.dirname, "..", "..");

/** @param version of this package: stands in the header */
export async function verifierText(version: string): Promise<string> {
  const result = await build({
    entryPoints: [join(import.meta.dirname, "main.ts")],
    bundle: true,
    write: false,
    platform: "node",
    format: "esm",
    target: "node20",
    charset: "utf8",
    legalComments: "inline",
    alias: { zod: join(import.meta.dirname, "schemas.ts") },
    plugins: [keepComments],
    logLevel: "silent",
  });
  const [file] = result.outputFiles;
  if (file === undefined) throw new Error("esbuild wrote nothing");
  return `${header(version)}\n${tidy(file.text)}`;
}

const header = (version: string) => `#!/usr/bin/env node
// Countersign ${version}: verifies exported run logs offline. Written by \`countersign run verifier\`; Apache-2.0.
//
//   node countersign-verify.mjs run.jsonl --key notary.pem
//
// It needs Node 20.19 or newer and nothing else: no package, no network, no account. It reads the files that it is given and writes to the
// terminal alone. Get the notary's public key another way than with the export. docs/log-format.md of Countersign specifies the format and
// what each code means. Read from the end: \`main\` opens the files, \`createVerifier\` takes them line by line.`;

/** esbuild keeps comments that begin so. Each says what it is about, as what that is may be left out of the bundle. */
const keepComments: Plugin = {
  name: "keep-comments",
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      if (!path.startsWith(LIB)) return undefined;
      return { contents: marked(await readFile(path, "utf8")), loader: "ts" };
    });
  },
};

const FILE = "file";
const DECLARES = /^(?:export )?(?:async )?(?:function\*?|const|class) (\w+)/;

const marked = (source: string): string =>
  source.replace(/^\/\*\*((?:(?!\*\/).)*\*\/\n)(?=([^\n]*))/gms, (_comment, text: string, next: string, at: number) => {
    const [, name = ""] = DECLARES.exec(next) ?? [];
    return `/*!${at === 0 ? FILE : name}|${text}`;
  });

/** A comment stays where what it is about follows, and a file's first one at its beginning. */
const unmarked = (bundled: string): string =>
  bundled.replace(
    /^\/\*!(\w*)\|((?:(?!\*\/).)*\*\/\n)(?=(?:var|async function\*?|function\*?)? ?(\w*))/gms,
    (_comment, name: string, text: string, next: string) => {
      if (name === FILE) return `/**${text}\n`;
      return name !== "" && next.replace(/\d+$/, "") === name ? `/**${text}` : "";
    },
  );

const tidy = (bundled: string): string =>
  unmarked(bundled)
    .replaceAll("void 0", "undefined")
    .replaceAll("/* @__PURE__ */ ", "")
    // `// lib/audit/line.ts` wherever the command was run
    .replace(/^\/\/ (?:\S*\/)?lib\/(\S+\.ts)$/gm, "// lib/$1");
