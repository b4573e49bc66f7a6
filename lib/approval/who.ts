/** Who acts, and what they want: what every channel (page, Slack, command line) hands to the one function that decides. */
import type { ApprovalChannel, ApprovalMethod } from "../run/events.js";

/** An authenticated person. The channel has made sure of it; for `code` the code is part of what is wanted and is checked last. */
export interface Who {
  /** e-mail address, as the contract names approvers */
  readonly approver: string;
  readonly channel: ApprovalChannel;
  readonly method: ApprovalMethod;
  /** who the method says they are: the link's id hashed, `<issuer>|<sub>`, the Slack team and user, the ARN */
  readonly subject: string;
  /** id of the link they came by; needed for `code` */
  readonly link?: string;
}

export interface Choice {
  readonly decision: "approve" | "reject";
  /** as typed; compared with the view's `typed_confirmation` */
  readonly confirmation: string;
  readonly comment: string;
  /** as typed; only for method `code` */
  readonly code?: string;
  /** `viewHash` of what the person had before them; anything but the question's own is refused */
  readonly shown?: string;
  /** ISO: when they opened it, as the channel heard it from them */
  readonly opened?: string;
}

/** Of two mails that were forwarded one must not be enough: a code alone does not count where a sign-in is required. */
export const isStrong = (method: ApprovalMethod): boolean => method !== "code";
