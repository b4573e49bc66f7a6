/** Slack's Web API, as far as approvals need it. Needs the bot token's scopes `chat:write` and `im:write`. */

import type { ModalView } from "@slack/types";
import { LogLevel, WebClient } from "@slack/web-api";
import type { SlackMessage } from "../slack/messages.js";

/** Where a message stands: what an update names. */
export interface SlackRef {
  readonly channel: string;
  readonly ts: string;
}
/** As it is kept in a row: `C0123/1700000000.000100`. */
export const slackRefText = ({ channel, ts }: SlackRef): string => `${channel}/${ts}`;
export function readSlackRef(text: string): SlackRef | undefined {
  const [channel = "", ts = "", more] = text.split("/");
  return channel === "" || ts === "" || more !== undefined ? undefined : { channel, ts };
}

export interface Slack {
  /** `to`: a channel id, or a member id for a direct message */
  post(to: string, message: SlackMessage): Promise<SlackRef>;
  update(ref: SlackRef, message: SlackMessage): Promise<void>;
  /** within three seconds of the click that gave the trigger */
  openModal(triggerId: string, view: ModalView): Promise<void>;
}

/** How long one call may take, and how often it is tried again. */
export interface SlackPatience {
  readonly timeoutMs: number;
  readonly retries: number;
}
/** Somebody waits for the answer, three seconds at most. */
export const AT_ONCE: SlackPatience = { timeoutMs: 2_000, retries: 0 };
export const IN_TIME: SlackPatience = { timeoutMs: 4_000, retries: 1 };

/**
 * `token` is read for every call, so that a rotated one is used. `baseUrl`: `https://slack.com`, or the local workspace's. Errors are
 * Slack's own codes, without the token.
 */
export function slackApi(
  token: () => Promise<string>,
  baseUrl = "https://slack.com",
  { timeoutMs, retries }: SlackPatience = IN_TIME,
): Slack {
  const made = new Map<string, WebClient>();
  const clientOf = async () => {
    const text = await token();
    const client =
      made.get(text) ??
      new WebClient(text, {
        slackApiUrl: `${baseUrl}/api/`,
        allowAbsoluteUrls: false,
        timeout: timeoutMs,
        retryConfig: { retries, minTimeout: 200 },
        rejectRateLimitedCalls: true,
        logLevel: LogLevel.ERROR,
      });
    made.set(text, client);
    return client;
  };
  return {
    async post(to, { text, blocks }) {
      const client = await clientOf();
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
      const client = await clientOf();
      await client.chat.update({ channel, ts, text, blocks });
    },
    async openModal(triggerId, view) {
      const client = await clientOf();
      await client.views.open({ trigger_id: triggerId, view });
    },
  };
}
