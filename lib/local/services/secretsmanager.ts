/** AWS Secrets Manager: secrets of the template, with values preset by the developer or made up here. */
import { randomUUID } from "node:crypto";
import * as z from "zod";
import { type AwsCall, AwsFault, type AwsReply, type CloudContext, type Engine } from "../types.js";
import type { KeyRing } from "./kms/keyring.js";
import { secretFactory, secretPolicyFactory, secretText } from "./secretsmanager/resources.js";
import { type Secret, SecretVault } from "./secretsmanager/vault.js";
import { epochSeconds, parseRequest, unknownOperation } from "./support/request.js";

const SERVICE = "secretsmanager";

export interface SecretsOptions {
  /** values by secret name, e.g. a Stripe test key; kept in memory only */
  readonly secrets?: Readonly<Record<string, string>>;
  /** needed when a secret has a key of its own */
  readonly keys?: KeyRing;
}

const secretId = z.string().min(1).max(2048);
const versionId = z.string().min(1).max(64);
const getRequest = z.strictObject({
  SecretId: secretId,
  VersionId: versionId.optional(),
  VersionStage: z.enum(["AWSCURRENT", "AWSPREVIOUS"]).optional(),
});
const describeRequest = z.strictObject({ SecretId: secretId });
const putRequest = z.strictObject({
  SecretId: secretId,
  SecretString: secretText.min(1),
  ClientRequestToken: z.string().min(32).max(64).optional(),
});

/** Creates the engine; `unusedPresets` names the preset secrets that no resource asked for: misspelt names, usually. */
export function createSecretsEngine(
  ctx: CloudContext,
  options: SecretsOptions = {},
): Engine & { unusedPresets(): string[] } {
  const vault = new SecretVault(ctx);
  const presets = new Map(Object.entries(options.secrets ?? {}));
  const used = new Set<string>();
  const access = new SecretAccess(ctx, vault, options.keys);
  const operations: Readonly<Record<string, (call: AwsCall) => object>> = {
    GetSecretValue: (call) => getSecretValue(access, call),
    DescribeSecret: (call) => describeSecret(access, call),
    PutSecretValue: (call) => putSecretValue(access, vault, call),
  };
  return {
    service: SERVICE,
    unusedPresets: () => [...presets.keys()].filter((name) => !used.has(name)),
    async handle(call): Promise<AwsReply> {
      const name = call.operation ?? `${call.method} ${call.path}`;
      const operation = Object.hasOwn(operations, name) ? operations[name] : undefined;
      if (operation === undefined) throw unknownOperation(SERVICE, name, Object.keys(operations));
      return { status: 200, body: operation(call) };
    },
    resources: {
      "AWS::SecretsManager::Secret": secretFactory(ctx, {
        vault,
        keys: options.keys,
        preset: (name) => {
          used.add(name);
          return presets.get(name);
        },
      }),
      "AWS::SecretsManager::ResourcePolicy": secretPolicyFactory(vault),
    },
    async reset() {
      vault.reset();
    },
    async close() {},
  };
}

function getSecretValue(access: SecretAccess, call: AwsCall): object {
  const request = parseRequest(SERVICE, call.body, getRequest, "InvalidParameterException");
  const stage = request.VersionStage ?? "AWSCURRENT";
  const secret = access.secret(call, "GetSecretValue", request.SecretId, {
    "secretsmanager:VersionStage": stage,
    ...(request.VersionId !== undefined && { "secretsmanager:VersionId": request.VersionId }),
  });
  access.useKey(call, secret, "kms:Decrypt");
  const versions = versionsOf(secret).filter(
    (version) =>
      (request.VersionId === undefined || version.id === request.VersionId) &&
      (request.VersionStage === undefined && request.VersionId !== undefined ? true : version.stage === stage),
  );
  const [version] = versions;
  if (version === undefined)
    throw new AwsFault(
      "ResourceNotFoundException",
      `Secrets Manager can't find the specified secret value for staging label: ${stage}`,
      400,
    );
  return {
    ARN: secret.arn,
    Name: secret.name,
    VersionId: version.id,
    SecretString: version.value,
    VersionStages: [version.stage],
    CreatedDate: epochSeconds(version.createdAtMs),
  };
}

function describeSecret(access: SecretAccess, call: AwsCall): object {
  const request = parseRequest(SERVICE, call.body, describeRequest, "InvalidParameterException");
  const secret = access.secret(call, "DescribeSecret", request.SecretId);
  return {
    ARN: secret.arn,
    Name: secret.name,
    CreatedDate: epochSeconds(secret.createdAtMs),
    LastChangedDate: epochSeconds(secret.current.createdAtMs),
    Tags: Object.entries(secret.tags).map(([Key, Value]) => ({ Key, Value })),
    VersionIdsToStages: Object.fromEntries(versionsOf(secret).map((version) => [version.id, [version.stage]])),
    ...(secret.description !== undefined && { Description: secret.description }),
    ...(secret.kmsKeyId !== undefined && { KmsKeyId: secret.kmsKeyId }),
  };
}

function putSecretValue(access: SecretAccess, vault: SecretVault, call: AwsCall): object {
  const request = parseRequest(SERVICE, call.body, putRequest, "InvalidParameterException");
  const secret = access.secret(call, "PutSecretValue", request.SecretId);
  access.useKey(call, secret, "kms:GenerateDataKey");
  const id = request.ClientRequestToken ?? randomUUID();
  const known = versionsOf(secret).find((version) => version.id === id);
  if (known !== undefined && known.value !== request.SecretString)
    throw new AwsFault("ResourceExistsException", "A resource with the ID you requested already exists.", 400);
  if (known === undefined) vault.put(secret, id, request.SecretString);
  return { ARN: secret.arn, Name: secret.name, VersionId: id, VersionStages: ["AWSCURRENT"] };
}

function versionsOf(secret: Secret) {
  const current = { ...secret.current, stage: "AWSCURRENT" };
  return secret.previous === undefined ? [current] : [current, { ...secret.previous, stage: "AWSPREVIOUS" }];
}

/** Finds secrets for callers that IAM and the secret's own policy let through. */
class SecretAccess {
  constructor(
    private readonly ctx: CloudContext,
    private readonly vault: SecretVault,
    private readonly keys: KeyRing | undefined,
  ) {}

  secret(call: AwsCall, operation: string, id: string, context: Record<string, string> = {}): Secret {
    const secret = this.vault.find(id);
    const named = id.startsWith("arn:")
      ? id
      : `arn:aws:secretsmanager:${this.ctx.region}:${this.ctx.accountId}:secret:${id}`;
    const tags = Object.entries(secret?.tags ?? {});
    this.ctx.iam.authorize({
      caller: call.caller,
      action: `${SERVICE}:${operation}`,
      // Without a permission a caller does not learn whether a secret exists.
      resource: secret?.arn ?? named,
      context: {
        "secretsmanager:SecretId": secret?.arn ?? named,
        ...context,
        ...Object.fromEntries(
          tags.flatMap(([key, value]) => [
            [`secretsmanager:ResourceTag/${key}`, value],
            [`aws:ResourceTag/${key}`, value],
          ]),
        ),
      },
      ...(secret?.policy !== undefined && { resourcePolicy: secret.policy }),
    });
    if (secret === undefined)
      throw new AwsFault("ResourceNotFoundException", "Secrets Manager can't find the specified secret.", 400);
    return secret;
  }

  /** A secret with a key of its own is only open to callers who may use the key, through Secrets Manager. */
  useKey(call: AwsCall, secret: Secret, action: string): void {
    if (secret.kmsKeyId === undefined) return;
    if (this.keys === undefined) throw new AwsFault("InternalServiceError", "no key ring for a secret with a key", 500);
    this.keys.use({
      keyId: secret.kmsKeyId,
      caller: call.caller,
      action,
      viaService: `${SERVICE}.${this.ctx.region}.amazonaws.com`,
      encryptionContext: { SecretARN: secret.arn },
    });
  }
}
