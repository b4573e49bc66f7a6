/** How esbuild is called, for whatever part of a function. */
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { BuildOptions } from "esbuild";

/** The folder of this package. */
export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

export const ESBUILD = {
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
} satisfies BuildOptions;
