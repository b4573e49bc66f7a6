/** Context bucket, vault and token key as the grants see them. */
import { callKeyOf, contextKey, vaultKey, viewKey } from "../run/keys.js";
import type { Permission } from "./permissions.js";
import type { Grantee } from "./zone-function.js";

export interface BucketIdentity {
  readonly bucketName: string;
  readonly bucketArn: string;
  /** KMS key of the bucket */
  readonly keyArn: string;
  readonly region: string;
}

/** Encryption context of every task token: `{ [TOKEN_CONTEXT_KEY]: <workflow> }` at least. */
export const TOKEN_CONTEXT_KEY = "workflow";

function objects(sid: string, bucket: BucketIdentity, actions: readonly string[], pattern: string): Permission {
  return {
    sid,
    actions: actions.map((action) => `s3:${action}`),
    resources: [`${bucket.bucketArn}/${pattern}`],
    wildcard: "the objects of this workflow alone: one per run and turn, their names are not known before",
  };
}

/** Use of a bucket's key, through that bucket alone: with a bucket key the encryption context is the bucket's ARN. */
function key(sid: string, bucket: BucketIdentity, actions: readonly string[]): Permission {
  return {
    sid,
    actions: actions.map((action) => `kms:${action}`),
    resources: [bucket.keyArn],
    conditions: {
      StringEquals: {
        "kms:ViaService": `s3.${bucket.region}.amazonaws.com`,
        "kms:EncryptionContext:aws:s3:arn": bucket.bucketArn,
      },
    },
  };
}

export class ContextBucket {
  constructor(private readonly bucket: BucketIdentity) {}

  /** The proposer reads its workflow's contexts. */
  grantRead(grantee: Grantee, workflow: string): void {
    grantee.provide(
      this.environment,
      objects("ReadContext", this.bucket, ["GetObject"], contextKey.ofWorkflow(workflow)),
      key("OpenContext", this.bucket, ["Decrypt"]),
    );
  }
  /** Admission and gate write the contexts, and read them back to repeat a step with the same result. */
  grantWrite(grantee: Grantee, workflow: string): void {
    grantee.provide(
      this.environment,
      objects("WriteContext", this.bucket, ["GetObject", "PutObject"], contextKey.ofWorkflow(workflow)),
      key("SealContext", this.bucket, ["Decrypt", "GenerateDataKey"]),
    );
  }
  /** The gate puts calls out, each for one tool, and what people are asked, for the desk. */
  grantPutOut(grantee: Grantee, workflow: string): void {
    grantee.provide(
      this.environment,
      objects("PutOutCalls", this.bucket, ["GetObject", "PutObject"], callKeyOf.ofWorkflow(workflow)),
      objects("PutOutViews", this.bucket, ["GetObject", "PutObject"], viewKey.ofWorkflow(workflow)),
    );
  }
  /** The desk opens what people are asked, of every workflow. */
  grantOpenViews(grantee: Grantee): void {
    grantee.provide(
      this.environment,
      objects("ReadViews", this.bucket, ["GetObject"], viewKey.all),
      key("OpenViews", this.bucket, ["Decrypt"]),
    );
  }
  /** A tool takes the calls that were put out for it, and no other's. */
  grantTake(grantee: Grantee, workflow: string, tool: string): void {
    grantee.provide(
      this.environment,
      objects("TakeCalls", this.bucket, ["GetObject"], callKeyOf.ofTool(workflow, tool)),
      key("OpenCalls", this.bucket, ["Decrypt"]),
    );
  }
  private get environment() {
    return { CONTEXT_BUCKET: this.bucket.bucketName };
  }
}

export class VaultBucket {
  constructor(private readonly bucket: BucketIdentity) {}

  /** Log writers keep the sensitive values behind the log's commitments. */
  grantUse(grantee: Grantee, workflow: string): void {
    grantee.provide(
      { VAULT_BUCKET: this.bucket.bucketName },
      objects("UseVault", this.bucket, ["GetObject", "PutObject"], vaultKey.ofWorkflow(workflow)),
      key("OpenVault", this.bucket, ["Decrypt", "GenerateDataKey"]),
    );
  }
}

export interface ArchiveIdentity {
  readonly bucketName: string;
  readonly bucketArn: string;
  /** what requests name: the key's ARN, or its alias' in another account */
  readonly key: string;
  /** what IAM knows the key by */
  readonly keyArn: string;
  /** of a key in another account, which is known by its alias alone */
  readonly keyAlias?: string;
}

/** The signed archive of the log. */
export class ArchiveBucket {
  constructor(private readonly archive: ArchiveIdentity) {}

  /** The notary: signs, adds objects, and reads what it added. */
  grantNotary(grantee: Grantee): void {
    const { bucketName, bucketArn, key } = this.archive;
    grantee.provide(
      { ARCHIVE_BUCKET: bucketName, NOTARY_KEY: key },
      {
        sid: "AddToArchive",
        actions: ["s3:GetObject", "s3:PutObject", "s3:PutObjectRetention"],
        resources: [`${bucketArn}/*`],
        wildcard: "the archive of all workflows of the stage; its own policy lets nothing be overwritten or deleted",
      },
      { sid: "ListArchive", actions: ["s3:ListBucket"], resources: [bucketArn] },
      this.useKey("Sign", ["kms:Sign", "kms:GetPublicKey"]),
    );
  }

  /** Auditors read everything, and the key to check it with. */
  get reading(): readonly Permission[] {
    const { bucketArn } = this.archive;
    return [
      {
        sid: "ReadArchive",
        actions: ["s3:GetObject"],
        resources: [`${bucketArn}/*`],
        wildcard: "the signed archive of the log, which holds no sensitive value",
      },
      { sid: "ListArchive", actions: ["s3:ListBucket"], resources: [bucketArn] },
      this.useKey("ReadNotaryKey", ["kms:GetPublicKey"]),
    ];
  }

  private useKey(sid: string, actions: readonly string[]): Permission {
    const { keyArn, keyAlias } = this.archive;
    if (keyAlias === undefined) return { sid, actions, resources: [keyArn] };
    return {
      sid,
      actions,
      resources: [keyArn],
      conditions: { StringEquals: { "kms:RequestAlias": keyAlias } },
      wildcard: "a key of the audit account, known by its alias: its own policy names who may use it",
    };
  }
}

/** The key that task tokens are encrypted with between `request-approval` and `approval-desk`. */
export class TokenKey {
  constructor(private readonly keyArn: string) {}

  grantEncrypt(grantee: Grantee, workflow: string): void {
    grantee.provide(this.environment, {
      sid: "SealTokens",
      actions: ["kms:Encrypt"],
      resources: [this.keyArn],
      conditions: { StringEquals: { [`kms:EncryptionContext:${TOKEN_CONTEXT_KEY}`]: workflow } },
    });
  }
  grantDecrypt(grantee: Grantee): void {
    grantee.provide(this.environment, {
      sid: "OpenTokens",
      actions: ["kms:Decrypt"],
      resources: [this.keyArn],
      // A token sealed without saying for which workflow is none of ours.
      conditions: { Null: { [`kms:EncryptionContext:${TOKEN_CONTEXT_KEY}`]: "false" } },
    });
  }
  private get environment() {
    return { TOKEN_KEY_ARN: this.keyArn };
  }
}
