import type { AwsFault, AwsReply } from "../types.js";
import { escapeXml } from "./xml.js";

/** How a service writes requests and answers. */
export type Protocol = "json-1.0" | "json-1.1" | "rest-json" | "rest-xml" | "query";

const PROTOCOLS: Readonly<Record<string, Protocol>> = {
  dynamodb: "json-1.0",
  states: "json-1.0",
  verifiedpermissions: "json-1.0",
  kms: "json-1.1",
  secretsmanager: "json-1.1",
  events: "json-1.1",
  logs: "json-1.1",
  s3: "rest-xml",
  sts: "query",
  cloudformation: "query",
};
/** The protocol of a signing name; the rest (lambda, bedrock, ses, scheduler, execute-api) speak REST-JSON. */
export const protocolOf = (service: string): Protocol => PROTOCOLS[service] ?? "rest-json";

const CONTENT_TYPES: Readonly<Record<Protocol, string>> = {
  "json-1.0": "application/x-amz-json-1.0",
  "json-1.1": "application/x-amz-json-1.1",
  "rest-json": "application/json",
  "rest-xml": "application/xml",
  query: "text/xml",
};
const QUERY_NAMESPACES: Readonly<Record<string, string>> = {
  sts: "https://sts.amazonaws.com/doc/2011-06-15/",
  cloudformation: "http://cloudformation.amazonaws.com/doc/2010-05-15/",
};

/** An answer ready for the wire. */
export interface WireReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** An engine's answer in its protocol. */
export function renderReply(service: string, reply: AwsReply, requestId: string): WireReply {
  const { body = "" } = reply;
  const headers: Record<string, string> = { "x-amzn-requestid": requestId };
  if (service === "s3") headers["x-amz-request-id"] = requestId;
  let bytes: Buffer;
  if (Buffer.isBuffer(body)) bytes = body;
  else if (typeof body === "string") bytes = Buffer.from(body);
  else bytes = Buffer.from(JSON.stringify(body));
  if (bytes.length > 0) headers["content-type"] = CONTENT_TYPES[protocolOf(service)];
  for (const [name, value] of Object.entries(reply.headers ?? {})) headers[name.toLowerCase()] = value;
  return { status: reply.status, headers, body: bytes };
}

/** A fault in the service's protocol, so that its SDK client throws the right exception. */
export function renderFault(service: string, fault: AwsFault, requestId: string): WireReply {
  const protocol = protocolOf(service);
  if (protocol === "rest-xml") {
    const code = S3_CODES[fault.code] ?? fault.code;
    const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${escapeXml(code)}</Code><Message>${escapeXml(fault.message)}</Message>${xmlMembers(fault)}<RequestId>${requestId}</RequestId></Error>`;
    return renderReply(service, { status: fault.status, body }, requestId);
  }
  if (protocol === "query") {
    const type = fault.status < 500 ? "Sender" : "Receiver";
    const code = QUERY_CODES[fault.code] ?? fault.code;
    const body = `<ErrorResponse xmlns="${QUERY_NAMESPACES[service] ?? ""}"><Error><Type>${type}</Type><Code>${escapeXml(code)}</Code><Message>${escapeXml(fault.message)}</Message></Error><RequestId>${requestId}</RequestId></ErrorResponse>`;
    return renderReply(service, { status: fault.status, body }, requestId);
  }
  const headers = protocol === "rest-json" ? { "x-amzn-errortype": fault.code } : {};
  // Clients read `message`; a few older shapes read `Message`.
  const body = { __type: fault.code, message: fault.message, Message: fault.message, ...fault.members };
  return renderReply(service, { status: fault.status, headers, body }, requestId);
}

/** The answer of a query-protocol operation: `<OpResponse><OpResult>…`. */
export function queryReply(service: string, operation: string, resultXml: string): AwsReply {
  const body = `<${operation}Response xmlns="${QUERY_NAMESPACES[service] ?? ""}"><${operation}Result>${resultXml}</${operation}Result><ResponseMetadata><RequestId>local</RequestId></ResponseMetadata></${operation}Response>`;
  return { status: 200, body };
}

const xmlMembers = (fault: AwsFault): string =>
  Object.entries(fault.members)
    .map(([name, value]) => `<${name}>${escapeXml(String(value))}</${name}>`)
    .join("");

/** What S3 and the query services call the faults that the wire and the IAM check throw. */
const S3_CODES: Readonly<Record<string, string>> = {
  AccessDeniedException: "AccessDenied",
  InvalidSignatureException: "SignatureDoesNotMatch",
  UnrecognizedClientException: "InvalidAccessKeyId",
  IncompleteSignatureException: "AuthorizationHeaderMalformed",
};
const QUERY_CODES: Readonly<Record<string, string>> = {
  AccessDeniedException: "AccessDenied",
  InvalidSignatureException: "SignatureDoesNotMatch",
  UnrecognizedClientException: "InvalidClientTokenId",
  IncompleteSignatureException: "IncompleteSignature",
};
