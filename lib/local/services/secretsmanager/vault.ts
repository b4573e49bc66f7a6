/** The secrets of the embedded cloud with their current and previous version. */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import * as z from "zod";
import type { CloudContext, PolicyDocument } from "../../types.js";
import { readStoredJson, writePrivateFile } from "../support/files.js";

export interface SecretVersion {
  readonly id: string;
  readonly value: string;
  readonly createdAtMs: number;
}
export interface Secret {
  readonly name: string;
  readonly arn: string;
  readonly description?: string;
  /** key the caller must be allowed to use, when it is not the account's default key */
  readonly kmsKeyId?: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly createdAtMs: number;
  policy?: PolicyDocument;
  current: SecretVersion;
  previous?: SecretVersion;
}
export type NewSecret = Omit<Secret, "current" | "previous" | "policy" | "createdAtMs">;

const storedValues = z.record(z.string(), z.string());

export class SecretVault {
  private readonly secrets = new Map<string, Secret>();
  /** what the template or the options said, for `reset` */
  private readonly initial = new Map<string, SecretVersion>();

  constructor(private readonly ctx: CloudContext) {}

  /**
   * @param preset a value from the developer's options or the template: never written to disk
   * @param generate makes a value, which is kept in the data folder so that it survives a restart
   */
  add(secret: NewSecret, preset: string | undefined, generate: () => string): void {
    const value = preset ?? this.keptValue(secret.name, generate);
    const current = { id: randomUUID(), value, createdAtMs: this.ctx.clock.now() };
    this.secrets.set(secret.arn, { ...secret, createdAtMs: current.createdAtMs, current });
    this.initial.set(secret.arn, current);
  }

  /** by ARN, ARN without its suffix, or name */
  find(secretId: string): Secret | undefined {
    const exact = this.secrets.get(secretId);
    if (exact !== undefined) return exact;
    return [...this.secrets.values()].find(
      (secret) => secret.name === secretId || secret.arn.slice(0, -7) === secretId,
    );
  }

  /** A new current version; the one before stays readable as AWSPREVIOUS. Gone after `reset` and after a restart. */
  put(secret: Secret, versionId: string, value: string): void {
    secret.previous = secret.current;
    secret.current = { id: versionId, value, createdAtMs: this.ctx.clock.now() };
  }

  reset(): void {
    for (const [arn, version] of this.initial) {
      const secret = this.secrets.get(arn);
      if (secret === undefined) continue;
      secret.current = version;
      delete secret.previous;
    }
  }

  private keptValue(name: string, generate: () => string): string {
    if (this.ctx.dataDir === undefined) return generate();
    const path = join(this.ctx.dataDir, "secrets.json");
    const stored = readStoredJson(path, storedValues) ?? {};
    const kept = Object.hasOwn(stored, name) ? stored[name] : undefined;
    if (kept !== undefined) return kept;
    const value = generate();
    writePrivateFile(path, JSON.stringify({ ...stored, [name]: value }));
    return value;
  }
}
