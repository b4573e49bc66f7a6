/** What `cdk.json` and `-c` say about a deployment, checked once. */
import type { Node } from "constructs";
import * as z from "zod";
import { ARCHIVE_MODES, type ArchiveMode } from "../aws/archive-mode.js";
import type { DataClass } from "../contract/model.js";
import { CountersignError } from "../errors.js";

/** An OpenID Connect issuer, and this stage's public client there (PKCE, no secret). */
export interface OidcIssuer {
  readonly issuer: string;
  readonly clientId: string;
}
export interface Settings {
  /** part of every name and role path */
  readonly stage: string;
  readonly archive: ArchiveSettings;
  /** `From:` of approval mails; its address or domain must be a verified SES identity */
  readonly mailFrom: string;
  /** whether approvers are asked in Slack too, and may decide there */
  readonly slack: boolean;
  /** who signs approvers in */
  readonly oidc?: OidcIssuer;
}

export interface ArchiveSettings {
  readonly mode: ArchiveMode;
  /** how long records of a data class are kept */
  readonly retentionDays: Readonly<Record<DataClass, number>>;
  /** archive and signing key are in another account, where `countersign-<stage>-audit` is deployed */
  readonly audit?: { readonly account: string; readonly workloadAccount: string };
}

/** What laws and auditors commonly ask for; a stage says otherwise in cdk.json. */
const DEFAULT_RETENTION_DAYS = { public: 365, internal: 365, personal: 1095, financial: 3650 };
const days = z.int().min(1).max(36_500);
const accountId = z.string().regex(/^\d{12}$/);

/** Without `-`, so that `countersign-<stage>-*` matches no other stage. */
const STAGE_FORM = /^[a-z][a-z0-9]{0,11}$/;
const stageList = z.array(z.string()).min(1);
const address = z.email().max(254);
/** For one synth: `-c slack=on`; for good: the stages that have it. */
const slackSetting = z.union([z.enum(["on", "off"]), z.array(z.string())]).default([]);
const issuerForm = z.object({ issuer: z.url({ protocol: /^https$/ }).max(500), clientId: z.string().min(1).max(200) });

/**
 * Reads `stage` (default `dev`), `stages`, `mailFrom`, `slack` (default: no stage), `archiveMode`, `retentionDays`, `auditAccount` and `workloadAccount` from the
 * context of the app.
 * @throws CountersignError CS-1301, CS-1302, CS-1303, CS-1310
 */
export function readSettings(node: Node): Settings {
  const stages = stageList.safeParse(node.tryGetContext("stages"));
  if (!stages.success) {
    throw new CountersignError("CS-1301", 'cdk.json: context.stages is missing; list the stages, e.g. ["dev", "prod"]');
  }
  const misnamed = stages.data.find((name) => !STAGE_FORM.test(name));
  if (misnamed !== undefined) {
    throw new CountersignError(
      "CS-1301",
      `cdk.json: context.stages: ${JSON.stringify(misnamed)} is no stage name; use a-z and 0-9, at most 12, a letter first`,
    );
  }
  const stage = z
    .string()
    .default("dev")
    .safeParse(node.tryGetContext("stage") ?? undefined);
  if (!stage.success || !stages.data.includes(stage.data)) {
    const given = JSON.stringify(stage.success ? stage.data : node.tryGetContext("stage"));
    throw new CountersignError(
      "CS-1301",
      `context stage: ${given} is not allowed; use one of ${stages.data.join(", ")} (-c stage=${stages.data[0]}) or add it to context.stages in cdk.json`,
    );
  }
  const mailFrom = address.safeParse(node.tryGetContext("mailFrom"));
  if (!mailFrom.success) {
    throw new CountersignError(
      "CS-1302",
      `context mailFrom: ${JSON.stringify(node.tryGetContext("mailFrom"))} is no e-mail address; set the verified SES sender in cdk.json or with -c mailFrom=…`,
    );
  }
  const oidc = readIssuer(node);
  return {
    stage: stage.data,
    mailFrom: mailFrom.data,
    archive: archiveSettings(node),
    slack: readSlack(node, stage.data, stages.data),
    ...(oidc === undefined ? {} : { oidc }),
  };
}

function archiveSettings(node: Node): ArchiveSettings {
  const value = (name: string): unknown => node.tryGetContext(name) ?? undefined;
  const refuse = (name: string, allowed: string) =>
    new CountersignError("CS-1303", `context ${name}: ${JSON.stringify(value(name))} is not allowed; ${allowed}`);
  const mode = z.enum(ARCHIVE_MODES).default("governance").safeParse(value("archiveMode"));
  if (!mode.success) throw refuse("archiveMode", `use ${ARCHIVE_MODES.join(" or ")}`);
  const retention = z
    .strictObject({ public: days, internal: days, personal: days, financial: days })
    .partial()
    .default({})
    .safeParse(value("retentionDays"));
  if (!retention.success)
    throw refuse("retentionDays", 'give days from 1 to 36500 by data class, e.g. {"financial": 3650}, in cdk.json');
  const given = Object.entries(retention.data).filter(([, each]) => each !== undefined);
  const retentionDays = { ...DEFAULT_RETENTION_DAYS, ...Object.fromEntries(given) };
  const [account, workloadAccount] = (["auditAccount", "workloadAccount"] as const).map((name) => {
    const parsed = accountId.optional().safeParse(value(name) === undefined ? undefined : String(value(name)));
    if (!parsed.success) throw refuse(name, "use the account's 12 digits");
    return parsed.data;
  });
  if ((account === undefined) !== (workloadAccount === undefined))
    throw refuse(
      account === undefined ? "auditAccount" : "workloadAccount",
      "give both: auditAccount holds archive and key, workloadAccount the stage",
    );
  if (account === undefined || workloadAccount === undefined) return { mode: mode.data, retentionDays };
  if (account === workloadAccount) throw refuse("auditAccount", "it is the workload's own; leave both out");
  return { mode: mode.data, retentionDays, audit: { account, workloadAccount } };
}

function readSlack(node: Node, stage: string, stages: readonly string[]): boolean {
  const given: unknown = node.tryGetContext("slack") ?? undefined;
  const slack = slackSetting.safeParse(given);
  if (!slack.success || (Array.isArray(slack.data) && slack.data.some((name) => !stages.includes(name))))
    throw new CountersignError(
      "CS-1310",
      `context slack: ${JSON.stringify(given)} is not allowed; list the stages that have Slack in cdk.json (of ${stages.join(", ")}), or use -c slack=on or off`,
    );
  return slack.data === "on" || (Array.isArray(slack.data) && slack.data.includes(stage));
}

/** Both or neither. @throws CountersignError CS-1302 */
function readIssuer(node: Node): OidcIssuer | undefined {
  const given = { issuer: node.tryGetContext("oidcIssuer"), clientId: node.tryGetContext("oidcClientId") };
  if (given.issuer === undefined && given.clientId === undefined) return undefined;
  const parsed = issuerForm.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new CountersignError(
    "CS-1302",
    `context oidcIssuer, oidcClientId: ${JSON.stringify(given)} are no issuer and client; give both, the issuer as https://…`,
  );
}
