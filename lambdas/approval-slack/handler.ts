/** Slack's way to the desk, behind the HTTP API, from the environment. */
import { dynamoApprovals } from "../../lib/aws/approvals.js";
import { dynamoClient, secretsClient } from "../../lib/aws/clients.js";
import { dynamoControl } from "../../lib/aws/control.js";
import { approvalSlackEnv, readEnv } from "../../lib/aws/env.js";
import { awsSecrets } from "../../lib/aws/secrets.js";
import { AT_ONCE, slackApi } from "../../lib/aws/slack.js";
import { SLACK_HOST, SLACK_SECRETS } from "../../lib/slack/secrets.js";
import { parseLocalHosts } from "../../lib/tool/hosts.js";
import { createHandler } from "./serve.js";

const env = readEnv(approvalSlackEnv);
const client = dynamoClient();
const nowMs = () => Date.now();
const secrets = awsSecrets(secretsClient(), env.SECRET_PREFIX, nowMs);

export const handler = createHandler({
  stage: env.STAGE,
  approvals: dynamoApprovals({ client, table: env.APPROVALS_TABLE }),
  control: dynamoControl({ client, table: env.CONTROL_TABLE }),
  signingSecret: () => secrets.read(SLACK_SECRETS.signing),
  slack: slackApi(
    () => secrets.read(SLACK_SECRETS.botToken),
    parseLocalHosts(env.COUNTERSIGN_LOCAL_HOSTS)?.[SLACK_HOST],
    AT_ONCE,
  ),
  nowMs,
});
