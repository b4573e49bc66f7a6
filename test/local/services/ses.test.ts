import { appendFileSync, statSync } from "node:fs";
import { join } from "node:path";
import {
  ListContactListsCommand,
  SESv2Client,
  SendEmailCommand,
  type SendEmailCommandInput,
} from "@aws-sdk/client-sesv2";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseRawMail, splitAddresses } from "../../../lib/local/services/ses/mime.js";
import { createSesEngine } from "../../../lib/local/services/ses.js";
import { create, type ServedEngine, serve, type TestCloud, temporaryFolder, testCloud } from "./harness.js";

const SIMPLE = {
  FromEmailAddress: "Countersign <Desk@example.com>",
  Destination: { ToAddresses: ["ann@example.com"], BccAddresses: ["bob@example.com"] },
  Content: {
    Simple: {
      Subject: { Data: "Approve a refund of €420" },
      Body: { Text: { Data: "code 123" }, Html: { Data: "<p>code 123</p>", Charset: "UTF-8" } },
    },
  },
} satisfies SendEmailCommandInput;

describe("ses engine", () => {
  let cloud: TestCloud;
  let engine: ReturnType<typeof createSesEngine>;
  let served: ServedEngine;
  let client: SESv2Client;

  beforeEach(async () => {
    cloud = testCloud();
    engine = createSesEngine(cloud.ctx);
    served = await serve(engine);
    client = new SESv2Client(served.config());
  });
  afterEach(async () => {
    client.destroy();
    await served.close();
  });
  const send = (change: Partial<SendEmailCommandInput> = {}) =>
    client.send(new SendEmailCommand({ ...SIMPLE, ...change }));

  it("captures a mail instead of sending it", async () => {
    const { MessageId } = await send({ EmailTags: [{ Name: "run", Value: "r1" }] });
    expect(engine.mailbox.list()).toEqual([
      {
        id: MessageId,
        at: "2026-11-21T09:00:00.000Z",
        from: "Countersign <Desk@example.com>",
        to: ["ann@example.com"],
        cc: [],
        bcc: ["bob@example.com"],
        replyTo: [],
        subject: "Approve a refund of €420",
        text: "code 123",
        html: "<p>code 123</p>",
      },
    ]);
    await engine.reset();
    expect(engine.mailbox.list()).toEqual([]);
  });

  it("reads raw messages", async () => {
    const raw = [
      "From: desk@example.com",
      "To: Ann <ann@example.com>,",
      ' "Bob, Jr" <bob@example.com>',
      "Subject: =?utf-8?Q?Erstattung_=E2=82=AC?= =?utf-8?B?IDQyMA==?=",
      'Content-Type: multipart/alternative; boundary="b1"',
      "",
      "--b1",
      "Content-Type: text/plain; charset=utf-8",
      "Content-Transfer-Encoding: quoted-printable",
      "",
      "code=20123=20=",
      "and more",
      "--b1",
      "Content-Type: text/html; charset=utf-8",
      "Content-Transfer-Encoding: base64",
      "",
      Buffer.from("<p>€</p>").toString("base64"),
      "--b1--",
      "",
    ].join("\r\n");
    await client.send(new SendEmailCommand({ Content: { Raw: { Data: Buffer.from(raw) } } }));
    expect(engine.mailbox.list()[0]).toMatchObject({
      from: "desk@example.com",
      to: ["Ann <ann@example.com>", '"Bob, Jr" <bob@example.com>'],
      subject: "Erstattung € 420",
      text: "code 123 and more",
      html: "<p>€</p>",
    });
  });

  it("asks IAM for the identity that the template verifies, with sender and recipients", async () => {
    await create(engine, "AWS::SES::EmailIdentity", "Mail", {
      EmailIdentity: "Example.com",
      DkimAttributes: { SigningEnabled: true },
    });
    await send();
    expect(cloud.iam.last("ses:SendEmail")).toMatchObject({
      resource: "arn:aws:ses:eu-central-1:111111111111:identity/Example.com",
      context: {
        "ses:FromAddress": "Desk@example.com",
        "ses:FromDisplayName": "Countersign",
        "ses:Recipients": ["ann@example.com", "bob@example.com"],
      },
    });
    cloud.iam.refuse((question) => question.resource.endsWith("/Example.com"));
    await expect(send()).rejects.toMatchObject({ name: "AccessDeniedException" });
    expect(engine.mailbox.list()).toHaveLength(1);
  });

  it("takes a grant on address or domain when the identity was verified by hand", async () => {
    cloud.iam.refuse((question) => question.resource.endsWith("/Desk@example.com"));
    await send();
    cloud.iam.refuse((question) => question.resource.endsWith("/example.com"));
    await expect(send()).rejects.toMatchObject({ name: "AccessDeniedException" });
  });

  it.each<[string, Partial<SendEmailCommandInput>, RegExp]>([
    ["no recipient", { Destination: {} }, /1 to 50 recipients/],
    [
      "a line break in a subject",
      { Content: { Simple: { ...SIMPLE.Content.Simple, Subject: { Data: "a\r\nBcc: x@y.z" } } } },
      /one line/,
    ],
    ["an empty body", { Content: { Simple: { Subject: { Data: "a" }, Body: {} } } }, /Text or Html/],
    ["a template", { Content: { Template: { TemplateName: "t" } } }, /Content/],
    ["a configuration set", { ConfigurationSetName: "c" }, /CS-4036 .*ConfigurationSetName/],
    [
      "a raw mail without sender",
      { FromEmailAddress: undefined, Content: { Raw: { Data: Buffer.from("Subject: a\n\nb") } } },
      /no From/,
    ],
  ])("refuses %s", async (_name, change, message) => {
    await expect(send(change)).rejects.toThrow(message);
    expect(engine.mailbox.list()).toEqual([]);
  });

  it("refuses other operations and properties", async () => {
    await expect(client.send(new ListContactListsCommand({}))).rejects.toThrow(/CS-4035/);
    await expect(
      create(engine, "AWS::SES::EmailIdentity", "M", { EmailIdentity: "a.b", ConfigurationSetAttributes: {} }),
    ).rejects.toMatchObject({ code: "CS-4030" });
  });

  it("keeps mail in the data folder for its owner alone", async () => {
    const folder = temporaryFolder();
    try {
      const first = createSesEngine(testCloud({ dataDir: folder.path }).ctx);
      const server = await serve(first);
      await new SESv2Client(server.config()).send(new SendEmailCommand(SIMPLE));
      await server.close();
      const path = join(folder.path, "mail.jsonl");
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect(createSesEngine(testCloud({ dataDir: folder.path }).ctx).mailbox.list()).toEqual(first.mailbox.list());
      appendFileSync(path, '{"id":1}\n');
      expect(() => createSesEngine(testCloud({ dataDir: folder.path }).ctx)).toThrow(/line 2 is damaged/);
    } finally {
      folder.remove();
    }
  });
});

describe("raw mail", () => {
  it("never throws, whatever the bytes", () => {
    const line = fc.constantFrom(
      "Content-Type: multipart/mixed; boundary=x",
      "--x",
      "--x--",
      "",
      "Subject: =?q?Q?=ZZ?=",
      "Content-Transfer-Encoding: base64",
      "=",
      "a:b",
    );
    fc.assert(
      fc.property(
        fc.array(fc.oneof(line, fc.string()), { maxLength: 30 }),
        (lines) => parseRawMail(Buffer.from(lines.join("\r\n"))) !== undefined,
      ),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => parseRawMail(Buffer.from(bytes)) !== undefined),
    );
  });

  it("splits addresses in linear time: with another this would not end", () => {
    const open = [`"${"a".repeat(1_000_000)}`, "<".repeat(1_000_000)];
    for (const text of open) expect(splitAddresses(text)).toEqual([text]);
  });
});
