import { writeFile } from "node:fs/promises";
import { KMSClient } from "@aws-sdk/client-kms";
import type { Command } from "commander";
import { trustedKeys } from "../../../audit/signature.js";
import { readPublicKey } from "../../../aws/signer.js";
import { CountersignError } from "../../../errors.js";
import { type CommandContext, withConnection } from "../../context.js";

export function publicKeyCommand(run: Command, context: CommandContext): void {
  run
    .command("public-key")
    .description("the notary's public key as PEM, which `verify --key` takes")
    .option("--out <file>", "write to this file instead of standard output")
    .action(async (options: { out?: string }, command: Command) =>
      withConnection(command, context, { live: false }, async (connection, { io, json }) => {
        const { NotaryKey } = await connection.controlPlane();
        const pem = await readPublicKey(new KMSClient(connection.client("auditor")), NotaryKey);
        const [fingerprint] = trustedKeys([pem]).fingerprints;
        const { out } = options;
        if (out !== undefined)
          await writeFile(out, pem).catch(() => {
            throw new CountersignError("CS-5002", `${out}: cannot be written; give a path in a folder that exists`);
          });
        if (json) return io.out(JSON.stringify({ key: pem, fingerprint, ...(out === undefined ? {} : { file: out }) }));
        if (out === undefined) io.out(pem.trimEnd());
        io.err(`fingerprint (SHA-256): ${fingerprint}`);
      }),
    );
}
