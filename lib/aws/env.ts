/**
 * The environment of each function, as one schema per handler: the construct that sets it and the handler that reads it share it.
 * Values that CloudFormation fills in are strings here all the same.
 */
import * as z from "zod";
import { CountersignError } from "../errors.js";
import { ARCHIVE_MODES } from "./archive-mode.js";

const text = z.string().min(1);
const hex64 = z.string().regex(/^[0-9a-f]{64}$/);
const workflow = { WORKFLOW: text, STAGE: text };
const contract = { CONTRACT_HASH: hex64, POLICY_SET_HASH: hex64 };

/** Of a stage with Slack; absent otherwise. */
const slack = {
  /** whom the bot talks to: `slack.com` */
  SLACK_HOST: text.optional(),
  /** secrets are named `countersign/<stage>/<secret>` */
  SECRET_PREFIX: text.optional(),
  COUNTERSIGN_LOCAL_HOSTS: text.optional(),
};

export const admitEnv = z.object({
  ...workflow,
  ...contract,
  RUN_LOG_TABLE: text,
  CONTROL_TABLE: text,
  BUDGETS_TABLE: text,
  CONTEXT_BUCKET: text,
  VAULT_BUCKET: text,
  STATE_MACHINE_ARN: text,
});
export const decideEnv = z.object({
  ...workflow,
  ...contract,
  RUN_LOG_TABLE: text,
  CONTROL_TABLE: text,
  BUDGETS_TABLE: text,
  EFFECTS_TABLE: text,
  APPROVALS_TABLE: text,
  CONTEXT_BUCKET: text,
  VAULT_BUCKET: text,
  POLICY_STORE_ID: text,
  /** function name of `preview-<tool>` = this prefix + tool name with `.`→`-` */
  PREVIEW_FUNCTION_PREFIX: text,
});
export const closeRunEnv = z.object({
  ...workflow,
  RUN_LOG_TABLE: text,
  BUDGETS_TABLE: text,
  EFFECTS_TABLE: text,
  APPROVALS_TABLE: text,
  VAULT_BUCKET: text,
  STATE_MACHINE_ARN: text,
});
export const proposeEnv = z.object({ ...workflow, CONTEXT_BUCKET: text });
/** of the `lambda` agent: the team's own code proposes */
export const proposeLambdaEnv = z.object({
  ...proposeEnv.shape,
  SECRET_PREFIX: text,
  COUNTERSIGN_LOCAL_HOSTS: text.optional(),
});
export const toolEnv = z.object({
  ...workflow,
  TOOL: text,
  RUN_LOG_TABLE: text,
  CONTROL_TABLE: text,
  EFFECTS_TABLE: text,
  CONTEXT_BUCKET: text,
  /** secrets are named `countersign/<stage>/<secret>` */
  SECRET_PREFIX: text,
  /** local mode: JSON map of outside host → loopback base URL; anything but loopback is refused */
  COUNTERSIGN_LOCAL_HOSTS: text.optional(),
});
export const previewEnv = z.object({
  ...workflow,
  TOOL: text,
  SECRET_PREFIX: text,
  COUNTERSIGN_LOCAL_HOSTS: text.optional(),
});
export const requestApprovalEnv = z.object({
  ...workflow,
  APPROVALS_TABLE: text,
  TOKEN_KEY_ARN: text,
  MAIL_FROM: text,
  /** `https://…`: where the links point */
  DESK_URL: text,
  /** of one-time schedules, which invoke the sender as that role */
  SCHEDULE_GROUP: text,
  SCHEDULE_ROLE_ARN: text,
  SENDER_ARN: text,
  ...slack,
});
export const approvalSenderEnv = z.object({
  STAGE: text,
  APPROVALS_TABLE: text,
  TOKEN_KEY_ARN: text,
  MAIL_FROM: text,
  DESK_URL: text,
  ...slack,
});
/** Value of OIDC_ISSUER and OIDC_CLIENT_ID where nobody signs in. */
export const NO_ISSUER = "none";
export const approvalDeskEnv = z.object({
  STAGE: text,
  SESSIONS_TABLE: text,
  /** `none`: nobody signs in on this stage */
  OIDC_ISSUER: text,
  OIDC_CLIENT_ID: text,
  /** `https://…`: where the issuer sends people back to */
  DESK_URL: text,
  /** name of the role whose sessions are approvers */
  APPROVER_ROLE: text,
  APPROVALS_TABLE: text,
  CONTROL_TABLE: text,
  CONTEXT_BUCKET: text,
});

const days = z.int().min(1).max(36_500);
export const notaryEnv = z.object({
  STAGE: text,
  RUN_LOG_TABLE: text,
  ARCHIVE_BUCKET: text,
  ARCHIVE_MODE: z.enum(ARCHIVE_MODES),
  /** ARN of the key, or of its alias in another account */
  NOTARY_KEY: text,
  /** JSON: how many days records of a data class are kept */
  RETENTION_DAYS: z
    .string()
    .transform((json, context) => {
      try {
        return JSON.parse(json);
      } catch {
        context.addIssue("not JSON");
        return z.NEVER;
      }
    })
    .pipe(z.strictObject({ public: days, internal: days, personal: days, financial: days })),
});
/** of the function that Slack's interactions reach */
export const approvalSlackEnv = z.object({
  STAGE: text,
  APPROVALS_TABLE: text,
  CONTROL_TABLE: text,
  SLACK_HOST: text,
  SECRET_PREFIX: text,
  COUNTERSIGN_LOCAL_HOSTS: text.optional(),
});

/** Reads the process's environment once, at cold start; the message names the variables, never their values. */
export function readEnv<S extends z.ZodObject>(
  schema: S,
  source: Readonly<Record<string, string | undefined>> = process.env,
): z.output<S> {
  const parsed = schema.safeParse(source);
  if (parsed.success) return parsed.data;
  const names = parsed.error.issues.map((issue) => issue.path.join(".")).join(", ");
  throw new CountersignError("CS-3401", `environment: ${names} missing or wrong; the stack sets them, deploy it again`);
}
