/** The ports to services other than tables and buckets; those with an engine here are asked through the SDK. */

import { KMSClient } from "@aws-sdk/client-kms";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { PutSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import {
  DescribeExecutionCommand,
  SendTaskSuccessCommand,
  SFNClient,
  StartExecutionCommand,
} from "@aws-sdk/client-sfn";
import {
  BatchGetPolicyCommand,
  IsAuthorizedCommand,
  VerifiedPermissionsClient,
} from "@aws-sdk/client-verifiedpermissions";
import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { readSource, verifiedPermissions } from "../../lib/aws/authorizer.js";
import { readEnv, toolEnv } from "../../lib/aws/env.js";
import { sfnExecutions } from "../../lib/aws/executions.js";
import { lambdaPreviews } from "../../lib/aws/previews.js";
import { awsSecrets, SECRET_CACHE_MS } from "../../lib/aws/secrets.js";
import { kmsTokenSealer, sfnTokenAnswerer } from "../../lib/aws/task-tokens.js";
import { createKmsEngine } from "../../lib/local/services/kms.js";
import { create, serve, testCloud } from "../local/services/harness.js";

const region = "eu-central-1";
const named = (name: string) => Object.assign(new Error(name), { name });
/** A client whose `send` answers as given, and the commands it was sent. */
function scripted<C extends { send: unknown }>(
  client: C,
  answer: (command: object) => unknown,
): { client: C; sent: object[] } {
  const sent: object[] = [];
  Reflect.set(client, "send", async (command: object) => {
    sent.push(command);
    return answer(command);
  });
  return { client, sent };
}
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

describe("the authorizer", () => {
  const request = {
    principal: { entityType: "B::Agent", entityId: "a" },
    action: { actionType: "B::Action", actionId: "stripe.refund" },
    resource: { entityType: "B::Customer", entityId: "cus_9" },
    context: { approvals: 1 },
    entities: [],
  };
  test("sends Cedar JSON, names policies by their @id, asks for each text once, and hands errors on", async () => {
    const { client, sent } = scripted(new VerifiedPermissionsClient({ region }), (command) =>
      command instanceof IsAuthorizedCommand
        ? {
            decision: "ALLOW",
            determiningPolicies: [{ policyId: "p1" }, { policyId: "gone" }],
            errors: [{ errorDescription: "overflow" }],
          }
        : {
            results: [
              {
                policyId: "p1",
                definition: {
                  static: {
                    statement: '@id("refund_threshold") @reason("one person")\npermit (principal, action, resource);',
                  },
                },
              },
            ],
          },
    );
    const authorizer = verifiedPermissions(client, "store");
    const verdict = await authorizer.ask(request);
    expect(verdict).toEqual({
      allowed: true,
      determining: [
        { id: "refund_threshold", reason: "one person", text: expect.stringContaining("permit") },
        { id: "gone", reason: "", text: "" },
      ],
      errors: ["overflow"],
    });
    await authorizer.ask(request);
    const [asked] = sent;
    expect(asked instanceof IsAuthorizedCommand && asked.input).toMatchObject({
      context: { cedarJson: '{"approvals":1}' },
      entities: { cedarJson: "[]" },
      action: request.action,
    });
    const looked = sent.flatMap((command) =>
      command instanceof BatchGetPolicyCommand ? (command.input.requests ?? []) : [],
    );
    expect(looked.map(({ policyId }) => policyId)).toEqual(["p1", "gone", "gone"]);
  });
  test("anything that is not ALLOW is a denial", async () => {
    for (const decision of ["DENY", undefined, "MAYBE"]) {
      const { client } = scripted(new VerifiedPermissionsClient({ region }), () => ({ decision }));
      expect((await verifiedPermissions(client, "store").ask(request)).allowed).toBe(false);
    }
  });
  test("reads annotations and comments, not what looks like them elsewhere", () => {
    const text =
      '// permit (everything) @id("no")\n@reason("says \\"why\\" (twice)")\n// more\n@id("real") permit (principal, action, resource) when { context.a == "@id(\\"fake\\")" };';
    expect(readSource("p", text)).toEqual({ id: "real", reason: 'says "why" (twice)', text });
    expect(readSource("p", "// two people decide\nforbid (principal, action, resource);")).toMatchObject({
      id: "p",
      reason: "two people decide",
    });
    expect(readSource("p", "permit (principal, action, resource);")).toMatchObject({ id: "p", reason: "" });
    fc.assert(fc.property(fc.string(), (any) => readSource("p", any).text === any.trim()));
  });
});

describe("previews", () => {
  const ask = (answer: object) => {
    const { client, sent } = scripted(new LambdaClient({ region }), () => answer);
    return {
      answer: lambdaPreviews(client, "x-preview-").ask("stripe.refund", {
        run_id: "r",
        tenant: "t",
        step: "1.proposal",
        args: {},
      }),
      sent,
    };
  };
  const payload = (value: string) => ({ Payload: Buffer.from(value) });
  test("go to the tool's own function, and only a preview is one", async () => {
    const preview = { before: {}, after: { a: 1 }, notes: [] };
    const { answer, sent } = ask(payload(JSON.stringify({ status: "ok", preview })));
    expect(await answer).toEqual({ status: "ok", preview });
    expect(sent[0] instanceof InvokeCommand && sent[0].input.FunctionName).toBe("x-preview-stripe-refund");
    for (const text of [
      "",
      "{",
      "null",
      '{"status":"ok"}',
      '{"status":"ok","preview":{"before":{},"after":{},"notes":[],"permit":1}}',
    ])
      expect(await ask(payload(text)).answer).toMatchObject({ status: "error", error: { code: "preview_malformed" } });
    expect(await ask({ FunctionError: "Unhandled", ...payload('{"errorMessage":"secret"}') }).answer).toEqual({
      status: "error",
      error: { code: "preview_failed", message: "the preview function failed" },
    });
  });
});

describe("task tokens", () => {
  const ref = { workflow: "billing-dispute", approvalId: "ap_1" };
  async function keys() {
    const engine = createKmsEngine(testCloud().ctx);
    const policy = {
      Version: "2012-10-17",
      Statement: [
        { Effect: "Allow", Principal: { AWS: "arn:aws:iam::111111111111:root" }, Action: "kms:*", Resource: "*" },
      ],
    };
    const { attributes } = await create(engine, "AWS::KMS::Key", "Token", { KeyPolicy: policy });
    const server = await serve(engine);
    const client = new KMSClient(server.config());
    closing.push(async () => {
      client.destroy();
      await server.close();
    });
    return { client, arn: String(attributes.Arn) };
  }
  test("are sealed, open for their own approval alone, and are answered with nothing of ours", async () => {
    const { client, arn } = await keys();
    const sealed = await kmsTokenSealer(client, arn).seal(ref, "the-task-token");
    expect(Buffer.from(sealed, "base64").toString("latin1")).not.toContain("the-task-token");
    const { client: sfn, sent } = scripted(new SFNClient({ region }), () => ({}));
    const answerer = sfnTokenAnswerer(client, arn, sfn);
    expect(await answerer.answer(ref, sealed)).toBe("answered");
    expect(sent[0] instanceof SendTaskSuccessCommand && sent[0].input).toEqual({
      taskToken: "the-task-token",
      output: "{}",
    });
    for (const other of [
      { ...ref, approvalId: "ap_2" },
      { ...ref, workflow: "other" },
    ])
      await expect(answerer.answer(other, sealed)).rejects.toThrow();
    expect(sent).toHaveLength(1);
  });
  test("that are over are gone; other failures are failures", async () => {
    const { client, arn } = await keys();
    const sealed = await kmsTokenSealer(client, arn).seal(ref, "t");
    const failing = (error: Error) => {
      const { client: sfn } = scripted(new SFNClient({ region }), () => {
        throw error;
      });
      return sfnTokenAnswerer(client, arn, sfn).answer(ref, sealed);
    };
    for (const name of ["TaskTimedOut", "TaskDoesNotExist"]) expect(await failing(named(name))).toBe("gone");
    await expect(failing(named("ThrottlingException"))).rejects.toThrow("ThrottlingException");
  });
});

describe("executions", () => {
  const machine = "arn:aws:states:eu-central-1:1:stateMachine:m";
  const answering = (answer: (command: object) => unknown) => {
    const { client, sent } = scripted(new SFNClient({ region }), answer);
    return { executions: sfnExecutions(client, machine), sent };
  };
  test("are named after the run, and starting one twice is starting it", async () => {
    const { executions, sent } = answering(() => {
      throw named("ExecutionAlreadyExists");
    });
    await executions.start("bd-1", { tenant: "acme", turn: 1 });
    expect(sent[0] instanceof StartExecutionCommand && sent[0].input).toEqual({
      stateMachineArn: machine,
      name: "bd-1",
      input: '{"tenant":"acme","turn":1}',
    });
    expect(executions.arnOf("bd-1")).toBe("arn:aws:states:eu-central-1:1:execution:m:bd-1");
    const failing = answering(() => {
      throw named("InvalidName");
    });
    await expect(failing.executions.start("x", {})).rejects.toThrow("InvalidName");
  });
  test("tell their status; none is null, and one that waits for a redrive runs", async () => {
    const status = (answer: () => unknown) =>
      answering((command) => (command instanceof DescribeExecutionCommand ? answer() : {})).executions.status("arn");
    expect(await status(() => ({ status: "ABORTED" }))).toBe("ABORTED");
    expect(await status(() => ({ status: "PENDING_REDRIVE" }))).toBe("RUNNING");
    const missing = () => {
      throw named("ExecutionDoesNotExist");
    };
    expect(await status(missing)).toBeNull();
  });
});

describe("secrets", () => {
  test("are kept for five minutes and then read again", async () => {
    let value = "one";
    let nowMs = 0;
    const { client, sent } = scripted(new SecretsManagerClient({ region }), () => ({ SecretString: value }));
    const secrets = awsSecrets(client, "countersign/dev/", () => nowMs);
    expect(await secrets.read("key")).toBe("one");
    value = "two";
    nowMs = SECRET_CACHE_MS - 1;
    expect(await secrets.read("key")).toBe("one");
    nowMs += 1;
    expect(await secrets.read("key")).toBe("two");
    expect(sent).toHaveLength(2);
    expect(sent.some((command) => command instanceof PutSecretValueCommand)).toBe(false);
    const { client: binary } = scripted(new SecretsManagerClient({ region }), () => ({
      SecretBinary: new Uint8Array(1),
    }));
    await expect(awsSecrets(binary, "p/", () => 0).read("key")).rejects.toThrow("p/key is not a text");
  });
});

test("an environment that lacks something is named, without its values", () => {
  const source = { WORKFLOW: "w", STAGE: "dev", TOOL: "", RUN_LOG_TABLE: "secret-table" };
  expect(() => readEnv(toolEnv, source)).toThrow(/CONTROL_TABLE/);
  expect(() => readEnv(toolEnv, source)).toThrow(
    expect.objectContaining({ code: "CS-3401", message: expect.not.stringContaining("secret-table") }),
  );
  vi.restoreAllMocks();
});
