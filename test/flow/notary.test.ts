/** The notary on the synthesised template: its real bundle, the stream, the schedule, KMS and Object Lock, under its own role. */

import { KMSClient, SignCommand } from "@aws-sdk/client-kms";
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exportLines } from "../../lib/audit/export.js";
import { sha256OfBytes, unpackLines } from "../../lib/audit/segment.js";
import { trustedKeys } from "../../lib/audit/signature.js";
import { checkpoint, digest, textToSign } from "../../lib/audit/statement.js";
import { verifyText } from "../../lib/audit/verify.js";
import { type ArchiveReader, s3ArchiveReader } from "../../lib/aws/archive.js";
import { readPublicKey } from "../../lib/aws/signer.js";
import { bucketArchive, evidenceOf } from "../../lib/client/archive.js";
import { selectedRuns } from "../../lib/client/export-source.js";
import { verifyArchive } from "../../lib/client/verify-archive.js";
import { jcs } from "../../lib/run/canonical.js";
import type { RunRef } from "../../lib/run/keys.js";
import { FINISH, Flow, LOOKUP, REFUND } from "../support/flow.js";

const MINUTE_MS = 60_000;
let flow: Flow;
let archive: ArchiveReader;
let pem: string;
let bucket: string;
beforeAll(async () => {
  flow = await Flow.open(undefined, true);
  const plane = await flow.connection.controlPlane();
  bucket = plane.ArchiveBucket;
  archive = s3ArchiveReader({
    client: new S3Client({ ...flow.connection.client("auditor"), forcePathStyle: true }),
    bucket,
  });
  pem = await readPublicKey(new KMSClient(flow.connection.client("auditor")), plane.NotaryKey);
});
afterAll(() => flow.close());

const read = async (key: string) => Buffer.from((await archive.read(key)) ?? []);
const json = async (key: string) => JSON.parse((await read(key)).toString("utf8"));
const checkpointsOf = async (run: RunRef) => {
  const keys = (await archive.list("checkpoints/")).filter((key) => key.includes(`/${run.runId}/`));
  return Promise.all(keys.map(async (key) => checkpoint.parse(await json(key))));
};
const holds = (statement: ReturnType<typeof checkpoint.parse> | ReturnType<typeof digest.parse>) =>
  trustedKeys([pem]).verify(statement.key, textToSign(statement, statement.hash), statement.signature);

describe("the notary", () => {
  test("covers a run as soon as it ends, and archives what the log holds", async () => {
    await flow.begin([LOOKUP, FINISH]);
    const run = await flow.start();
    const events = await flow.play(run);
    await flow.clock.settled();
    const [only, ...more] = await checkpointsOf(run);
    expect(more).toEqual([]);
    expect(only).toMatchObject({ from: 1, seq: events.length, closed: true, head: events.at(-1)?.hash });
    if (only === undefined) return;
    expect(holds(only)).toBe(true);
    const segment = await read(only.events.key);
    expect(sha256OfBytes(segment)).toBe(only.events.sha256);
    expect(unpackLines(segment)).toEqual(events.map((event) => jcs(event)));
  });

  test("covers an open run within five minutes, accounts for it in the digest, and goes on when it ends", async () => {
    await flow.begin([LOOKUP, REFUND, FINISH]);
    // Schedules count from a reset; the time has just been put back.
    await flow.session.cloud.reset();
    const run = await flow.start();
    const asked = await flow.asked(run);
    expect(await checkpointsOf(run)).toEqual([]);
    await flow.clock.advance(5 * MINUTE_MS);
    expect(await checkpointsOf(run)).toMatchObject([{ from: 1, seq: asked.length, closed: false }]);
    const first = digest.parse(await json("digests/00000001.json"));
    expect(holds(first)).toBe(true);
    expect(first.open).toMatchObject([{ run_id: run.runId, seq: asked.length }]);
    await flow.decide("ana@example.com", { decision: "reject", comment: "no" });
    const events = await flow.play(run);
    await flow.clock.settled();
    expect((await checkpointsOf(run)).map(({ seq, closed }) => [seq, closed])).toEqual([
      [asked.length, false],
      [events.length, true],
    ]);
    await flow.clock.advance(65 * MINUTE_MS);
    const second = digest.parse(await json("digests/00000002.json"));
    expect(second).toMatchObject({ prev: first.hash, open: [], entries: [{ run_id: run.runId, closed: true }] });
  });
});

test("an export holds what was signed, and is verified with the public key alone; so is the bucket", async () => {
  const reader = await bucketArchive(flow.connection);
  const selection = { workflows: ["billing-dispute"], filter: {} };
  const lines: string[] = [];
  const evidence = await evidenceOf(reader, selection.workflows);
  for await (const line of exportLines(selectedRuns(flow.connection, selection), [], evidence)) lines.push(line);
  const checks = { keys: trustedKeys([pem]), complete: true };
  const report = verifyText(lines.join("\n"), checks);
  expect(report.faults).toEqual([]);
  expect(report).toMatchObject({ runs: 1, checkpoints: 2, digests: 2, newer: 0, signatures: "checked" });
  expect((await verifyArchive(reader, checks)).faults).toEqual([]);
});

describe("the archive", () => {
  const s3 = (role: string) => new S3Client({ ...flow.as(flow.roleOf(role)), forcePathStyle: true });
  const refused = (call: Promise<unknown>) => expect(call).rejects.toMatchObject({ name: "AccessDenied" });

  test("is not overwritten, hidden or deleted by its own notary, nor written without a condition", async () => {
    const [Key = ""] = await archive.list("events/");
    const own = s3("/notary/");
    await refused(own.send(new PutObjectCommand({ Bucket: bucket, Key, Body: "x" })));
    await refused(own.send(new DeleteObjectCommand({ Bucket: bucket, Key })));
    const { VersionId = "" } = await own.send(new GetObjectCommand({ Bucket: bucket, Key }));
    await refused(
      own.send(new DeleteObjectCommand({ Bucket: bucket, Key, VersionId, BypassGovernanceRetention: true })),
    );
    const again = own.send(new PutObjectCommand({ Bucket: bucket, Key, Body: "x", IfNoneMatch: "*" }));
    await expect(again).rejects.toMatchObject({ name: "PreconditionFailed" });
  });

  test("is not signed for by anyone else", async () => {
    const { NotaryKey } = await flow.connection.controlPlane();
    const request = { KeyId: NotaryKey, Message: Buffer.from("x"), SigningAlgorithm: "ECDSA_SHA_256" as const };
    for (const role of ["/people/", "/approval-desk/"]) {
      const part = role === "/people/" ? "auditor" : "";
      const kms = new KMSClient(flow.as(flow.roleOf(role, part)));
      await expect(kms.send(new SignCommand(request))).rejects.toMatchObject({ name: "AccessDeniedException" });
    }
  });
});
