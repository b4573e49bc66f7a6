/** The outbox, from the environment. */
import { randomBytes } from "node:crypto";
import { newCode } from "../../lib/approval/code.js";
import { dynamoApprovals } from "../../lib/aws/approvals.js";
import { dynamoClient, kmsClient, secretsClient, sesClient, sfnClient } from "../../lib/aws/clients.js";
import { approvalSenderEnv, readEnv } from "../../lib/aws/env.js";
import { sesMailer } from "../../lib/aws/mailer.js";
import { sfnTokenAnswerer } from "../../lib/aws/task-tokens.js";
import { slackOf } from "../shared/slack.js";
import { createHandler } from "./serve.js";

const env = readEnv(approvalSenderEnv);
const nowMs = () => Date.now();

export const handler = createHandler({
  stage: env.STAGE,
  deskUrl: env.DESK_URL.replace(/\/$/, ""),
  approvals: dynamoApprovals({ client: dynamoClient(), table: env.APPROVALS_TABLE }),
  tokens: sfnTokenAnswerer(kmsClient(), env.TOKEN_KEY_ARN, sfnClient()),
  mailer: sesMailer(sesClient(), env.MAIL_FROM),
  ...slackOf(env, secretsClient, nowMs),
  nowMs,
  newLink: () => ({
    linkId: randomBytes(24).toString("base64url"),
    code: newCode(),
    salt: randomBytes(16).toString("hex"),
  }),
});
