/** What mail and page say the same way. */
import type { ApprovalView } from "../run/protocol.js";
import { drawn } from "./visible.js";

/** `Refund €420.00 to cus_9: cannot be undone`, on one line, with nothing hidden in it */
export function titleLine(view: Pick<ApprovalView, "title" | "reversibility" | "compensation">): string {
  return `${drawn(view.title)}: ${reversibilityText(view)}`;
}

/** The same for a mail or a Slack message: without the title when that holds something sensitive. */
export const messageTitle = (view: Titled & Pick<ApprovalView, "reversibility" | "compensation">): string =>
  titleLine({ ...view, title: hidesTitle(view) ? hiddenTitle(view) : view.title });

/** The title as the page shows it: to who holds only a link, without anything sensitive. */
export const titleOf = (view: Titled & Pick<ApprovalView, "withheld">): string =>
  view.withheld !== undefined && hidesTitle(view) ? hiddenTitle(view) : view.title;

type Titled = Pick<ApprovalView, "title" | "page_only" | "tool" | "workflow">;
const hidesTitle = ({ page_only: pageOnly }: Titled) => pageOnly?.includes("title") === true;
const hiddenTitle = ({ tool, workflow }: Titled) => `${tool} of ${workflow} (what exactly is shown after sign-in)`;

/** Where the whole record is. Not a link: a report is made by who may read the log, from the log. */
export const recordLine = ({ run_id: runId, stage }: Pick<ApprovalView, "run_id" | "stage">): string =>
  `The whole record, for who may read it: npx countersign run report ${runId} --stage ${stage}`;

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
