/** What mail and page say the same way. */
import type { ApprovalView } from "../run/protocol.js";
import { drawn } from "./visible.js";

/** `Refund €420.00 to cus_9: cannot be undone`, on one line, with nothing hidden in it */
export function titleLine(view: Pick<ApprovalView, "title" | "reversibility" | "compensation">): string {
  return `${drawn(view.title)}: ${reversibilityText(view)}`;
}

/** The same for a mail or a Slack message: without the title when that holds something sensitive. */
export function messageTitle(
  view: Pick<ApprovalView, "title" | "reversibility" | "compensation" | "page_only" | "tool" | "workflow">,
): string {
  const hidden = view.page_only?.includes("title") === true;
  return titleLine(
    hidden ? { ...view, title: `${view.tool} of ${view.workflow} (what exactly is on the page)` } : view,
  );
}

export function reversibilityText({
  reversibility,
  compensation,
}: Pick<ApprovalView, "reversibility" | "compensation">): string {
  switch (reversibility) {
    case "irreversible":
      return "cannot be undone";
    case "compensable":
      return compensation === null ? "can be made good afterwards" : `can be made good with ${compensation}`;
    case "reversible":
      return "can be undone";
  }
}
