import { statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { type TrustedKeys, trustedKeys } from "../../../audit/signature.js";
import type { VerifyOptions } from "../../../audit/verify.js";
import { bucketArchive, folderArchive } from "../../../client/archive.js";
import { findRun, runReader } from "../../../client/runs.js";
import { type Verdict, verdictOf, verifyEvents, verifyFiles } from "../../../client/verify.js";
import { verifyArchive } from "../../../client/verify-archive.js";
import { CountersignError } from "../../../errors.js";
import { type CommandContext, withConnection } from "../../context.js";

interface Options {
  readonly key?: string[];
  readonly complete?: boolean;
  readonly policySet?: string[];
}

export function verifyCommand(run: Command, context: CommandContext): void {
  run
    .command("verify")
    .description("check exports or a whole archive offline, or with --local / without a file the newest run")
    .argument("[files...]", "files written by `run export`, folders copied from the archive, or s3://<archive bucket>")
    .option(
      "--key <file...>",
      "public keys of the notary (PEM), as `run public-key` writes them: checks the signatures",
    )
    .option("--complete", "a run that the digests list and the export lacks is a fault")
    .option("--policy-set <hash...>", "policy sets that are known; decisions by others are faults")
    .action(async (files: string[], options: Options, command: Command) => {
      const checks = await checksOf(options);
      const report = async (verdict: Verdict, json: boolean) => {
        context.io.out(json ? JSON.stringify(verdict) : verdict.summary);
        if (!verdict.ok) context.exitCode(1);
      };
      const buckets = files.filter((file) => file.startsWith("s3://"));
      if (files.length > 0 && buckets.length === 0)
        return report(await verifyOffline(files, checks), command.optsWithGlobals().json === true);
      await withConnection(command, context, { live: false }, async (connection, { json }) => {
        const [bucket, ...more] = files;
        if (bucket !== undefined) {
          if (more.length > 0)
            throw new CountersignError("CS-5006", "run verify: a bucket is verified by itself; name nothing beside it");
          const archive = await bucketArchive(connection, bucket.slice("s3://".length).replace(/\/$/, ""));
          return report(verdictOf(await verifyArchive(archive, checks)), json);
        }
        const reader = await runReader(connection);
        const found = await findRun(connection, reader, undefined, undefined);
        await report(await verifyEvents([await reader.events(found)]), json);
      });
    });
}

async function verifyOffline(files: readonly string[], checks: VerifyOptions): Promise<Verdict> {
  const [only, ...more] = files;
  if (only !== undefined && isFolder(only)) {
    if (more.length > 0)
      throw new CountersignError("CS-5006", "run verify: an archive is verified by itself; name nothing beside it");
    return verdictOf(await verifyArchive(folderArchive(only), checks));
  }
  return verifyFiles(files, checks);
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

async function checksOf(options: Options): Promise<VerifyOptions> {
  const wrong = options.policySet?.find((hash) => !/^[0-9a-f]{64}$/.test(hash));
  if (wrong !== undefined)
    throw new CountersignError("CS-5006", `--policy-set: '${wrong}' is not allowed; use 64 hex characters`);
  const keys = options.key === undefined ? undefined : await keysOf(options.key);
  return {
    ...(keys === undefined ? {} : { keys }),
    ...(options.complete === true ? { complete: true } : {}),
    ...(options.policySet === undefined ? {} : { policySets: new Set(options.policySet) }),
  };
}

async function keysOf(files: readonly string[]): Promise<TrustedKeys> {
  const pems: string[] = [];
  for (const file of files) {
    const pem = await readFile(file, "utf8").catch(() => undefined);
    try {
      trustedKeys([pem ?? ""]);
    } catch {
      const why = pem === undefined ? "there is no such file" : "it is no public key on P-256";
      throw new CountersignError(
        "CS-5002",
        `--key ${file}: ${why}; give a file written by \`countersign run public-key\``,
      );
    }
    pems.push(pem ?? "");
  }
  return trustedKeys(pems);
}
