/**
 * Leaves out of a bundle what of the AWS SDK no function can use. A client names every operation of its service in one module, in a form that
 * no bundler may drop, and brings credential sources for laptops and clusters: together more than half of a function's code.
 */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import type { Plugin } from "esbuild";
import * as z from "zod";

const CREDENTIALS = "@aws-sdk/credential-provider-node";
/** The provider's own folder, from which the one source that is kept is found. */
const credentialsFolder = () => dirname(createRequire(import.meta.url).resolve(CREDENTIALS));

/** On Lambda, and on the embedded cloud, a function's credentials are in its environment, and nowhere else. */
const ENVIRONMENT_ONLY = 'export { fromEnv as defaultProvider } from "@aws-sdk/credential-provider-env";';

/** Files of the SDK, by how their path ends, that lead to much code for what no function does. */
const REPLACED = {
  // Signing in on a laptop, for clients that take a bearer token: a function has no configuration file to say where.
  "/@aws-sdk/token-providers/dist-es/fromSso.js": `
    import { TokenProviderError } from "@smithy/core/config";
    export const fromSso = () => async () => { throw new TokenProviderError("a function has no shared configuration file"); };`,
  // A DynamoDB client makes one and no operation of it asks it.
  "/@aws-sdk/endpoint-cache/dist-es/EndpointCache.js": "export class EndpointCache {}",
};

const packageVersion = z.object({ version: z.string() });

export function slimSdk(): Plugin {
  return {
    name: "countersign-slim-sdk",
    setup(setup) {
      setup.onResolve({ filter: /^@aws-sdk\/credential-provider-node$/ }, () => ({
        path: CREDENTIALS,
        namespace: "environment-credentials",
        sideEffects: false,
      }));
      setup.onLoad({ filter: /.*/, namespace: "environment-credentials" }, () => ({
        contents: ENVIRONMENT_ONLY,
        resolveDir: credentialsFolder(),
      }));
      // A client sends its version along; the rest of its package.json is 2 kB.
      setup.onLoad({ filter: /@aws-sdk\/client-[\w-]+\/package\.json$/ }, async ({ path }) => ({
        contents: JSON.stringify({ version: packageVersion.parse(JSON.parse(await readFile(path, "utf8"))).version }),
        loader: "json",
      }));
      for (const [end, contents] of Object.entries(REPLACED))
        setup.onLoad({ filter: new RegExp(`${end.replaceAll(".", "\\.")}$`) }, () => ({ contents, loader: "js" }));
      setup.onLoad({ filter: /@smithy\/core\/.*\/HttpProtocol\.js$/ }, async ({ path }) => ({
        contents: importedAtOnce(await readFile(path, "utf8")),
        loader: "js",
      }));
      setup.onLoad({ filter: /@aws-sdk\/(?:client-[\w-]+|nested-clients)\/.*\/schemas_0\.js$/ }, async ({ path }) => ({
        contents: plainKeys(await readFile(path, "utf8")),
        loader: "js",
      }));
    },
  };
}

/**
 * Writes `await import("…")` as an import at the top. In a bundle of one file nothing is loaded later, but for the sake of one such import a
 * bundler keeps every module that it leads to whole, and wraps each in a function that starts it: most of the SDK.
 */
export function importedAtOnce(source: string): string {
  const imports: string[] = [];
  const rest = source.replace(/\bawait import\(("[^"]+")\)/g, (_written, module: string) => {
    imports.push(`import * as $atOnce${imports.length} from ${module};\n`);
    return `$atOnce${imports.length - 1}`;
  });
  return imports.join("") + rest;
}

/**
 * Writes `{[_jN]: 1}` as `{"jsonName": 1}` where the module itself says `const _jN = "jsonName"`: the same object, of which a bundler can tell
 * that making it has no effect, so that the shapes of operations nobody calls fall away.
 */
export function plainKeys(source: string): string {
  const names = new Map(
    [...source.matchAll(/^const (_\w+) = ("(?:[^"\\]|\\.)*");$/gm)].map(([, name, text]) => [name, text]),
  );
  // `__proto__` as a plain key would set the prototype instead
  return source.replace(/\[(_\w+)\]:/g, (written, name: string) => {
    const text = names.get(name);
    return text === undefined || text === '"__proto__"' ? written : `${text}:`;
  });
}
