/** A child process's program as plain JavaScript: a loader for TypeScript would be half of the memory that is measured. */
import { join } from "node:path";
import { build } from "esbuild";

/** @param name of a file in this folder, without its ending. Answers with the program's path. */
export async function compiled(name: string, folder: string): Promise<string> {
  await build({
    entryPoints: [join(import.meta.dirname, `${name}.ts`)],
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    logLevel: "silent",
    // what is bundled and no module of its own may still `require` what Node has
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
  });
  return join(folder, `${name}.mjs`);
}
