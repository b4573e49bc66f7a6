/** The question in Slack, beside the mails: people have their mail also when Slack is down. */
import { channelOf, placesOf, postQuestion, type SlackSender } from "../../lib/approval/in-slack.js";
import { type LinkDeps, openLinkFor } from "../../lib/approval/links.js";
import type { SentMessage } from "../../lib/aws/approvals.js";
import type { ApprovalView } from "../../lib/run/protocol.js";
import { logLine } from "../shared/log.js";

/** @param urls by person: the page's address in the mail that they were just sent */
export async function askInSlack(
  deps: SlackSender & LinkDeps,
  view: ApprovalView,
  sent: readonly SentMessage[],
  people: readonly string[],
  urls: ReadonlyMap<string, string>,
): Promise<number> {
  if (deps.slack === undefined) return 0;
  let posted = 0;
  for (const place of [...placesOf(view, people), ...channelOf(view)]) {
    try {
      const url = place.person === null ? null : (urls.get(place.person) ?? (await linkOf(deps, view, place.person)));
      if (await postQuestion(deps, view, sent, place, { kind: "asked", url })) posted += 1;
    } catch (error) {
      const name = error instanceof Error && "code" in error ? String(error.code) : "unknown";
      logLine("warn", "slack message not sent", { approval_id: view.approval_id, error: name });
      // A Slack that does not answer would take the time of every other message too.
      if (name !== "slack_webapi_platform_error") break;
    }
  }
  return posted;
}

/** Whose mail went out in an attempt before this one has their link there; this is another to the same page. */
const linkOf = async (deps: LinkDeps, view: ApprovalView, person: string): Promise<string> =>
  (await openLinkFor(deps, view, person, "approver")).url;
