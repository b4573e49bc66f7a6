/** Starts a run as people and systems do: a signed request to the HTTP API. */
import { Sha256 } from "@aws-crypto/sha256-js";
import { fromNodeProviderChain } from "@aws-sdk/credential-providers";
import { HttpRequest } from "@smithy/protocol-http";
import { SignatureV4 } from "@smithy/signature-v4";
import type * as z from "zod";
import { CountersignError } from "../errors.js";
import { admitAnswer, type admitRequest, errorAnswer } from "../run/protocol.js";
import type { ClientOptions, Connection } from "./connection.js";

export type StartRequest = z.input<typeof admitRequest>;

/** Asks the workflow's front door to admit a run. A refusal is CS-5008 with the front door's code, reason and checks. */
export async function startRun(
  connection: Connection,
  workflow: string,
  request: StartRequest,
): Promise<z.output<typeof admitAnswer>> {
  const { ApiEndpoint } = await connection.workflow(workflow);
  const answer = await signedPost(new URL(`/runs/${workflow}`, ApiEndpoint), request, connection.client("requester"));
  const body: unknown = await answer.json().catch(() => undefined);
  const admitted = admitAnswer.safeParse(body);
  if (answer.ok && admitted.success) return admitted.data;
  throw refusal(`run start ${workflow}`, answer.status, body);
}

/** An HTTP refusal with its own code and message; without them, CS-5008 with the status. */
export function refusal(what: string, status: number, body: unknown): CountersignError {
  const refused = errorAnswer.safeParse(body);
  if (!refused.success)
    return new CountersignError("CS-5008", `${what}: refused with HTTP status ${status}`, { status });
  const { code, message, ...details } = refused.data;
  return new CountersignError(code, message, { status, ...details });
}

/** Signed with the caller's AWS identity. */
export async function signedPost(url: URL, body: unknown, options: ClientOptions): Promise<Response> {
  const region =
    options.region ?? /\.execute-api\.([a-z0-9-]+)\./.exec(url.hostname)?.[1] ?? process.env.AWS_REGION ?? "";
  const signer = new SignatureV4({
    service: "execute-api",
    region,
    credentials: options.credentials ?? fromNodeProviderChain(),
    sha256: Sha256,
  });
  const text = JSON.stringify(body);
  const signed = await signer.sign(
    new HttpRequest({
      method: "POST",
      protocol: url.protocol,
      hostname: url.hostname,
      ...(url.port === "" ? {} : { port: Number(url.port) }),
      path: url.pathname,
      headers: { host: url.host, "content-type": "application/json" },
      body: text,
    }),
  );
  return fetch(url, { method: "POST", headers: signed.headers, body: text, redirect: "error" });
}
