import { DeleteObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createIamCheck } from "../../../lib/local/iam/index.js";
import { receiveBody } from "../../../lib/local/services/s3/body.js";
import { crc32c } from "../../../lib/local/services/s3/crc32c.js";
import { createS3Engine } from "../../../lib/local/services/s3.js";
import { ACCOUNT, create, REGION, START_MS, serve, testCloud } from "./harness.js";

const BUCKET = "AWS::S3::Bucket";

describe("s3 bucket policy with the real IAM check", () => {
  it("is enforced: explicit deny wins, and the TLS statement of the CDK lets loopback pass", async () => {
    const allowAll = [{ Statement: { Effect: "Allow", Action: "s3:*", Resource: "*" } }] as const;
    const iam = createIamCheck(
      { policiesOf: () => allowAll },
      { accountId: ACCOUNT, region: REGION, now: () => START_MS },
    );
    const engine = createS3Engine(testCloud({ iam }).ctx);
    await create(engine, BUCKET, "B", { BucketName: "logs" });
    const everything = { Principal: { AWS: "*" }, Resource: ["arn:aws:s3:::logs", "arn:aws:s3:::logs/*"] };
    const PolicyDocument = {
      Version: "2012-10-17",
      Statement: [
        { Effect: "Deny", Action: "s3:*", ...everything, Condition: { Bool: { "aws:SecureTransport": "false" } } },
        { Effect: "Deny", Action: "s3:*", ...everything, Condition: { NumericLessThan: { "s3:TlsVersion": 1.2 } } },
        { Effect: "Deny", Action: "s3:DeleteObject", ...everything },
      ],
    };
    await create(engine, "AWS::S3::BucketPolicy", "P", { Bucket: "logs", PolicyDocument });
    await expect(
      create(engine, "AWS::S3::BucketPolicy", "Q", { Bucket: "logs", PolicyDocument }),
    ).rejects.toMatchObject({ code: "CS-4031" });
    const served = await serve(engine);
    const client = new S3Client(served.config());
    const place = { Bucket: "logs", Key: "k" };
    await client.send(new PutObjectCommand({ ...place, Body: "x" }));
    await expect(client.send(new DeleteObjectCommand(place))).rejects.toThrow(
      /explicit deny in a resource-based policy/,
    );
    await served.close();
  });
});

describe("received bodies", () => {
  const stream = { "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER" };

  it("decodes any chunking, and takes a body that the wire has already decoded", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 }), { maxLength: 6 }), (chunks) => {
        const content = Buffer.concat(chunks);
        const framed = chunks.flatMap((chunk) => [
          Buffer.from(`${chunk.length.toString(16)}\r\n`),
          Buffer.from(chunk),
          Buffer.from("\r\n"),
        ]);
        const headers = { ...stream, "x-amz-decoded-content-length": String(content.length) };
        expect(receiveBody(headers, Buffer.concat([...framed, Buffer.from("0\r\n\r\n")])).content).toEqual(content);
        expect(receiveBody(headers, content).content).toEqual(content);
      }),
    );
  });

  it("refuses cut, oversized and signed chunks", () => {
    const headers = { ...stream, "x-amz-decoded-content-length": "5" };
    for (const body of ["5\r\nhel", "5\r\nhello", "4\r\nhello\r\n0\r\n\r\n", "zz\r\n", "6\r\nhello!\r\n0\r\n\r\n", ""])
      expect(() => receiveBody(headers, Buffer.from(body))).toThrow(/terminated unexpectedly/);
    const signed = {
      "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
      "x-amz-decoded-content-length": "1",
    };
    expect(() => receiveBody(signed, Buffer.from("x"))).toThrow(/CS-4036/);
    const hash = { "x-amz-content-sha256": "0".repeat(64) };
    expect(() => receiveBody(hash, Buffer.from("x"))).toThrow(/x-amz-content-sha256/);
  });

  it("knows CRC-32C by its check value", () => {
    expect(crc32c(Buffer.from("123456789")).toString(16)).toBe("e3069283");
  });
});
