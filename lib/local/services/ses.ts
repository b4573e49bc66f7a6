/** Amazon SES v2: `SendEmail` captures the mail instead of sending it. */
import { randomUUID } from "node:crypto";
import * as z from "zod";
import {
  type AwsCall,
  AwsFault,
  type AwsReply,
  type CloudContext,
  type Engine,
  type ResourceFactory,
} from "../types.js";
import { type CapturedMail, Mailbox } from "./ses/mailbox.js";
import { parseRawMail } from "./ses/mime.js";
import { parseProperties } from "./support/properties.js";
import { base64Bytes, parseRequest, unknownOperation } from "./support/request.js";

export type { CapturedMail } from "./ses/mailbox.js";

const MAX_RECIPIENTS = 50;
/** 40 MB as encoded for transport: base64 makes four bytes of three */
const MAX_MESSAGE_BYTES = 40 * 1024 * 1024;
const INVALID = "BadRequestException";

/** No line breaks: an address or subject must not be able to add headers. */
const headerText = z.string().regex(/^[^\r\n]*$/, "must be one line");
const address = headerText.min(3).max(320).regex(/@/, "must be an e-mail address");
const addresses = z.array(address).max(MAX_RECIPIENTS).default([]);
const content = z.strictObject({ Data: z.string(), Charset: z.string().optional() });
const subject = z.strictObject({ Data: headerText, Charset: z.string().optional() });
const sendEmailRequest = z.strictObject({
  FromEmailAddress: address.optional(),
  Destination: z
    .strictObject({ ToAddresses: addresses, CcAddresses: addresses, BccAddresses: addresses })
    .default({ ToAddresses: [], CcAddresses: [], BccAddresses: [] }),
  ReplyToAddresses: addresses,
  Content: z.union([
    z.strictObject({
      Simple: z.strictObject({
        Subject: subject,
        Body: z.strictObject({ Text: content.optional(), Html: content.optional() }),
      }),
    }),
    z.strictObject({ Raw: z.strictObject({ Data: base64Bytes }) }),
  ]),
  /** Tags of a message only show in SES metrics, which do not exist here. */
  EmailTags: z.array(z.strictObject({ Name: z.string(), Value: z.string() })).optional(),
});
type SendEmail = z.output<typeof sendEmailRequest>;

/** Addresses and domains the template verifies, by their lower-case text: SES does not tell cases apart. */
type Identities = ReadonlyMap<string, string>;

const identityProperties = z.strictObject({ EmailIdentity: z.string().min(3).max(320) });
const INERT_IDENTITY = {
  DkimAttributes: "no mail leaves this machine, so none is signed",
  DkimSigningAttributes: "no mail leaves this machine, so none is signed",
  MailFromAttributes: "no mail leaves this machine, so none bounces",
  FeedbackAttributes: "no mail leaves this machine, so none bounces",
  Tags: "identities are not found by tag here",
};

export function createSesEngine(ctx: CloudContext): Engine & { readonly mailbox: Pick<Mailbox, "list"> } {
  const mailbox = new Mailbox(ctx);
  const identities = new Map<string, string>();
  return {
    service: "ses",
    mailbox,
    async handle(call): Promise<AwsReply> {
      if (call.method !== "POST" || call.path !== "/v2/email/outbound-emails")
        throw unknownOperation("ses", `${call.method} ${call.path}`, ["SendEmail"]);
      const request = parseRequest("ses", call.body, sendEmailRequest, INVALID);
      const mail = captured(ctx, request);
      authorize(ctx, call, identities, mail);
      assertSize(request);
      mailbox.add(mail);
      return { status: 200, body: { MessageId: mail.id } };
    },
    resources: { "AWS::SES::EmailIdentity": identityFactory(identities) },
    async reset() {
      mailbox.clear();
    },
    async close() {},
  };
}

function identityFactory(identities: Map<string, string>): ResourceFactory {
  return (request) => {
    const { EmailIdentity } = parseProperties(request, identityProperties, INERT_IDENTITY);
    identities.set(EmailIdentity.toLowerCase(), EmailIdentity);
    return { ref: EmailIdentity, attributes: {} };
  };
}

function captured(ctx: CloudContext, request: SendEmail): CapturedMail {
  const envelope = {
    id: randomUUID(),
    at: new Date(ctx.clock.now()).toISOString(),
    bcc: request.Destination.BccAddresses,
    replyTo: request.ReplyToAddresses,
  };
  const mail =
    "Raw" in request.Content ? fromRaw(request, request.Content.Raw.Data) : fromSimple(request, request.Content.Simple);
  const recipients = mail.to.length + mail.cc.length + envelope.bcc.length;
  if (recipients === 0 || recipients > MAX_RECIPIENTS)
    throw new AwsFault(INVALID, `a mail goes to 1 to ${MAX_RECIPIENTS} recipients, this one to ${recipients}`, 400);
  return { ...envelope, ...mail };
}

function assertSize({ Content: content }: SendEmail): void {
  const parts =
    "Raw" in content
      ? [content.Raw.Data]
      : [content.Simple.Subject, content.Simple.Body.Text, content.Simple.Body.Html].map((part) => part?.Data ?? "");
  const sizeBytes = Math.ceil(parts.reduce((sum, part) => sum + Buffer.byteLength(part), 0) / 3) * 4;
  if (sizeBytes > MAX_MESSAGE_BYTES)
    throw new AwsFault(INVALID, `the message has ${sizeBytes} bytes when encoded; SES takes ${MAX_MESSAGE_BYTES}`, 400);
}

type MailContent = Pick<CapturedMail, "from" | "to" | "cc" | "subject" | "text" | "html">;

function fromSimple(
  request: SendEmail,
  {
    Subject,
    Body,
  }: { Subject: { Data: string }; Body: { Text?: { Data: string } | undefined; Html?: { Data: string } | undefined } },
): MailContent {
  if (request.FromEmailAddress === undefined)
    throw new AwsFault(INVALID, "FromEmailAddress: a simple mail needs a sender", 400);
  if (Body.Text === undefined && Body.Html === undefined)
    throw new AwsFault(INVALID, "Content.Simple.Body: a mail needs Text or Html", 400);
  return {
    from: request.FromEmailAddress,
    to: request.Destination.ToAddresses,
    cc: request.Destination.CcAddresses,
    subject: Subject.Data,
    text: Body.Text?.Data ?? "",
    html: Body.Html?.Data ?? "",
  };
}

/** As on SES, the request's sender and recipients win over those of the message. */
function fromRaw(request: SendEmail, raw: Buffer): MailContent {
  const parsed = parseRawMail(raw);
  const { ToAddresses, CcAddresses, BccAddresses } = request.Destination;
  const named = ToAddresses.length + CcAddresses.length + BccAddresses.length > 0;
  const from = request.FromEmailAddress ?? parsed.from;
  if (!address.safeParse(from).success)
    throw new AwsFault(INVALID, "Content.Raw: the message has no From address", 400);
  return {
    from,
    to: named ? ToAddresses : [...parsed.to],
    cc: named ? CcAddresses : [...parsed.cc],
    subject: parsed.subject,
    text: parsed.text,
    html: parsed.html,
  };
}

/** `Name <a@b>` → name and address. */
function splitSender(from: string): { name: string; address: string } {
  const match = /^\s*(.*?)\s*<([^<>]+)>\s*$/.exec(from);
  return { name: (match?.[1] ?? "").replace(/^"|"$/g, ""), address: (match?.[2] ?? from).trim() };
}

/**
 * Asks for the identity that sends: the address or its domain, whichever the template verifies. When it verifies
 * neither, the identity was verified by hand and either grant will do.
 */
function authorize(ctx: CloudContext, call: AwsCall, identities: Identities, mail: CapturedMail): void {
  const sender = splitSender(mail.from);
  const domain = sender.address.slice(sender.address.lastIndexOf("@") + 1);
  const question = (identity: string) => ({
    caller: call.caller,
    action: "ses:SendEmail",
    resource: `arn:aws:ses:${ctx.region}:${ctx.accountId}:identity/${identity}`,
    context: {
      "ses:FromAddress": sender.address,
      "ses:FeedbackAddress": sender.address,
      "ses:Recipients": [...mail.to, ...mail.cc, ...mail.bcc].map((each) => splitSender(each).address),
      ...(sender.name !== "" && { "ses:FromDisplayName": sender.name }),
    },
  });
  const verified = identities.get(sender.address.toLowerCase()) ?? identities.get(domain.toLowerCase());
  const byHand = [sender.address, domain];
  if (verified === undefined && byHand.some((identity) => ctx.iam.evaluate(question(identity)).allowed)) return;
  ctx.iam.authorize(question(verified ?? sender.address));
}
