/** Mail that would have been sent, kept where only the developer reads it. */
import { join } from "node:path";
import * as z from "zod";
import type { CloudContext } from "../../types.js";
import { appendPrivateLine, readStoredLines, removeFile } from "../support/files.js";

const capturedMail = z.strictObject({
  /** the message id SES answered */
  id: z.string(),
  /** UTC ISO time */
  at: z.string(),
  from: z.string(),
  to: z.array(z.string()),
  cc: z.array(z.string()),
  bcc: z.array(z.string()),
  replyTo: z.array(z.string()),
  subject: z.string(),
  /** empty when the mail has no such part */
  text: z.string(),
  /** hostile: show it in a sandboxed frame only */
  html: z.string(),
});
export type CapturedMail = z.output<typeof capturedMail>;

/** Captured mail, oldest first. With a data folder it is in `mail.jsonl` and outlives the process. */
export class Mailbox {
  private readonly path: string | undefined;
  private mails: CapturedMail[];

  constructor(ctx: CloudContext) {
    this.path = ctx.dataDir === undefined ? undefined : join(ctx.dataDir, "mail.jsonl");
    this.mails = this.path === undefined ? [] : readStoredLines(this.path, capturedMail);
  }

  list(): readonly CapturedMail[] {
    return [...this.mails];
  }

  add(mail: CapturedMail): void {
    if (this.path !== undefined) appendPrivateLine(this.path, JSON.stringify(mail));
    this.mails.push(mail);
  }

  clear(): void {
    if (this.path !== undefined) removeFile(this.path);
    this.mails = [];
  }
}
