/** Every version of objects: listed and deleted, never read. Needs `s3:ListBucketVersions` and `s3:DeleteObjectVersion`. */
import {
  DeleteObjectCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
} from "@aws-sdk/client-s3";
import type { BucketRef } from "./objects.js";

export interface Version {
  readonly key: string;
  readonly versionId: string;
}
export interface Versions {
  /** All versions and delete markers of objects whose keys begin so. */
  list(prefix: string): Promise<readonly Version[]>;
  /** What stands between the prefix and the next `/`, each once. */
  folders(prefix: string): Promise<readonly string[]>;
  /** For good. One that is gone already is fine. */
  remove(version: Version): Promise<void>;
}

export function s3Versions({ client, bucket }: BucketRef): Versions {
  async function* pages(Prefix: string, Delimiter?: string): AsyncGenerator<ListObjectVersionsCommandOutput> {
    let page: ListObjectVersionsCommandOutput | undefined;
    do {
      page = await client.send(
        new ListObjectVersionsCommand({
          Bucket: bucket,
          Prefix,
          ...(Delimiter === undefined ? {} : { Delimiter }),
          ...(page?.NextKeyMarker === undefined ? {} : { KeyMarker: page.NextKeyMarker }),
          ...(page?.NextVersionIdMarker === undefined ? {} : { VersionIdMarker: page.NextVersionIdMarker }),
        }),
      );
      yield page;
    } while (page.IsTruncated === true);
  }
  return {
    async list(prefix) {
      const found: Version[] = [];
      for await (const { Versions = [], DeleteMarkers = [] } of pages(prefix))
        for (const { Key: key, VersionId: versionId } of [...Versions, ...DeleteMarkers])
          if (key !== undefined && versionId !== undefined) found.push({ key, versionId });
      return found;
    },
    async folders(prefix) {
      const found: string[] = [];
      for await (const { CommonPrefixes = [] } of pages(prefix, "/"))
        for (const { Prefix = "" } of CommonPrefixes) found.push(Prefix.slice(prefix.length, -1));
      return found;
    },
    async remove({ key, versionId }) {
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key, VersionId: versionId }));
    },
  };
}
