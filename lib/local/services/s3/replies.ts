/** What S3 says about an object in headers, and about a bucket in XML. */
import { toXml } from "../../wire/xml.js";
import type { ObjectVersion } from "./objects.js";
import type { Bucket } from "./resources.js";

export const XMLNS = "http://s3.amazonaws.com/doc/2006-03-01/";

/** Headers of an answer about one version, for put, get and head. */
export function objectHeaders(bucket: Bucket, version: ObjectVersion): { etag: string } & Record<string, string> {
  const encryption: Record<string, string> =
    version.kmsKeyArn === undefined
      ? { "x-amz-server-side-encryption": "AES256" }
      : { "x-amz-server-side-encryption": "aws:kms", "x-amz-server-side-encryption-aws-kms-key-id": version.kmsKeyArn };
  return { etag: version.etag, ...encryption, ...(bucket.versioned && { "x-amz-version-id": version.versionId }) };
}

export interface ListAnswer {
  readonly prefix: string;
  readonly delimiter: string | undefined;
  readonly startAfter: string | undefined;
  readonly maxKeys: number;
  readonly urlEncoded: boolean;
  readonly contents: readonly ObjectVersion[];
  readonly commonPrefixes: readonly string[];
  readonly continuationToken: string | undefined;
  readonly nextToken: string | undefined;
}

export function listBody(bucket: Bucket, answer: ListAnswer): string {
  const encode = (text: string) => (answer.urlEncoded ? encodeURIComponent(text).replaceAll("%2F", "/") : text);
  const members = {
    Name: bucket.name,
    Prefix: encode(answer.prefix),
    Delimiter: answer.delimiter === undefined ? undefined : encode(answer.delimiter),
    StartAfter: answer.startAfter === undefined ? undefined : encode(answer.startAfter),
    MaxKeys: answer.maxKeys,
    KeyCount: answer.contents.length + answer.commonPrefixes.length,
    IsTruncated: answer.nextToken !== undefined,
    EncodingType: answer.urlEncoded ? "url" : undefined,
    ContinuationToken: answer.continuationToken,
    NextContinuationToken: answer.nextToken,
    Contents: answer.contents.map((version) => ({
      Key: encode(version.key),
      LastModified: new Date(version.lastModifiedMs).toISOString(),
      ETag: version.etag,
      Size: version.sizeBytes,
      StorageClass: "STANDARD",
    })),
    CommonPrefixes: answer.commonPrefixes.map((prefix) => ({ Prefix: encode(prefix) })),
  };
  const inner = Object.entries(members).map(([name, value]) => toXml(name, value));
  return `<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="${XMLNS}">${inner.join("")}</ListBucketResult>`;
}
