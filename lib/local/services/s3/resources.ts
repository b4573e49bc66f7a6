/** AWS::S3::Bucket and AWS::S3::BucketPolicy. */
import { join } from "node:path";
import * as z from "zod";
import { CountersignError } from "../../../errors.js";
import type { CloudContext, PolicyDocument, ResourceFactory, ResourceRequest } from "../../types.js";
import type { KeyRing } from "../kms/keyring.js";
import { resourcePolicy } from "../support/policies.js";
import {
  type InertProperties,
  parseProperties,
  templateBoolean,
  templateInteger,
  where,
} from "../support/properties.js";
import { ObjectVersions } from "./objects.js";

const DAY_MS = 86_400_000;

export interface Bucket {
  readonly name: string;
  readonly arn: string;
  readonly versioned: boolean;
  readonly objectLock: boolean;
  readonly defaultRetention?: { readonly mode: "GOVERNANCE" | "COMPLIANCE"; readonly periodMs: number };
  readonly encryption:
    | { readonly algorithm: "AES256" }
    | { readonly algorithm: "aws:kms"; readonly keyId: string; readonly bucketKey: boolean };
  readonly objects: ObjectVersions;
  policy?: PolicyDocument;
}

/** What makes a difference here. */
const bucketProperties = z.strictObject({
  BucketName: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/)
    .optional(),
  BucketEncryption: z
    .strictObject({
      ServerSideEncryptionConfiguration: z.tuple([
        z.strictObject({
          BucketKeyEnabled: templateBoolean.default(false),
          ServerSideEncryptionByDefault: z.union([
            z.strictObject({ SSEAlgorithm: z.literal("AES256") }),
            z.strictObject({ SSEAlgorithm: z.literal("aws:kms"), KMSMasterKeyID: z.string() }),
          ]),
        }),
      ]),
    })
    .optional(),
  VersioningConfiguration: z.strictObject({ Status: z.enum(["Enabled", "Suspended"]) }).optional(),
  ObjectLockEnabled: templateBoolean.optional(),
  ObjectLockConfiguration: z
    .strictObject({
      ObjectLockEnabled: z.literal("Enabled").optional(),
      Rule: z
        .strictObject({
          DefaultRetention: z.strictObject({
            Mode: z.enum(["GOVERNANCE", "COMPLIANCE"]),
            Days: templateInteger.optional(),
            Years: templateInteger.optional(),
          }),
        })
        .optional(),
    })
    .optional(),
  OwnershipControls: z
    .strictObject({
      Rules: z.tuple([
        z.strictObject({ ObjectOwnership: z.enum(["BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"]) }),
      ]),
    })
    .optional(),
  AccessControl: z.enum(["Private", "LogDeliveryWrite"]).optional(),
});
const INERT_BUCKET: InertProperties = {
  PublicAccessBlockConfiguration: "requests without a signature are refused here in any case, and ACLs are not taken",
  LifecycleConfiguration: "expiry and transitions take days; local data is deleted with --fresh",
  LoggingConfiguration: "access logs are delivered by a service that does not run here",
  IntelligentTieringConfigurations: "changes the price of storage only",
  MetricsConfigurations: "the embedded cloud emits no metrics",
  Tags: "bucket tags do not take part in authorization unless ABAC is switched on for the bucket",
};
const policyProperties = z.strictObject({ Bucket: z.string(), PolicyDocument: resourcePolicy });

export function bucketFactory(
  ctx: CloudContext,
  buckets: Map<string, Bucket>,
  keys: KeyRing | undefined,
): ResourceFactory {
  return (request) => {
    const properties = parseProperties(request, bucketProperties, INERT_BUCKET);
    const name = properties.BucketName ?? bucketName(request.defaultName);
    if (buckets.has(name))
      throw new CountersignError("CS-4031", `${where(request)}: a bucket ${name} exists already; give it another name`);
    const objectLock =
      properties.ObjectLockEnabled === true || properties.ObjectLockConfiguration?.ObjectLockEnabled === "Enabled";
    const status = properties.VersioningConfiguration?.Status;
    if (status === "Suspended")
      throw refused(request, "VersioningConfiguration.Status Suspended is not modelled; use Enabled or leave it out");
    const retention = defaultRetention(request, properties.ObjectLockConfiguration?.Rule?.DefaultRetention, objectLock);
    const bucket: Bucket = {
      name,
      arn: `arn:aws:s3:::${name}`,
      // Object Lock works on versions and switches them on.
      versioned: status === "Enabled" || objectLock,
      objectLock,
      encryption: encryptionOf(request, properties.BucketEncryption, keys),
      objects: new ObjectVersions(ctx.dataDir === undefined ? undefined : join(ctx.dataDir, "s3", name)),
      ...(retention !== undefined && { defaultRetention: retention }),
    };
    buckets.set(name, bucket);
    return { ref: name, attributes: attributesOf(ctx, bucket) };
  };
}

export function bucketPolicyFactory(buckets: ReadonlyMap<string, Bucket>): ResourceFactory {
  return (request) => {
    const { Bucket: name, PolicyDocument } = parseProperties(request, policyProperties);
    const bucket = buckets.get(name);
    if (bucket === undefined)
      throw new CountersignError(
        "CS-4032",
        `${where(request)}: Bucket ${name} is no bucket of this cloud; create the bucket first`,
      );
    if (bucket.policy !== undefined)
      throw new CountersignError("CS-4031", `${where(request)}: bucket ${name} has a policy already; merge the two`);
    bucket.policy = PolicyDocument;
    return { ref: name, attributes: {} };
  };
}

type Encryption = z.output<typeof bucketProperties>["BucketEncryption"];
function encryptionOf(
  request: ResourceRequest,
  encryption: Encryption,
  keys: KeyRing | undefined,
): Bucket["encryption"] {
  const rule = encryption?.ServerSideEncryptionConfiguration[0];
  if (rule === undefined || !("KMSMasterKeyID" in rule.ServerSideEncryptionByDefault)) return { algorithm: "AES256" };
  const keyId = rule.ServerSideEncryptionByDefault.KMSMasterKeyID;
  if (keys?.find(keyId) === undefined)
    throw new CountersignError(
      "CS-4032",
      `${where(request)}: KMSMasterKeyID ${keyId} is no key of this cloud; create the key first`,
    );
  return { algorithm: "aws:kms", keyId, bucketKey: rule.BucketKeyEnabled };
}

interface RetentionRule {
  readonly Mode: "GOVERNANCE" | "COMPLIANCE";
  readonly Days?: number | undefined;
  readonly Years?: number | undefined;
}
function defaultRetention(
  request: ResourceRequest,
  rule: RetentionRule | undefined,
  objectLock: boolean,
): Bucket["defaultRetention"] {
  if (rule === undefined) return undefined;
  if (!objectLock) throw refused(request, "ObjectLockConfiguration.Rule needs ObjectLockEnabled");
  if ((rule.Days === undefined) === (rule.Years === undefined))
    throw refused(request, "DefaultRetention takes either Days or Years");
  return { mode: rule.Mode, periodMs: (rule.Days ?? (rule.Years ?? 0) * 365) * DAY_MS };
}

function attributesOf(ctx: CloudContext, { name, arn }: Bucket): Record<string, string> {
  return {
    Arn: arn,
    DomainName: `${name}.s3.amazonaws.com`,
    RegionalDomainName: `${name}.s3.${ctx.region}.amazonaws.com`,
    DualStackDomainName: `${name}.s3.dualstack.${ctx.region}.amazonaws.com`,
    WebsiteURL: `http://${name}.s3-website.${ctx.region}.amazonaws.com`,
  };
}

/** Bucket names are lower case, without underscores, at most 63 characters; the hash at the end of a default name stays. */
function bucketName(defaultName: string): string {
  const name = defaultName.toLowerCase().replace(/[^a-z0-9-]/g, "-");
  return (name.length <= 63 ? name : `${name.slice(0, 50)}${name.slice(-13)}`).replace(/^-+|-+$/g, "");
}

function refused(request: ResourceRequest, reason: string): CountersignError {
  return new CountersignError("CS-4030", `${where(request)}: ${reason}`);
}
