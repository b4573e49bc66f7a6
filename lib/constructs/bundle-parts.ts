/** The parts that a function is put together from: the code of its zone, the same for every workflow, and what is the workflow's own. */
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { build, type Plugin } from "esbuild";
import { contractData } from "../contract/describe.js";
import { toolSchemaHashes } from "../contract/hash.js";
import type { Contract } from "../contract/model.js";
import { CountersignError } from "../errors.js";
import { ESBUILD, ROOT } from "./bundle-options.js";
import { type Linked, leaveShared, linkShared } from "./bundle-shared.js";

/** Code of a zone, and which parts of a workflow it imports: `contract`, `handler`, `agent`, `instructions`. */
export interface ZoneCode extends Linked {
  readonly parts: readonly string[];
}

/** By entry: a handler relative to the handlers' folder, without its ending. @throws CountersignError CS-1305 */
export async function bundleZones(handlers: string, entries: readonly string[]): Promise<Map<string, ZoneCode>> {
  const { outputFiles, metafile } = await run(
    entries.map((entry, index) => ({ in: entryFile(join(handlers, entry)), out: String(index) })),
    workflowParts(),
  );
  return new Map(
    outputFiles.map(({ path, text }) => {
      const name = basename(path);
      const parts = (metafile.outputs[name]?.imports ?? []).flatMap(({ path: found, external }) => {
        const part = external === true ? /^\.\/(\w+)\.mjs$/.exec(found)?.[1] : undefined;
        return part === undefined ? [] : [part];
      });
      return [entries[Number(basename(path, ".js"))] ?? "", { ...linkShared(text), parts: [...new Set(parts)] }];
    }),
  );
}

/** Modules of a workflow, by any name: files, and the contract, which is made here. @throws CountersignError CS-1305 */
export async function bundleParts(
  contract: Contract,
  files: ReadonlyMap<string, string>,
): Promise<ReadonlyMap<string, Linked>> {
  const names = ["contract", ...files.keys()];
  const { outputFiles } = await run(
    [CONTRACT, ...files.values()].map((path, index) => ({ in: path, out: String(index) })),
    contractModule(contract),
  );
  return new Map(outputFiles.map(({ path, text }) => [names[Number(basename(path, ".js"))] ?? "", linkShared(text)]));
}

async function run(entryPoints: { in: string; out: string }[], plugin: Plugin) {
  try {
    return await build({ ...ESBUILD, entryPoints, metafile: true, plugins: [plugin, leaveShared()] });
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    throw new CountersignError("CS-1305", `functions: ${found}`);
  }
}

/** `@countersign/contract` and its like are files beside the zone's. */
function workflowParts(): Plugin {
  return {
    name: "countersign-workflow-parts",
    setup(setup) {
      setup.onResolve({ filter: /^@countersign\/\w+$/ }, ({ path }) => ({
        path: `./${path.slice("@countersign/".length)}.mjs`,
        external: true,
      }));
    },
  };
}

const CONTRACT = "@countersign/contract";

/**
 * The contract as it was checked, as data, and from the team's own file only what is no data: the schemas. A function neither checks nor
 * builds it again.
 */
function contractModule(contract: Contract): Plugin {
  const data = JSON.stringify(JSON.stringify(contractData(contract)));
  const contents = `
    import defined from ${JSON.stringify(contract.file)};
    const { definition } = defined;
    const data = JSON.parse(${data});
    const schemasOf = (name) => definition.tools.find((tool) => tool.definition.name === name).definition;
    export default {
      ...data, file: "", sandbox: {}, input: definition.input,
      tools: data.tools.map((tool) => {
        const { input, output } = schemasOf(tool.name);
        return { ...tool, file: "", input, output };
      }),
    };
    export const toolSchemaHashes = ${JSON.stringify(toolSchemaHashes(contract))};`;
  return {
    name: "countersign-contract",
    setup(setup) {
      setup.onResolve({ filter: new RegExp(`^${CONTRACT}$`) }, () => ({ path: CONTRACT, namespace: CONTRACT }));
      setup.onLoad({ filter: /.*/, namespace: CONTRACT }, () => ({ contents, resolveDir: ROOT }));
    },
  };
}

function entryFile(path: string): string {
  const found = [`${path}.ts`, `${path}.tsx`].find((file) => existsSync(file));
  if (found === undefined) throw new CountersignError("CS-1305", `handler ${path}.ts does not exist`);
  return found;
}
