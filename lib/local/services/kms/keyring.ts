/** The keys of the embedded cloud: created by the template, found by id, ARN or alias, used only when key policy and IAM allow. */
import { join } from "node:path";
import * as z from "zod";
import { CountersignError } from "../../../errors.js";
import { AwsFault, type Caller, type CloudContext, type PolicyDocument, type ResourceRequest } from "../../types.js";
import { readStoredJson, writePrivateFile } from "../support/files.js";
import { where } from "../support/properties.js";
import { type EncryptionContext, type KeySpec, newMaterial } from "./material.js";

export interface KmsKey {
  readonly id: string;
  readonly arn: string;
  readonly spec: KeySpec;
  readonly usage: "ENCRYPT_DECRYPT" | "SIGN_VERIFY";
  readonly description: string;
  readonly enabled: boolean;
  readonly policy: PolicyDocument;
  readonly tags: Readonly<Record<string, string>>;
  readonly createdAtMs: number;
  /** base64, see material.ts; never logged */
  readonly material: string;
}

/** One use of a key. */
export interface KeyUse {
  /** key id, key ARN, `alias/<name>` or alias ARN */
  readonly keyId: string;
  readonly caller: Caller;
  /** e.g. `kms:Decrypt` */
  readonly action: string;
  readonly encryptionContext?: EncryptionContext;
  /** set when a service uses the key for the caller, e.g. `s3.eu-central-1.amazonaws.com` */
  readonly viaService?: string;
  /** further condition keys, e.g. `kms:SigningAlgorithm` */
  readonly context?: Readonly<Record<string, string>>;
}

/** What other engines (S3, Secrets Manager) may ask of KMS. */
export interface KeyRing {
  /** the key, when there is one and key policy and IAM allow the use. @throws AwsFault NotFoundException, AccessDeniedException, DisabledException */
  use(use: KeyUse): KmsKey;
  /** the key, without asking whether anyone may use it */
  find(keyId: string): KmsKey | undefined;
}

const storedMaterial = z.record(z.uuid(), z.strictObject({ spec: z.string(), material: z.base64() }));

export class Keys implements KeyRing {
  private readonly keys = new Map<string, KmsKey>();
  private readonly aliases = new Map<string, string>();

  constructor(private readonly ctx: CloudContext) {}

  add(request: ResourceRequest, key: Omit<KmsKey, "arn" | "createdAtMs" | "material">): KmsKey {
    if (this.keys.has(key.id)) throw duplicate(request, key.id);
    const created: KmsKey = {
      ...key,
      arn: `arn:aws:kms:${this.ctx.region}:${this.ctx.accountId}:key/${key.id}`,
      createdAtMs: this.ctx.clock.now(),
      material: this.materialOf(key.id, key.spec),
    };
    this.keys.set(created.id, created);
    return created;
  }

  addAlias(request: ResourceRequest, alias: string, target: string): void {
    if (this.aliases.has(alias)) throw duplicate(request, alias);
    const key = this.find(target);
    if (key === undefined)
      throw new CountersignError(
        "CS-4032",
        `${where(request)}: TargetKeyId ${target} is no key of this cloud; create the key first`,
        { target },
      );
    this.aliases.set(alias, key.id);
  }

  find(keyId: string): KmsKey | undefined {
    const prefix = `arn:aws:kms:${this.ctx.region}:${this.ctx.accountId}:`;
    const local = keyId.startsWith(prefix) ? keyId.slice(prefix.length) : keyId;
    if (local.startsWith("alias/")) return this.keys.get(this.aliases.get(local) ?? "");
    return this.keys.get(local.startsWith("key/") ? local.slice("key/".length) : local);
  }

  use(use: KeyUse): KmsKey {
    const key = this.find(use.keyId);
    if (key === undefined) throw new AwsFault("NotFoundException", `Key '${use.keyId}' does not exist`, 400);
    this.ctx.iam.authorize({
      caller: use.caller,
      action: use.action,
      resource: key.arn,
      resourcePolicy: key.policy,
      requireResourceAllow: true,
      context: this.conditions(key, use),
    });
    if (!key.enabled && use.action !== "kms:DescribeKey")
      throw new AwsFault("DisabledException", `${key.arn} is disabled.`, 400);
    return key;
  }

  private conditions(key: KmsKey, use: KeyUse): Record<string, string | readonly string[]> {
    const pairs = Object.entries(use.encryptionContext ?? {});
    const aliases = [...this.aliases].filter(([, id]) => id === key.id).map(([alias]) => alias);
    const requestAlias = /(?:^|:)(alias\/.+)$/.exec(use.keyId)?.[1];
    return {
      "kms:CallerAccount": use.caller.accountId,
      "kms:KeySpec": key.spec,
      "kms:KeyUsage": key.usage,
      "kms:KeyOrigin": "AWS_KMS",
      ...(aliases.length > 0 && { "kms:ResourceAliases": aliases }),
      ...(requestAlias !== undefined && { "kms:RequestAlias": requestAlias }),
      ...(use.viaService !== undefined && { "kms:ViaService": use.viaService }),
      ...(pairs.length > 0 && { "kms:EncryptionContextKeys": pairs.map(([name]) => name) }),
      ...Object.fromEntries(pairs.map(([name, value]) => [`kms:EncryptionContext:${name}`, value])),
      ...Object.fromEntries(Object.entries(key.tags).map(([name, value]) => [`aws:ResourceTag/${name}`, value])),
      ...use.context,
    };
  }

  /** Material outlives the process with the data it protects; without a data folder both live in memory. */
  private materialOf(keyId: string, spec: KeySpec): string {
    if (this.ctx.dataDir === undefined) return newMaterial(spec);
    const path = join(this.ctx.dataDir, "kms.json");
    const stored = readStoredJson(path, storedMaterial) ?? {};
    const known = stored[keyId];
    if (known !== undefined && known.spec === spec) return known.material;
    const material = newMaterial(spec);
    writePrivateFile(path, JSON.stringify({ ...stored, [keyId]: { spec, material } }));
    return material;
  }
}

function duplicate(request: ResourceRequest, name: string): CountersignError {
  return new CountersignError("CS-4031", `${where(request)}: ${name} exists already; give it another name`, { name });
}
