/**
 * What the parts of a function have in common lies in one module beside them, `shared.mjs`: zod, the AWS SDK, and the classes that both sides
 * test with `instanceof`. So a zone's code is bundled once for all workflows, and a contract in a few milliseconds, and nothing is there twice.
 * The module holds exactly the names that its function's parts import.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { build, type OnResolveArgs, type Plugin, type PluginBuild } from "esbuild";
import * as zod from "zod";
import { CountersignError } from "../errors.js";
import { ESBUILD, ROOT } from "./bundle-options.js";
import { slimSdk } from "./bundle-sdk.js";

/** A specifier that no source can hold, so that it is found again in the output. */
const MARK = "countersign-shared:";
const OWN = ["lib/errors.ts", "lib/tool/errors.ts"];
const PACKAGES = /^(zod|@aws-sdk\/(client-[\w-]+|util-dynamodb))$/;

/** Code whose shared imports are from `./shared.mjs`, and what these are, as `<module>#<name>`. */
export interface Linked {
  readonly code: string;
  readonly shared: readonly string[];
}

/** Leaves the shared modules out of a part. Another copy of one of them (a team's own version) stays in. */
export function leaveShared(): Plugin {
  return {
    name: "countersign-shared",
    setup(setup) {
      setup.onResolve({ filter: new RegExp(`^${MARK}`) }, ({ path }) => ({ path, external: true, sideEffects: false }));
      setup.onResolve({ filter: PACKAGES }, async (args) => {
        if (args.kind !== "import-statement" || args.pluginData === LOOKING) return undefined;
        const [found, own] = [await resolved(setup, args), await resolved(setup, { ...args, resolveDir: ROOT })];
        if (found !== own) return undefined;
        // Named one by one, for otherwise `import * as z` would mean all of zod.
        if (args.path === "zod") return { path: "zod", namespace: MARK, sideEffects: false };
        return { path: `${MARK}${args.path}`, external: true, sideEffects: false };
      });
      setup.onResolve({ filter: /(^|\/)errors\.js$/ }, async (args) => {
        if (args.kind !== "import-statement" || args.pluginData === LOOKING) return undefined;
        const found = await resolved(setup, args);
        const own = OWN.find((path) => join(ROOT, path) === found);
        return own === undefined ? undefined : { path: `${MARK}${own}`, external: true, sideEffects: false };
      });
      setup.onLoad({ filter: /^zod$/, namespace: MARK }, () => ({
        // A statement each: a bundler keeps or drops one whole.
        contents: Object.keys(zod)
          .map((name) => `export { ${name} } from "${MARK}zod";`)
          .join("\n"),
        resolveDir: ROOT,
      }));
    },
  };
}

const LOOKING = Symbol("looking");
async function resolved(setup: PluginBuild, { path, importer, kind, resolveDir }: OnResolveArgs): Promise<string> {
  return (await setup.resolve(path, { importer, kind, resolveDir, pluginData: LOOKING })).path;
}

const IMPORT = new RegExp(`\\bimport([\\w$\\s{},*]+)from\\s*"${MARK}([^"]+)";?`, "g");

/** @throws CountersignError CS-1305 for an import that takes another form than a bundler writes */
export function linkShared(text: string): Linked {
  const shared = new Set<string>();
  const code = text.replace(IMPORT, (_written, clause: string, module: string) => {
    const names = importedNames(clause).map(([name, local]) => {
      shared.add(`${module}#${name}`);
      return `${exportName(`${module}#${name}`)} as ${local}`;
    });
    return `import{${names.join(",")}}from"./shared.mjs";`;
  });
  if (code.includes(MARK))
    throw new CountersignError("CS-1305", "a shared module is imported in a form not known here");
  return { code, shared: [...shared].sort() };
}

/** `d,{a as b,c}` → `[["default", "d"], ["a", "b"], ["c", "c"]]`; all of a module is `*`. */
function importedNames(clause: string): [name: string, local: string][] {
  const named = /\{([^}]*)\}/.exec(clause)?.[1] ?? "";
  const pairs = named.split(",").flatMap((each): [string, string][] => {
    const [name = "", local = name] = each.trim().split(/\s+as\s+/);
    return name === "" ? [] : [[name, local]];
  });
  const whole = /\*\s*as\s+([\w$]+)/.exec(clause)?.[1];
  const fallback = /^\s*([\w$]+)\s*(,|$)/.exec(clause)?.[1];
  return [
    ...(fallback === undefined ? [] : [["default", fallback] satisfies [string, string]]),
    ...(whole === undefined ? [] : [["*", whole] satisfies [string, string]]),
    ...pairs,
  ];
}

/** Two packages may export the same name. */
const exportName = (shared: string) => shared.replace("*", "all").replace(/[^\w$]/g, "_");

/** Bundles one shared module for each set of names. @throws CountersignError CS-1305 */
export async function bundleShared(sets: readonly (readonly string[])[]): Promise<string[]> {
  const result = await build({
    ...ESBUILD,
    entryPoints: sets.map((_, index) => ({ in: `${MARK}${index}`, out: String(index) })),
    plugins: [
      {
        name: "countersign-shared-entries",
        setup(setup) {
          setup.onResolve({ filter: new RegExp(`^${MARK}`) }, ({ path }) => ({ path, namespace: MARK }));
          setup.onLoad({ filter: /.*/, namespace: MARK }, ({ path }) => ({
            contents: (sets[Number(path.slice(MARK.length))] ?? []).map(exportOf).join("\n"),
            resolveDir: ROOT,
          }));
        },
      },
      slimSdk(),
    ],
  }).catch((error: unknown) => {
    throw new CountersignError("CS-1305", `shared code: ${error instanceof Error ? error.message : String(error)}`);
  });
  return result.outputFiles.map(({ text }) => text);
}

function exportOf(shared: string): string {
  const [module = "", name = ""] = shared.split("#");
  const from = JSON.stringify(OWN.includes(module) ? join(ROOT, module) : module);
  return name === "*"
    ? `export * as ${exportName(shared)} from ${from};`
    : `export { ${name} as ${exportName(shared)} } from ${from};`;
}

export const sharedKey = (names: readonly string[]): string =>
  createHash("sha256").update(names.join("\n")).digest("hex");
