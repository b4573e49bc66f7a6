/** What the bucket ports share: write once, read whole. */
import { GetObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { CountersignError } from "../errors.js";
import { isNamed } from "./dynamo.js";

export interface BucketRef {
  readonly client: S3Client;
  readonly bucket: string;
}

/**
 * The object's bytes, or undefined when there is none. Needs `s3:GetObject`. Without `s3:ListBucket`, which nobody has, S3 says
 * "denied" of an object that is not there: both mean that there is nothing for us to read.
 */
export async function readObject({ client, bucket }: BucketRef, key: string): Promise<Uint8Array | undefined> {
  try {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    return Body === undefined ? undefined : await Body.transformToByteArray();
  } catch (error) {
    if (["NoSuchKey", "NotFound", "AccessDenied"].some((name) => isNamed(error, name))) return undefined;
    throw error;
  }
}

/** Creates the object; one that is there stays as it is. Needs `s3:PutObject`. */
export async function createObject(
  { client, bucket }: BucketRef,
  key: string,
  body: Uint8Array,
): Promise<"created" | "exists"> {
  try {
    await client.send(
      new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, ContentType: "application/json", IfNoneMatch: "*" }),
    );
    return "created";
  } catch (error) {
    if (isNamed(error, "PreconditionFailed")) return "exists";
    throw error;
  }
}

/** Creates the object or confirms that it holds the same bytes already. */
export async function createSame(ref: BucketRef, key: string, body: Uint8Array): Promise<void> {
  if ((await createObject(ref, key, body)) === "created") return;
  const stored = await readObject(ref, key);
  if (stored === undefined || Buffer.compare(stored, body) !== 0)
    throw new CountersignError("CS-3402", `${ref.bucket}: ${key} exists with other content and is never overwritten`);
}
