/** The approval desk behind the HTTP API, from the environment. */
import { handle } from "hono/aws-lambda";
import { dynamoApprovals } from "../../lib/aws/approvals.js";
import { dynamoClient, kmsClient, sfnClient } from "../../lib/aws/clients.js";
import { dynamoControl } from "../../lib/aws/control.js";
import { approvalDeskEnv, readEnv } from "../../lib/aws/env.js";
import { sfnTokenAnswerer } from "../../lib/aws/task-tokens.js";
import { createApp } from "./app.js";

const env = readEnv(approvalDeskEnv);
const client = dynamoClient();

export const handler = handle(
  createApp({
    stage: env.STAGE,
    approvals: dynamoApprovals({ client, table: env.APPROVALS_TABLE }),
    control: dynamoControl({ client, table: env.CONTROL_TABLE }),
    tokens: sfnTokenAnswerer(kmsClient(), env.TOKEN_KEY_ARN, sfnClient()),
    nowMs: () => Date.now(),
  }),
);
