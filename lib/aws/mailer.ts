/** Sends one mail. Needs `ses:SendEmail` on the sender's identity. */
import { type SESv2Client, SendEmailCommand } from "@aws-sdk/client-sesv2";

export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}
export interface Mailer {
  /** The message's id, by which it can be found again. */
  send(mail: Mail): Promise<string>;
}

export function sesMailer(client: SESv2Client, from: string): Mailer {
  return {
    async send({ to, subject, text, html }) {
      const { MessageId } = await client.send(
        new SendEmailCommand({
          FromEmailAddress: from,
          Destination: { ToAddresses: [to] },
          Content: {
            Simple: {
              Subject: { Data: subject, Charset: "UTF-8" },
              Body: { Text: { Data: text, Charset: "UTF-8" }, Html: { Data: html, Charset: "UTF-8" } },
            },
          },
        }),
      );
      return MessageId ?? "";
    },
  };
}
