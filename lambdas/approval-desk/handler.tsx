/** The approval desk behind the HTTP API, from the environment. */
import { handle } from "hono/aws-lambda";
import { openedApprovals } from "../../lib/approval/opened.js";
import { dynamoApprovals } from "../../lib/aws/approvals.js";
import { dynamoClient, s3Client } from "../../lib/aws/clients.js";
import { dynamoControl } from "../../lib/aws/control.js";
import { approvalDeskEnv, NO_ISSUER, readEnv } from "../../lib/aws/env.js";
import { dynamoInbox } from "../../lib/aws/inbox.js";
import { dynamoSessions } from "../../lib/aws/sessions.js";
import { s3ViewStore } from "../../lib/aws/view-store.js";
import { oidcSignIn } from "../../lib/sign-in/oidc.js";
import { createApp } from "./app.js";

const env = readEnv(approvalDeskEnv);
const client = dynamoClient();

export const handler = handle(
  createApp(
    {
      stage: env.STAGE,
      approvals: openedApprovals(
        dynamoApprovals({ client, table: env.APPROVALS_TABLE }),
        s3ViewStore({ client: s3Client(), bucket: env.CONTEXT_BUCKET }),
      ),
      control: dynamoControl({ client, table: env.CONTROL_TABLE }),
      nowMs: () => Date.now(),
      approverRole: env.APPROVER_ROLE,
    },
    env.OIDC_ISSUER === NO_ISSUER
      ? undefined
      : {
          oidc: oidcSignIn({
            issuer: env.OIDC_ISSUER,
            clientId: env.OIDC_CLIENT_ID,
            redirectUri: `${env.DESK_URL}/sign-in/callback`,
          }),
          sessions: dynamoSessions({ client, table: env.SESSIONS_TABLE }),
          inbox: dynamoInbox({ client, table: env.APPROVALS_TABLE }),
        },
  ),
);
