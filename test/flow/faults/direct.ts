/**
 * What an SDK client does with a command, without its middleware, which takes nine tenths of a call's time: the request in the service's
 * protocol, up to four attempts, and the answer or the exception. The services whose calls are few keep their real clients (host.ts).
 */
import { TransactionCanceledException } from "@aws-sdk/client-dynamodb";
import * as z from "zod";
import { ConnectionLost, type FaultSwitch } from "../../../lib/local/faults.js";
import { type AwsCall, AwsFault, type AwsReply, type Caller, type Engine } from "../../../lib/local/types.js";
import { renderFault, renderReply } from "../../../lib/local/wire/render.js";
import type { Environment } from "./host.js";

export interface Directly {
  readonly environment: Environment;
  readonly caller: Caller;
  readonly faults: FaultSwitch;
  readonly engine: (service: string) => Engine | undefined;
}
/** As every client's `send` takes it. */
interface Command {
  readonly input: object;
}
type Send = (command: Command) => Promise<unknown>;

const MAX_ATTEMPTS = 4;
/** What the SDK's standard retries take for "too busy". */
const BUSY = new Set([
  "ProvisionedThroughputExceededException",
  "RequestLimitExceeded",
  "SlowDown",
  "ThrottlingException",
  "TooManyRequestsException",
  "TransactionInProgressException",
]);
const BLOBS = new Set(["CiphertextBlob", "Plaintext"]);

/** The client with its calls made directly. */
export function directly<C extends object>(service: string, client: C, parts: Directly): C {
  const { caller } = parts;
  const callOf =
    service === "s3"
      ? (command: Command) => objectCall(caller, command)
      : (command: Command) => jsonCall(service, caller, command);
  const send: Send = async (command) => {
    const reply = await withRetries(parts, callOf(command));
    return service === "s3" ? objectAnswer(reply) : jsonAnswer(service, reply);
  };
  return Object.assign(client, { send });
}

async function withRetries(parts: Directly, call: AwsCall): Promise<AwsReply> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await answer(parts, call);
    } catch (error) {
      const again = error instanceof ConnectionLost || (error instanceof AwsFault && isPassing(error));
      if (attempt < MAX_ATTEMPTS && again) continue;
      throw error instanceof AwsFault || error instanceof ConnectionLost ? exceptionOf(call.service, error) : error;
    }
  }
}

const isPassing = ({ code, status }: AwsFault): boolean => status >= 500 || status === 429 || BUSY.has(code);

/** One attempt, while the environment is at work; one that was killed asks and hears nothing more. @throws AwsFault, ConnectionLost */
export async function answer({ environment, faults, engine }: Directly, call: AwsCall): Promise<AwsReply> {
  const target = engine(call.service);
  if (target === undefined) throw new Error(`there is no engine ${call.service}`);
  await environment.atWork();
  try {
    return await faults.call(environment, call, () => target.handle(call));
  } finally {
    await environment.atWork();
  }
}

/** As the SDK throws it: named after its code, with `$metadata`. */
function exceptionOf(service: string, error: AwsFault | ConnectionLost): Error {
  if (error instanceof ConnectionLost)
    return Object.assign(new Error("read ECONNRESET"), { name: "TimeoutError", code: "ECONNRESET", $metadata: {} });
  const { status, message, members } = error;
  const $metadata = { httpStatusCode: status };
  if (error.code === "TransactionCanceledException")
    return Object.assign(new TransactionCanceledException({ message, $metadata }), members);
  // In XML some codes have another name.
  const rendered = renderFault(service, error, "direct").body.toString("utf8");
  const name = service === "s3" ? (/<Code>(.*)<\/Code>/.exec(rendered)?.[1] ?? error.code) : error.code;
  return Object.assign(new Error(message), { name, $fault: status < 500 ? "client" : "server", $metadata, ...members });
}

function jsonCall(service: string, caller: Caller, command: Command): AwsCall {
  const operation = command.constructor.name.replace(/Command$/, "");
  return {
    service,
    caller,
    method: "POST",
    path: "/",
    query: new URLSearchParams(),
    headers: { "x-amz-target": `direct.${operation}` },
    // The others' inputs hold no bytes.
    body: Buffer.from(service === "kms" ? JSON.stringify(command.input, blobsAsBase64) : JSON.stringify(command.input)),
    operation,
  };
}

/** `this` is the object that holds it: what is passed has already been asked for its own form, and a Buffer has one. */
function blobsAsBase64(this: Readonly<Record<string, unknown>>, name: string, value: unknown): unknown {
  const held = this[name];
  return held instanceof Uint8Array ? Buffer.from(held).toString("base64") : value;
}

function jsonAnswer(service: string, reply: AwsReply): unknown {
  const text = renderReply(service, reply, "direct").body.toString("utf8");
  if (text === "") return {};
  const answer: unknown = service === "kms" ? JSON.parse(text, blobsAsBytes) : JSON.parse(text);
  return answer;
}

const blobsAsBytes = (name: string, value: unknown): unknown =>
  BLOBS.has(name) && typeof value === "string" ? Buffer.from(value, "base64") : value;

const objectInput = z.object({
  Bucket: z.string(),
  Key: z.string(),
  Body: z.instanceof(Uint8Array).optional(),
  ContentType: z.string().optional(),
  IfNoneMatch: z.string().optional(),
});

function objectCall(caller: Caller, command: Command): AwsCall {
  const { Bucket, Key, Body, ContentType, IfNoneMatch } = objectInput.parse(command.input);
  return {
    service: "s3",
    caller,
    method: command.constructor.name === "PutObjectCommand" ? "PUT" : "GET",
    path: `/${Bucket}/${Key}`,
    query: new URLSearchParams(),
    headers: {
      host: "127.0.0.1",
      ...(ContentType === undefined ? {} : { "content-type": ContentType }),
      ...(IfNoneMatch === undefined ? {} : { "if-none-match": IfNoneMatch }),
    },
    body: Buffer.from(Body ?? []),
  };
}

function objectAnswer(reply: AwsReply): object {
  const { body } = renderReply("s3", reply, "direct");
  return { Body: { transformToByteArray: async () => new Uint8Array(body) } };
}
