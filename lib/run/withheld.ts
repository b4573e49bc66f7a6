/** The forms of an action and of a view that hold nothing sensitive: commitments stand in place of the values. */
import { isJsonObject } from "./canonical.js";
import { viewHash } from "./hash.js";
import type { Action, ApprovalView } from "./protocol.js";
import { redactWithNonces } from "./redact.js";

/** An action as the state machine carries it: what its arguments hash to, but neither sensitive values nor the nonces to guess them by. */
export function withheldAction({ tool, args, nonces }: Action): Action {
  const redacted = redactWithNonces(args, Object.keys(nonces), nonces);
  return { tool, args: isJsonObject(redacted) ? redacted : {}, nonces: {} };
}

const ON_THE_PAGE = "(on the page only)";

/** Whether a view holds, or may hold, anything sensitive. */
export const isSensitiveView = ({ nonces, page_only: pageOnly = [] }: ApprovalView): boolean =>
  Object.keys(nonces).length > 0 || pageOnly.length > 0;

/**
 * Whether the form without sensitive values shows all that an approval is bound to: title, every argument, the changes. Who sees no more than
 * that form (by a mail's link, in Slack) may approve only then. The agent's words are no part of the action. The same for both forms.
 */
export const isWholeAction = ({ sensitive_paths: paths, page_only: pageOnly = [] }: SensitiveParts): boolean =>
  paths.length === 0 && pageOnly.every((part) => part === "says");

type SensitiveParts = Pick<ApprovalView, "sensitive_paths" | "page_only">;

/** How who decides must show who they are: a mailed code shows it to somebody who was shown all of it. */
export const signInOf = (view: SensitiveParts & Pick<ApprovalView, "sign_in">): ApprovalView["sign_in"] =>
  isWholeAction(view) ? view.sign_in : "required";

/**
 * A view as it travels and lies in the approvals table. Its action hash can still be checked, its view hash is that of the whole, and what is
 * left out says that it is on the page, so that nobody takes it for nothing. A view without anything sensitive is whole.
 */
export function withheldView(view: ApprovalView): ApprovalView {
  if (!isSensitiveView(view)) return view;
  const hidden = new Set(view.page_only);
  // A value that the contract does not name may be anywhere in them: no commitment stands for it.
  const args = hidden.has("args") ? {} : withheldAction(view).args;
  const hidesPreview = view.preview !== null && (hidden.has("preview") || Object.keys(view.nonces).length > 0);
  return {
    ...view,
    args,
    nonces: {},
    view_nonce: "0".repeat(64),
    original_args: null,
    title: hidden.has("title") ? view.tool : view.title,
    says: hidden.has("says") ? ON_THE_PAGE : view.says,
    preview: hidesPreview ? { before: {}, after: {}, notes: [ON_THE_PAGE] } : view.preview,
    withheld: { view_hash: viewHash(view) },
  };
}
