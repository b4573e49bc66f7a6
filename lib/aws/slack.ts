/** Slack's Web API, as far as approvals need it. Needs the bot token's scopes `chat:write` and `im:write`. */

import type { ModalView } from "@slack/types";
import { WebClient } from "@slack/web-api";
import type { SlackMessage } from "../slack/messages.js";

/** Where a message stands: what an update names. */
export interface SlackRef {
  readonly channel: string;
  readonly ts: string;
}
export interface Slack {
  /** `to`: a channel id, or a member id for a direct message */
  post(to: string, message: SlackMessage): Promise<SlackRef>;
  update(ref: SlackRef, message: SlackMessage): Promise<void>;
  /** within three seconds of the click that gave the trigger */
  openModal(triggerId: string, view: ModalView): Promise<void>;
}

/** `apiUrl`: `https://slack.com/api/`, or the local workspace's. Errors are Slack's own codes, without the token. */
export function slackApi(token: string, apiUrl = "https://slack.com/api/"): Slack {
  const client = new WebClient(token, {
    slackApiUrl: apiUrl,
    allowAbsoluteUrls: false,
    timeout: 5_000,
    retryConfig: { retries: 2, minTimeout: 200 },
    rejectRateLimitedCalls: true,
  });
  return {
    async post(to, { text, blocks }) {
      const { channel, ts } = await client.chat.postMessage({
        channel: to,
        text,
        blocks,
        unfurl_links: false,
        unfurl_media: false,
      });
      if (channel === undefined || ts === undefined) throw new Error("slack: the message has no place");
      return { channel, ts };
    },
    async update({ channel, ts }, { text, blocks }) {
      await client.chat.update({ channel, ts, text, blocks });
    },
    async openModal(triggerId, view) {
      await client.views.open({ trigger_id: triggerId, view });
    },
  };
}
