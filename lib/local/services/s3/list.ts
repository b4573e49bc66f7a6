/** ListObjectsV2. */
import { type AwsCall, AwsFault, type AwsReply } from "../../types.js";
import type { S3Access } from "./access.js";
import type { ObjectVersion } from "./objects.js";
import { listBody } from "./replies.js";
import { honourOnly } from "./request.js";
import type { Bucket } from "./resources.js";

const MAX_KEYS = 1000;
const PARAMETERS = [
  "list-type",
  "prefix",
  "delimiter",
  "max-keys",
  "continuation-token",
  "start-after",
  "encoding-type",
];

export function listObjects(access: S3Access, call: AwsCall, bucket: Bucket): AwsReply {
  honourOnly(call, [], PARAMETERS);
  const parameter = (name: string) => call.query.get(name) ?? undefined;
  const prefix = parameter("prefix") ?? "";
  const delimiter = parameter("delimiter") === "" ? undefined : parameter("delimiter");
  const maxKeys = maxKeysOf(parameter("max-keys"));
  access.authorize(call, "s3:ListBucket", bucket, undefined, {
    "s3:prefix": prefix,
    "s3:max-keys": maxKeys,
    ...(delimiter !== undefined && { "s3:delimiter": delimiter }),
  });
  const continuationToken = parameter("continuation-token");
  const startAfter = parameter("start-after");
  const after = continuationToken === undefined ? startAfter : decodeToken(continuationToken);
  const entries = entriesOf(bucket, prefix, delimiter).filter(
    ({ name }) => after === undefined || isAfter(name, after),
  );
  const page = entries.slice(0, maxKeys);
  const last = page.at(-1);
  const nextToken =
    entries.length > page.length && last !== undefined ? Buffer.from(last.name).toString("base64url") : undefined;
  const body = listBody(bucket, {
    prefix,
    delimiter,
    startAfter,
    maxKeys,
    urlEncoded: parameter("encoding-type") === "url",
    contents: page.flatMap((entry) => (entry.version === undefined ? [] : [entry.version])),
    commonPrefixes: page.flatMap((entry) => (entry.version === undefined ? [entry.name] : [])),
    continuationToken,
    nextToken,
  });
  return { status: 200, headers: { "content-type": "application/xml" }, body };
}

interface Entry {
  /** a key, or a common prefix */
  readonly name: string;
  /** absent for a common prefix */
  readonly version: ObjectVersion | undefined;
}

/** Keys in order, those with the delimiter after the prefix folded into one entry. */
function entriesOf(bucket: Bucket, prefix: string, delimiter: string | undefined): Entry[] {
  const seen = new Set<string>();
  return bucket.objects.list().flatMap((version): Entry[] => {
    if (!version.key.startsWith(prefix)) return [];
    const cut = delimiter === undefined ? -1 : version.key.indexOf(delimiter, prefix.length);
    if (delimiter === undefined || cut < 0) return [{ name: version.key, version }];
    const name = version.key.slice(0, cut + delimiter.length);
    if (seen.has(name)) return [];
    seen.add(name);
    return [{ name, version: undefined }];
  });
}

/** In the order of S3: by UTF-8 bytes. */
export function isAfter(name: string, after: string): boolean {
  return Buffer.compare(Buffer.from(name), Buffer.from(after)) > 0;
}

function decodeToken(token: string): string {
  if (!/^[A-Za-z0-9_-]+$/.test(token))
    throw new AwsFault("InvalidArgument", "The continuation token provided is incorrect", 400);
  return Buffer.from(token, "base64url").toString("utf8");
}

export function maxKeysOf(text: string | undefined): number {
  if (text === undefined) return MAX_KEYS;
  if (!/^\d{1,9}$/.test(text))
    throw new AwsFault("InvalidArgument", "Argument maxKeys must be an integer between 0 and 2147483647", 400);
  return Math.min(MAX_KEYS, Number(text));
}
