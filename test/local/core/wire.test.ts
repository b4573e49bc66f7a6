// biome-ignore-all lint/suspicious/noTemplateCurlyInString: CloudFormation writes its placeholders like this
import { execFile } from "node:child_process";
import { createServer } from "node:http";
import { connect } from "node:net";
import { Readable } from "node:stream";
import { promisify } from "node:util";
import { BedrockRuntimeClient, ConverseCommand } from "@aws-sdk/client-bedrock-runtime";
import {
  CloudFormationClient,
  DescribeStackResourcesCommand,
  DescribeStacksCommand,
  ListStacksCommand,
} from "@aws-sdk/client-cloudformation";
import { DynamoDBClient, ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { GetAccountCommand, SESv2Client } from "@aws-sdk/client-sesv2";
import { ListStateMachinesCommand, SFNClient } from "@aws-sdk/client-sfn";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cloud, startCloud } from "../../../lib/local/cloud.js";
import { type AwsCall, AwsFault, type AwsReply, type Engine } from "../../../lib/local/types.js";
import { assemblyOf, BOOTSTRAP, type Fixture, role } from "./fixture.js";

/** Records what reaches an engine and answers what the test wants. */
class Recorder implements Engine {
  readonly resources = {};
  calls: AwsCall[] = [];
  answer: AwsReply | AwsFault = { status: 200, body: {} };
  constructor(readonly service: string) {}
  async handle(call: AwsCall): Promise<AwsReply> {
    this.calls.push(call);
    if (this.answer instanceof AwsFault) throw this.answer;
    return this.answer;
  }
  async reset() {}
  async close() {}
}

const table = new Recorder("recorder-table");
let fixture: Fixture;
let cloud: Cloud;
const OPERATOR = "arn:aws:iam::111111111111:role/people/operator";
const READER = "arn:aws:iam::111111111111:role/developer";

beforeAll(async () => {
  fixture = assemblyOf({
    "control-dev": {
      template: {
        ...BOOTSTRAP,
        Description: 'first <stack> & "more"',
        Resources: {
          Operator: role(
            "ec2.amazonaws.com",
            [
              {
                Effect: "Allow",
                Action: "cloudformation:DescribeStacks",
                Resource: { "Fn::Sub": "arn:aws:cloudformation:*:*:stack/control-dev/*" },
              },
            ],
            {
              RoleName: "operator",
              Path: "/people/",
            },
          ),
          Logs: { Type: "AWS::Logs::LogGroup", Properties: { LogGroupName: "/x" } },
        },
        Outputs: {
          OperatorArn: {
            Value: { "Fn::GetAtt": ["Operator", "Arn"] },
            Description: "who operates",
            Export: { Name: "operator" },
          },
        },
      },
    },
    "flow-dev": {
      dependsOn: ["control-dev"],
      template: { ...BOOTSTRAP, Outputs: { Same: { Value: { "Fn::ImportValue": "operator" } } } },
    },
  });
  cloud = await startCloud({
    assembly: fixture.folder,
    engines: () => [table],
    people: {
      developer: [{ Version: "2012-10-17", Statement: { Effect: "Allow", Action: "cloudformation:*", Resource: "*" } }],
    },
    console: () => async (request) => {
      if (request.target !== "/console") return undefined;
      return {
        status: 200,
        headers: { "content-type": "text/plain" },
        body: Buffer.from(`console for ${request.caller?.principalArn ?? "anyone"}`),
      };
    },
  });
});
afterAll(async () => {
  await cloud.close();
  fixture.remove();
});

const settings = (roleArn = OPERATOR) => ({
  region: "eu-central-1",
  endpoint: cloud.endpoint,
  credentials: cloud.credentialsFor(roleArn, "ana"),
  maxAttempts: 1,
});

describe("sts and cloudformation", () => {
  it("says who calls", async () => {
    const answer = await new STSClient(settings()).send(new GetCallerIdentityCommand({}));
    expect(answer).toMatchObject({
      Account: "111111111111",
      Arn: "arn:aws:sts::111111111111:assumed-role/operator/ana",
    });
  });

  it("describes the deployed stacks with outputs, as far as the caller may", async () => {
    const client = new CloudFormationClient(settings());
    const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: "control-dev" }));
    expect(Stacks).toHaveLength(1);
    expect(Stacks?.[0]).toMatchObject({
      StackName: "control-dev",
      StackStatus: "CREATE_COMPLETE",
      Description: 'first <stack> & "more"',
      Outputs: [
        { OutputKey: "OperatorArn", OutputValue: OPERATOR, Description: "who operates", ExportName: "operator" },
      ],
      Parameters: [{ ParameterKey: "BootstrapVersion" }],
    });
    await expect(client.send(new DescribeStacksCommand({ StackName: "flow-dev" }))).rejects.toMatchObject({
      name: "AccessDenied",
    });
    await expect(client.send(new ListStacksCommand({}))).rejects.toMatchObject({ name: "AccessDenied" });
  });

  it("lists stacks and resources for whoever may", async () => {
    const client = new CloudFormationClient(settings(READER));
    expect((await client.send(new ListStacksCommand({}))).StackSummaries?.map((stack) => stack.StackName)).toEqual([
      "control-dev",
      "flow-dev",
    ]);
    expect((await client.send(new DescribeStacksCommand({}))).Stacks?.[1]?.Outputs?.[0]?.OutputValue).toBe(OPERATOR);
    const { StackResources } = await client.send(new DescribeStackResourcesCommand({ StackName: "control-dev" }));
    expect(
      StackResources?.map((resource) => [
        resource.LogicalResourceId,
        resource.PhysicalResourceId,
        resource.ResourceType,
      ]),
    ).toEqual([
      ["Operator", "operator", "AWS::IAM::Role"],
      ["Logs", "/x", "AWS::Logs::LogGroup"],
    ]);
    await expect(client.send(new DescribeStacksCommand({ StackName: "absent" }))).rejects.toMatchObject({
      name: "ValidationError",
      message: "Stack with id absent does not exist",
    });
  });

  it("answers the aws command line", async (context) => {
    const credentials = cloud.credentialsFor(READER, "terminal");
    const aws = (...args: string[]) =>
      promisify(execFile)("aws", [...args, "--output", "json"], {
        env: {
          PATH: process.env.PATH,
          HOME: fixture.folder,
          AWS_ACCESS_KEY_ID: credentials.accessKeyId,
          AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
          AWS_SESSION_TOKEN: credentials.sessionToken,
          AWS_DEFAULT_REGION: "eu-central-1",
          AWS_ENDPOINT_URL: cloud.endpoint,
        },
      });
    const installed = await aws("--version").catch(() => undefined);
    if (!installed) return context.skip("the aws command line is not installed");
    expect(JSON.parse((await aws("sts", "get-caller-identity")).stdout)).toMatchObject({
      Arn: "arn:aws:sts::111111111111:assumed-role/developer/terminal",
    });
    const stacks = JSON.parse((await aws("cloudformation", "describe-stacks", "--stack-name", "control-dev")).stdout);
    expect(stacks.Stacks[0].Outputs[0].OutputValue).toBe(OPERATOR);
  });
});

describe("signatures", () => {
  const send = (settings: object) => new STSClient(settings as never).send(new GetCallerIdentityCommand({}));

  it("refuses an unknown key, a wrong secret, a foreign session token", async () => {
    const good = settings();
    const other = cloud.credentialsFor(READER);
    await expect(
      send({ ...good, credentials: { ...good.credentials, accessKeyId: "ASIAAAAAAAAAAAAAAAAA" } }),
    ).rejects.toMatchObject({ name: "InvalidClientTokenId" });
    await expect(send({ ...good, credentials: { ...good.credentials, secretAccessKey: "x" } })).rejects.toMatchObject({
      name: "SignatureDoesNotMatch",
    });
    await expect(
      send({ ...good, credentials: { ...good.credentials, sessionToken: other.sessionToken } }),
    ).rejects.toMatchObject({ name: "InvalidClientTokenId" });
    await expect(send({ ...good, region: "us-east-1" })).rejects.toMatchObject({ name: "SignatureDoesNotMatch" });
  });

  it("covers method, path, query, body and every x-amz header", async () => {
    for (const change of ["body", "path", "query", "header", "target"] as const) {
      const client = new DynamoDBClient(settings());
      client.middlewareStack.add(
        (next) => (args) => {
          const request = args.request as {
            body: string;
            path: string;
            query: Record<string, string>;
            headers: Record<string, string>;
          };
          if (change === "body") request.body = '{"Limit":7}';
          if (change === "path") request.path = "/other";
          if (change === "query") request.query = { x: "1" };
          if (change === "header") request.headers["x-amz-acl"] = "public";
          if (change === "target") request.headers["x-amz-target"] = "DynamoDB_20120810.DeleteTable";
          return next(args);
        },
        { step: "finalizeRequest", name: "tamper", priority: "low" },
      );
      // after signing: `finalizeRequest` with low priority runs behind the signer
      await expect(client.send(new ListTablesCommand({ Limit: 3 })), change).rejects.toMatchObject({
        name: "InvalidSignatureException",
      });
    }
  });

  it("ignores the age of a signature: callers do not live in the cloud's time", async () => {
    expect((await send({ ...settings(), systemClockOffset: -40 * 24 * 3_600_000 })).Account).toBe("111111111111");
  });
});

describe("protocols", () => {
  const engines = new Map<string, Recorder>(
    ["dynamodb", "states", "ses", "s3"].map((service) => [service, new Recorder(service)]),
  );
  let bare: Cloud;
  const bareSettings = () => ({
    region: "eu-central-1",
    endpoint: bare.endpoint,
    credentials: bare.credentialsFor(OPERATOR),
    maxAttempts: 1,
  });
  const recorder = (service: string): Recorder => {
    const found = engines.get(service);
    if (!found) throw new Error(service);
    return found;
  };
  beforeAll(async () => {
    bare = await startCloud({
      assembly: fixture.folder,
      stacks: ["control-dev"],
      engines: () => [...engines.values()],
    });
  });
  afterAll(() => bare.close());

  it("JSON: operation in, exception with its members out", async () => {
    recorder("dynamodb").answer = { status: 200, body: { TableNames: ["a"] } };
    expect((await new DynamoDBClient(bareSettings()).send(new ListTablesCommand({ Limit: 3 }))).TableNames).toEqual([
      "a",
    ]);
    const call = recorder("dynamodb").calls.at(-1);
    expect([call?.operation, call?.body.toString(), call?.caller.principalArn]).toEqual([
      "ListTables",
      '{"Limit":3}',
      OPERATOR,
    ]);
    recorder("dynamodb").answer = new AwsFault("TransactionCanceledException", "cancelled", 400, {
      CancellationReasons: [{ Code: "DuplicateItem" }],
    });
    await expect(new DynamoDBClient(bareSettings()).send(new ListTablesCommand({}))).rejects.toMatchObject({
      name: "TransactionCanceledException",
      message: "cancelled",
      CancellationReasons: [{ Code: "DuplicateItem" }],
    });
    recorder("states").answer = new AwsFault("TaskTimedOut", "closed");
    await expect(new SFNClient(bareSettings()).send(new ListStateMachinesCommand({}))).rejects.toMatchObject({
      name: "TaskTimedOut",
      message: "closed",
    });
  });

  it("REST-JSON: the exception is in a header", async () => {
    recorder("ses").answer = new AwsFault("TooManyRequestsException", "slow down", 429);
    await expect(new SESv2Client(bareSettings()).send(new GetAccountCommand({}))).rejects.toMatchObject({
      name: "TooManyRequestsException",
      $metadata: { httpStatusCode: 429 },
    });
    expect(recorder("ses").calls.at(-1)?.path).toBe("/v2/email/account");
  });

  it("S3: keys that need encoding, streams with trailers, errors in XML, HEAD without a body", async () => {
    const s3 = new S3Client(bareSettings());
    const key = "a b/ü+%/(1)'*!~.json";
    recorder("s3").answer = { status: 200, headers: { etag: '"1"' } };
    await s3.send(
      new PutObjectCommand({ Bucket: "box", Key: key, Body: "content", Metadata: { "two-words": "x  y" } }),
    );
    const put = recorder("s3").calls.at(-1);
    expect([put?.method, put?.path, put?.body.toString()]).toEqual(["PUT", `/box/${key}`, "content"]);
    const streamed = Readable.from([Buffer.alloc(100_000, "a"), Buffer.from("end")]);
    await s3.send(new PutObjectCommand({ Bucket: "box", Key: "k", Body: streamed, ContentLength: 100_003 }));
    const sent = recorder("s3").calls.at(-1);
    expect([sent?.headers["x-amz-content-sha256"], sent?.body.length, sent?.body.toString().slice(-4)]).toEqual([
      "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
      100_003,
      "aend",
    ]);
    recorder("s3").answer = new AwsFault("NoSuchKey", 'no <"key"> & such', 404, { Key: key });
    await expect(s3.send(new GetObjectCommand({ Bucket: "box", Key: key, VersionId: "v 1" }))).rejects.toMatchObject({
      name: "NoSuchKey",
      message: 'no <"key"> & such',
    });
    expect(recorder("s3").calls.at(-1)?.query.get("versionId")).toBe("v 1");
    recorder("s3").answer = { status: 200, headers: { "content-length": "4711" } };
    expect((await s3.send(new HeadObjectCommand({ Bucket: "box", Key: "k" }))).ContentLength).toBe(4711);
    recorder("s3").answer = new AwsFault("NotFound", "", 404);
    await expect(s3.send(new HeadObjectCommand({ Bucket: "box", Key: "k" }))).rejects.toMatchObject({
      name: "NotFound",
    });
  });

  it("names a service that does not run, hides what went wrong inside", async () => {
    const converse = new ConverseCommand({ modelId: "m", messages: [{ role: "user", content: [{ text: "x" }] }] });
    await expect(new BedrockRuntimeClient(bareSettings()).send(converse)).rejects.toMatchObject({
      name: "UnknownOperationException",
      message: "the local cloud does not run the service bedrock",
    });
    recorder("dynamodb").answer = {
      status: 200,
      body: {
        get TableNames(): never {
          throw new Error("secret detail");
        },
      },
    };
    await expect(new DynamoDBClient(bareSettings()).send(new ListTablesCommand({}))).rejects.toMatchObject({
      name: "InternalFailure",
      message: expect.not.stringContaining("secret detail"),
    });
  });

  it("refuses a body beyond the limit", async () => {
    const huge = new LambdaClient(bareSettings()).send(
      new InvokeCommand({ FunctionName: "x", Payload: Buffer.alloc(33 * 1024 * 1024, 32) }),
    );
    await expect(huge).rejects.toMatchObject({ $metadata: { httpStatusCode: 413 } });
  });
});

describe("the web side", () => {
  it("answers the console to loopback names only, and 404 for the rest", async () => {
    expect(await (await fetch(`${cloud.endpoint}/console`)).text()).toBe("console for anyone");
    expect((await fetch(`${cloud.endpoint}/else`)).status).toBe(404);
    const { port } = new URL(cloud.endpoint);
    const status = await new Promise((done) => {
      import("node:http").then(({ get }) =>
        get({ port, host: "127.0.0.1", path: "/console", headers: { host: "evil.example:80" } }, (response) =>
          done(response.statusCode),
        ),
      );
    });
    expect(status).toBe(421);
  });

  it("refuses a request with an incomplete signature instead of taking it for an unsigned one", async () => {
    const response = await fetch(`${cloud.endpoint}/console`, {
      headers: { authorization: "AWS4-HMAC-SHA256 Credential=x" },
    });
    expect(response.status).toBe(403);
  });
});

it("garbage on the port ends its own connection and nothing else", async () => {
  const { port } = new URL(cloud.endpoint);
  for (const garbage of [
    "PRI garbage\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\u0000\u00ff\u00ff\u00ff",
    "\u0000\u0001",
    "GET / HTTP/9\r\n\r\n",
    "GET http://[ HTTP/1.1\r\nhost: localhost\r\n\r\n",
  ]) {
    await new Promise<void>((done) => {
      const socket = connect(Number(port), "127.0.0.1", () => socket.end(Buffer.from(garbage, "latin1")));
      socket
        .on("error", () => {})
        .on("close", () => done())
        .resume();
    });
  }
  expect((await fetch(`${cloud.endpoint}/console`)).status).toBe(200);
});

describe("starting", () => {
  it("says how to get past a taken port", async () => {
    const other = createServer();
    await new Promise<void>((done) => other.listen(0, "127.0.0.1", done));
    const address = other.address();
    const port = address !== null && typeof address === "object" ? address.port : 0;
    await expect(startCloud({ assembly: fixture.folder, port })).rejects.toMatchObject({
      code: "CS-4001",
      message: `port ${port} is taken by another process; stop it or run \`npm start -- --port ${port + 100}\``,
    });
    other.close();
  });

  it("knows only the roles of the templates, and only its stacks", () => {
    expect(() => cloud.credentialsFor("arn:aws:iam::111111111111:role/absent")).toThrow(
      expect.objectContaining({ code: "CS-4003" }),
    );
    expect(() => cloud.outputs("absent")).toThrow(expect.objectContaining({ code: "CS-4004" }));
    expect(cloud.outputs("flow-dev")).toEqual({ Same: OPERATOR });
  });
});
