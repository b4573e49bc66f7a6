/** Asks people, from the environment. */
import { randomBytes } from "node:crypto";
import { newCode } from "../../lib/approval/code.js";
import { dynamoApprovals } from "../../lib/aws/approvals.js";
import { dynamoClient, kmsClient, sesClient } from "../../lib/aws/clients.js";
import { readEnv, requestApprovalEnv } from "../../lib/aws/env.js";
import { sesMailer } from "../../lib/aws/mailer.js";
import { kmsTokenSealer } from "../../lib/aws/task-tokens.js";
import { createHandler } from "./serve.js";

const env = readEnv(requestApprovalEnv);

export const handler = createHandler({
  workflow: env.WORKFLOW,
  deskUrl: env.DESK_URL.replace(/\/$/, ""),
  approvals: dynamoApprovals({ client: dynamoClient(), table: env.APPROVALS_TABLE }),
  sealer: kmsTokenSealer(kmsClient(), env.TOKEN_KEY_ARN),
  mailer: sesMailer(sesClient(), env.MAIL_FROM),
  nowMs: () => Date.now(),
  newLink: () => ({
    linkId: randomBytes(24).toString("base64url"),
    code: newCode(),
    salt: randomBytes(16).toString("hex"),
  }),
});
