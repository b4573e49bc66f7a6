/** Asks people, from the environment. */
import { randomBytes } from "node:crypto";
import { newCode } from "../../lib/approval/code.js";
import { dynamoApprovals } from "../../lib/aws/approvals.js";
import { dynamoClient, kmsClient, schedulerClient, secretsClient, sesClient } from "../../lib/aws/clients.js";
import { readEnv, requestApprovalEnv } from "../../lib/aws/env.js";
import { sesMailer } from "../../lib/aws/mailer.js";
import { schedulerSchedules } from "../../lib/aws/schedules.js";
import { kmsTokenSealer } from "../../lib/aws/task-tokens.js";
import { slackOf } from "../shared/slack.js";
import { createHandler } from "./serve.js";

const env = readEnv(requestApprovalEnv);
const nowMs = () => Date.now();

export const handler = createHandler({
  workflow: env.WORKFLOW,
  deskUrl: env.DESK_URL.replace(/\/$/, ""),
  approvals: dynamoApprovals({ client: dynamoClient(), table: env.APPROVALS_TABLE }),
  sealer: kmsTokenSealer(kmsClient(), env.TOKEN_KEY_ARN),
  mailer: sesMailer(sesClient(), env.MAIL_FROM),
  ...slackOf(env, secretsClient, nowMs),
  schedules: schedulerSchedules(schedulerClient(), {
    group: env.SCHEDULE_GROUP,
    targetArn: env.SENDER_ARN,
    roleArn: env.SCHEDULE_ROLE_ARN,
  }),
  nowMs,
  newLink: () => ({
    linkId: randomBytes(24).toString("base64url"),
    code: newCode(),
    salt: randomBytes(16).toString("hex"),
  }),
});
