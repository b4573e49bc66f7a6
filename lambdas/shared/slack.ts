/** The bot of a stage with Slack, from the environment. */
import { awsSecrets } from "../../lib/aws/secrets.js";
import { IN_TIME, type Slack, slackApi } from "../../lib/aws/slack.js";
import { SLACK_SECRETS } from "../../lib/slack/secrets.js";
import { parseLocalHosts } from "../../lib/tool/hosts.js";

interface SlackEnv {
  readonly SLACK_HOST?: string | undefined;
  readonly SECRET_PREFIX?: string | undefined;
  readonly COUNTERSIGN_LOCAL_HOSTS?: string | undefined;
}

/** Nothing in a stage without Slack. */
export function slackOf(
  { SLACK_HOST: host, SECRET_PREFIX: prefix, COUNTERSIGN_LOCAL_HOSTS: local }: SlackEnv,
  client: () => Parameters<typeof awsSecrets>[0],
  nowMs: () => number,
): { readonly slack?: Slack } {
  if (host === undefined || prefix === undefined) return {};
  const secrets = awsSecrets(client(), prefix, nowMs);
  return {
    slack: slackApi(
      () => secrets.read(SLACK_SECRETS.botToken),
      parseLocalHosts(local)?.[host] ?? `https://${host}`,
      IN_TIME,
    ),
  };
}
