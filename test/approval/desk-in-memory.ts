/** The desk and the sender on one table in memory: pages over HTTP requests, mails in a list. */
import { createApp } from "../../lambdas/approval-desk/app.js";
import { createHandler as createSender } from "../../lambdas/approval-sender/serve.js";
import { newCode } from "../../lib/approval/code.js";
import { openLinkFor } from "../../lib/approval/links.js";
import { approvalMail } from "../../lib/approval/mails.js";
import type { Mail } from "../../lib/aws/mailer.js";
import type { ApprovalView } from "../../lib/run/protocol.js";
import { isoTime } from "../../lib/run/time.js";
import { memoryApprovals } from "../support/memory-approvals.js";
import { approvalViewOf } from "./fixture.js";

export class Desk {
  nowMs = Date.parse("2026-11-21T13:01:00.000Z");
  readonly mails: Mail[] = [];
  readonly woken: string[] = [];
  readonly view: ApprovalView;
  private readonly memory = memoryApprovals();
  readonly approvals = this.memory.approvals;
  private read = 0;
  private made = 0;

  constructor(over: Partial<ApprovalView> = {}) {
    this.view = approvalViewOf(over);
  }
  get ref() {
    return { workflow: this.view.workflow, approvalId: this.view.approval_id };
  }

  /** What request-approval does. */
  async ask(): Promise<this> {
    await this.approvals.insertRequest(this.view);
    await this.approvals.insertToken(this.ref, { tokenHash: "t", sealed: "sealed" });
    for (const to of this.view.approvers) {
      const way = await openLinkFor(this.deps, this.view, to, "approver");
      this.mails.push(approvalMail({ to, view: this.view, ...way }));
      const at = isoTime(this.nowMs);
      await this.approvals.insertSent(this.ref, { channel: "mail", kind: "asked", to, at, ref: "m" });
    }
    return this;
  }

  get deps() {
    return {
      stage: "dev",
      deskUrl: "https://desk.example",
      approvals: this.approvals,
      control: { readBrake: async () => undefined },
      tokens: { answer: async (_: unknown, sealed: string) => this.answer(sealed) },
      mailer: {
        send: async (mail: Mail) => {
          this.mails.push(mail);
          return `m${this.mails.length}`;
        },
      },
      nowMs: () => this.nowMs,
      newLink: () => {
        this.made += 1;
        return { linkId: `link-${String(this.made).padStart(20, "0")}`, code: newCode(), salt: "0".repeat(32) };
      },
    };
  }
  private answer(sealed: string): "answered" | "gone" {
    this.woken.push(sealed);
    return this.woken.length === 1 ? "answered" : "gone";
  }

  /** The stream, as far as it has come. */
  async deliver(): Promise<void> {
    const sender = createSender(this.deps);
    for (; this.read < this.memory.stream.length; this.read++) {
      const row = this.memory.stream[this.read];
      const Keys = { pk: { S: row?.pk ?? "" }, sk: { S: row?.sk ?? "" } };
      await sender({ Records: [{ dynamodb: { SequenceNumber: String(this.read), Keys } }] });
    }
  }

  /** The newest mail to this person that has a link. */
  wayOf(to: string): { readonly path: string; readonly code: string } {
    const text = this.mails.findLast((mail) => mail.to === to && mail.text.includes("/approvals/"))?.text ?? "";
    return {
      path: /https:\/\/desk\.example(\/approvals\/\S+)/.exec(text)?.[1] ?? "/none",
      code: /^Code: (\S+)$/m.exec(text)?.[1] ?? "",
    };
  }

  async get(path: string): Promise<{ readonly status: number; readonly html: string }> {
    const response = await createApp(this.deps).request(path);
    return { status: response.status, html: await response.text() };
  }

  async post(path: string, fields: Record<string, string>, accept = "text/html") {
    const body = new URLSearchParams(fields);
    const response = await createApp(this.deps).request(path, { method: "POST", body, headers: { accept } });
    const text = await response.text();
    return { status: response.status, html: text, code: /CS-21\d\d/.exec(text)?.[0] };
  }
}
