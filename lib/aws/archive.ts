/** The archive: objects that are created once, kept until their date, and never changed. */
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from "@aws-sdk/client-s3";
import type { ArchiveMode } from "./archive-mode.js";
import { isNamed } from "./dynamo.js";
import type { BucketRef } from "./objects.js";

export interface ArchiveReader {
  /** keys that begin with the prefix and come after a key, in order. Needs `s3:ListBucket`. */
  list(prefix: string, after?: string): Promise<readonly string[]>;
  /** undefined when there is no such object. Needs `s3:GetObject`, and `s3:ListBucket` to tell missing from refused. */
  read(key: string): Promise<Uint8Array | undefined>;
}
export interface Archive extends ArchiveReader {
  /** Creates the object; one that is there stays as it is. Needs `s3:PutObject` and `s3:PutObjectRetention`. */
  create(key: string, body: Uint8Array, retainUntilMs: number): Promise<"created" | "exists">;
}

export function s3ArchiveReader({ client, bucket }: BucketRef): ArchiveReader {
  return {
    async list(prefix, after) {
      const keys: string[] = [];
      let token: string | undefined;
      do {
        const page = await client.send(
          new ListObjectsV2Command({
            Bucket: bucket,
            Prefix: prefix,
            ...(after === undefined ? {} : { StartAfter: after }),
            ...(token === undefined ? {} : { ContinuationToken: token }),
          }),
        );
        for (const { Key } of page.Contents ?? []) if (Key !== undefined) keys.push(Key);
        token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
      } while (token !== undefined);
      return keys;
    },
    async read(key) {
      try {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
        return Body === undefined ? undefined : await Body.transformToByteArray();
      } catch (error) {
        // Refused is not missing: taking one for the other would sign the same records twice.
        if (isNamed(error, "NoSuchKey") || isNamed(error, "NotFound")) return undefined;
        throw error;
      }
    },
  };
}

export function s3Archive(ref: BucketRef, mode: ArchiveMode): Archive {
  return {
    ...s3ArchiveReader(ref),
    async create(key, body, retainUntilMs) {
      try {
        await ref.client.send(
          new PutObjectCommand({
            Bucket: ref.bucket,
            Key: key,
            Body: body,
            ContentType: key.endsWith(".gz") ? "application/gzip" : "application/json",
            IfNoneMatch: "*",
            ObjectLockMode: mode === "compliance" ? "COMPLIANCE" : "GOVERNANCE",
            ObjectLockRetainUntilDate: new Date(retainUntilMs),
          }),
        );
        return "created";
      } catch (error) {
        // The second: somebody else was creating it at the same moment.
        if (isNamed(error, "PreconditionFailed") || isNamed(error, "ConditionalRequestConflict")) return "exists";
        throw error;
      }
    },
  };
}
