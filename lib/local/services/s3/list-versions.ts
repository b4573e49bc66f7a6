/** ListObjectVersions. */
import { type AwsCall, AwsFault, type AwsReply } from "../../types.js";
import { toXml } from "../../wire/xml.js";
import type { S3Access } from "./access.js";
import { isAfter, maxKeysOf } from "./list.js";
import type { ObjectVersion } from "./objects.js";
import { XMLNS } from "./replies.js";
import { honourOnly } from "./request.js";
import type { Bucket } from "./resources.js";

const PARAMETERS = ["versions", "prefix", "delimiter", "max-keys", "key-marker", "version-id-marker", "encoding-type"];

/** A version, or a common prefix. */
interface Entry {
  readonly name: string;
  readonly version?: ObjectVersion;
  readonly isLatest?: boolean;
}

export function listVersions(access: S3Access, call: AwsCall, bucket: Bucket): AwsReply {
  honourOnly(call, [], PARAMETERS);
  const parameter = (name: string) => call.query.get(name) || undefined;
  const prefix = parameter("prefix") ?? "";
  const delimiter = parameter("delimiter");
  const maxKeys = maxKeysOf(call.query.get("max-keys") ?? undefined);
  access.authorize(call, "s3:ListBucketVersions", bucket, undefined, {
    "s3:prefix": prefix,
    "s3:max-keys": maxKeys,
    ...(delimiter !== undefined && { "s3:delimiter": delimiter }),
  });
  const [keyMarker, versionMarker] = [parameter("key-marker"), parameter("version-id-marker")];
  if (versionMarker !== undefined && keyMarker === undefined)
    throw new AwsFault("InvalidArgument", "A version-id marker cannot be specified without a key marker.", 400);
  const entries = after(entriesOf(bucket, prefix, delimiter), keyMarker, versionMarker);
  const page = entries.slice(0, maxKeys);
  const last = entries.length > page.length ? page.at(-1) : undefined;
  const encode = (text: string) =>
    parameter("encoding-type") === "url" ? encodeURIComponent(text).replaceAll("%2F", "/") : text;
  const told = (marker: boolean) =>
    page.flatMap(({ version, isLatest = false }) =>
      version === undefined || version.deleteMarker !== marker ? [] : [versionXml(version, isLatest, encode)],
    );
  const members = {
    Name: bucket.name,
    Prefix: encode(prefix),
    Delimiter: delimiter,
    KeyMarker: encode(keyMarker ?? ""),
    VersionIdMarker: versionMarker ?? "",
    MaxKeys: maxKeys,
    IsTruncated: last !== undefined,
    EncodingType: parameter("encoding-type"),
    NextKeyMarker: last === undefined ? undefined : encode(last.name),
    NextVersionIdMarker: last?.version?.versionId,
    Version: told(false),
    DeleteMarker: told(true),
    CommonPrefixes: page.flatMap(({ name, version }) => (version === undefined ? [{ Prefix: encode(name) }] : [])),
  };
  const inner = Object.entries(members).map(([name, value]) => toXml(name, value));
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<ListVersionsResult xmlns="${XMLNS}">${inner.join("")}</ListVersionsResult>`;
  return { status: 200, headers: { "content-type": "application/xml" }, body };
}

function entriesOf(bucket: Bucket, prefix: string, delimiter: string | undefined): Entry[] {
  const entries: Entry[] = [];
  for (const version of bucket.objects.listAll()) {
    if (!version.key.startsWith(prefix)) continue;
    const cut = delimiter === undefined ? -1 : version.key.indexOf(delimiter, prefix.length);
    if (delimiter === undefined || cut < 0) {
      entries.push({ name: version.key, version, isLatest: bucket.objects.of(version.key)[0] === version });
      continue;
    }
    const name = version.key.slice(0, cut + delimiter.length);
    if (entries.at(-1)?.name !== name) entries.push({ name });
  }
  return entries;
}

/** What comes after the markers: other versions of the marker's own key only when its version is named too. */
function after(entries: readonly Entry[], keyMarker: string | undefined, versionMarker: string | undefined): Entry[] {
  if (keyMarker === undefined) return [...entries];
  const at = entries.findIndex(({ name, version }) => name === keyMarker && version?.versionId === versionMarker);
  if (versionMarker !== undefined && at >= 0) return entries.slice(at + 1);
  return entries.filter(({ name }) => isAfter(name, keyMarker));
}

function versionXml(version: ObjectVersion, isLatest: boolean, encode: (text: string) => string) {
  return {
    Key: encode(version.key),
    VersionId: version.versionId,
    IsLatest: isLatest,
    LastModified: new Date(version.lastModifiedMs).toISOString(),
    ...(!version.deleteMarker && { ETag: version.etag, Size: version.sizeBytes, StorageClass: "STANDARD" }),
  };
}
