/** The verifier's command line: `node countersign-verify.mjs <files> [--key <pem>] [--complete] [--policy-set <hash>] [--json]`. */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { trustedKeys } from "../../audit/signature.js";
import { CountersignError } from "../../errors.js";
import { verifyFiles } from "../verify.js";

const USAGE = `usage: node countersign-verify.mjs <run.jsonl> [more files]
  --key <notary.pem>     public key of the notary: checks the signatures (may be given several times)
  --complete             a run that the digests list and the file lacks is a fault
  --policy-set <hash>    a policy set that is known; decisions by others are faults (may be given several times)
  --json                 the whole verdict as JSON
Exits 0 when everything holds, 1 when something does not, 2 when it could not be checked.`;

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      key: { type: "string", multiple: true },
      complete: { type: "boolean" },
      "policy-set": { type: "string", multiple: true },
      json: { type: "boolean" },
      help: { type: "boolean" },
    },
  });
  if (values.help === true || positionals.length === 0) {
    console.log(USAGE);
    return values.help === true ? 0 : 2;
  }
  const policySets = values["policy-set"];
  const wrong = policySets?.find((hash) => !/^[0-9a-f]{64}$/.test(hash));
  if (wrong !== undefined) throw new Error(`--policy-set: '${wrong}' is not allowed; use 64 hex characters`);
  const verdict = await verifyFiles(positionals, {
    ...(values.key === undefined ? {} : { keys: trustedKeys(values.key.map(pemOf)) }),
    ...(values.complete === true ? { complete: true } : {}),
    ...(policySets === undefined ? {} : { policySets: new Set(policySets) }),
  });
  console.log(values.json === true ? JSON.stringify(verdict) : verdict.summary);
  return verdict.ok ? 0 : 1;
}

function pemOf(file: string): string {
  try {
    const pem = readFileSync(file, "utf8");
    trustedKeys([pem]);
    return pem;
  } catch {
    throw new Error(`--key ${file}: is no public key on P-256 as PEM; give the notary's`);
  }
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    const said = error instanceof CountersignError ? error.toString() : error instanceof Error ? error.message : "";
    console.error(said);
    process.exitCode = 2;
  },
);
