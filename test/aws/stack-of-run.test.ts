/** What the tests on AWS make of CloudFormation's answers. They are written by hand: the local cloud makes no stacks by a call. */
import { createServer, type Server } from "node:http";
import { CloudFormationClient } from "@aws-sdk/client-cloudformation";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { queryReply } from "../../lib/local/wire/render.js";
import { toXml, type XmlValue } from "../../lib/local/wire/xml.js";
import { createStack, readStack } from "../../scripts/test-aws-stack.js";
import { INLINE, stackOutputs, stackTemplate } from "../../scripts/test-aws-template.js";

const RUN = "countersign-test-20301231235959-0a1b2c";
const ID = `arn:aws:cloudformation:eu-central-1:111111111111:stack/${RUN}/8f0c`;
const outputs = Object.fromEntries(Object.keys(stackOutputs.shape).map((name) => [name, `the ${name}`]));

/** The stack's status after it was asked for, and after its deletion. */
let after = { create: "CREATE_COMPLETE", delete: "DELETE_COMPLETE" };
let status = "";
let asked: URLSearchParams[] = [];
let said: string[] = [];
let server: Server;
let client: CloudFormationClient;

const answers: Readonly<Record<string, () => Readonly<Record<string, XmlValue>>>> = {
  CreateStack: () => {
    status = after.create;
    return { StackId: ID };
  },
  DeleteStack: () => {
    status = after.delete;
    return {};
  },
  DescribeStacks: () => {
    const member = Object.entries(outputs).map(([OutputKey, OutputValue]) => ({ OutputKey, OutputValue }));
    const stack = { StackId: ID, StackName: RUN, CreationTime: "2030-12-31T23:59:59Z", StackStatus: status };
    return { Stacks: { member: [{ ...stack, Outputs: { member } }] } };
  },
  DescribeStackEvents: () => {
    const event = (LogicalResourceId: string, ResourceStatusReason: string) => ({
      LogicalResourceId,
      ResourceStatus: status,
      ResourceStatusReason,
    });
    return { StackEvents: { member: [event("Machine", "cancelled"), event("Key", "not allowed")] } };
  },
};
beforeAll(async () => {
  server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const parameters = new URLSearchParams(body);
    asked.push(parameters);
    const action = parameters.get("Action") ?? "";
    const members = Object.entries(answers[action]?.() ?? {}).map(([name, value]) => toXml(name, value));
    response.writeHead(200, { "content-type": "text/xml" });
    response.end(queryReply("cloudformation", action, members.join("")).body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  client = new CloudFormationClient({
    region: "eu-central-1",
    endpoint: `http://127.0.0.1:${address.port}`,
    credentials: { accessKeyId: "a", secretAccessKey: "s" },
    maxAttempts: 1,
  });
});
afterAll(() => {
  client.destroy();
  server.close();
});
beforeEach(() => {
  after = { create: "CREATE_COMPLETE", delete: "DELETE_COMPLETE" };
  asked = [];
  said = [];
});
const actions = () => asked.map((parameters) => parameters.get("Action"));
const create = (stop = new AbortController().signal) => createStack(client, RUN, (line) => said.push(line), stop);

it("makes the stack of the template with roles in it, reads its outputs, and removes it by its id", async () => {
  const stack = await create();
  expect(stack.outputs).toEqual(outputs);
  const [made] = asked;
  expect(JSON.parse(made?.get("TemplateBody") ?? "")).toEqual(stackTemplate(INLINE));
  expect(made?.get("StackName")).toBe(RUN);
  expect(made?.get("Capabilities.member.1")).toBe("CAPABILITY_IAM");
  expect(made?.get("Tags.member.1.Value")).toBe(RUN);
  await stack.remove();
  expect(actions()).toEqual(["CreateStack", "DescribeStacks", "DescribeStacks", "DeleteStack", "DescribeStacks"]);
  expect(asked.slice(1).map((parameters) => parameters.get("StackName"))).toEqual([ID, ID, ID, ID]);
  expect(said).toEqual([`+ stack ${RUN} (takes about two minutes)`, `- stack ${RUN}`]);
});

it("says why it could not be made, and removes what is there of it", async () => {
  after.create = "CREATE_FAILED";
  await expect(create()).rejects.toMatchObject({
    code: "CS-5091",
    message: expect.stringMatching(/not created: Key: not allowed; Machine: cancelled$/),
  });
  expect(actions()).toContain("DeleteStack");
  expect(said.at(-1)).toBe(`- stack ${RUN}`);
});

it("removes it when it is interrupted while it waits", async () => {
  after.create = "CREATE_IN_PROGRESS";
  const stop = new AbortController();
  const refused = expect(create(stop.signal)).rejects.toThrow(/not created: interrupted$/);
  await expect.poll(actions).toContain("DescribeStacks");
  stop.abort();
  await refused;
  expect(said.at(-1)).toBe(`- stack ${RUN}`);
});

it("names a stack that stays", async () => {
  after.delete = "DELETE_FAILED";
  const stack = await create();
  await expect(stack.remove()).rejects.toMatchObject({
    code: "CS-5091",
    message: expect.stringMatching(/^still there: stack .*: Key: not allowed; Machine: cancelled; delete it by hand$/),
  });
  expect(said).not.toContain(`- stack ${RUN}`);
});

it("reads no stack that is made of something else", async () => {
  status = "CREATE_COMPLETE";
  const { KeyArn, ...others } = outputs;
  delete outputs.KeyArn;
  await expect(readStack(client, "other")).rejects.toThrow(
    /stack other: its outputs cannot be read: it has no output KeyArn; /,
  );
  Object.assign(outputs, { KeyArn, ...others });
});
