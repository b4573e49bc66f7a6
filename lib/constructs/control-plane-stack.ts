/** `countersign-<stage>`: what all workflows of a stage share, and who may do what with it. */
import { Stack, type StackProps } from "aws-cdk-lib";
import type * as kms from "aws-cdk-lib/aws-kms";
import type { Construct } from "constructs";
import { SLACK_SECRETS } from "../slack/secrets.js";
import { Api } from "./api.js";
import { ApprovalClock, type ScheduleIdentity } from "./approval-clock.js";
import { ApprovalDesk } from "./approval-desk.js";
import { ApprovalSender } from "./approval-sender.js";
import { ApprovalSlack } from "./approval-slack.js";
import { Archive, archiveElsewhere } from "./archive.js";
import { ArchiveQueries } from "./archive-queries.js";
import { Buckets, roleArns } from "./buckets.js";
import { type ControlPlaneValues, controlPlane } from "./control-plane.js";
import { ControlTables } from "./control-tables.js";
import { createKey, reserve } from "./keys.js";
import { Notary } from "./notary.js";
import { exportControlPlane } from "./outputs.js";
import { Oversight } from "./oversight.js";
import { People } from "./people.js";
import { RunLog } from "./run-log.js";
import { Secrets } from "./secrets.js";
import type { ArchiveSettings, OidcIssuer } from "./settings.js";
import { ArchiveBucket, type ArchiveIdentity } from "./stores.js";

export interface ControlPlaneStackProps extends StackProps {
  readonly stage: string;
  /** folder with the approval desk's `index.mjs` */
  readonly deskCode: string;
  /** folder with the approval sender's `index.mjs` */
  readonly senderCode: string;
  /** address that mails come from */
  readonly mailFrom: string;
  /** folder with the notary's `index.mjs` */
  readonly notaryCode: string;
  readonly archive: ArchiveSettings;
  /** folder with the `index.mjs` of Slack's function; without it the stage has no Slack, nor its secrets */
  readonly slackCode?: string;
  /** who signs approvers in; nobody does when left out */
  readonly oidc?: OidcIssuer;
  /** names of the stage's workflows */
  readonly workflows: readonly string[];
  /** names of the secrets that the stage's workflows use */
  readonly secretNames: readonly string[];
}

export class ControlPlaneStack extends Stack {
  constructor(scope: Construct, id: string, props: ControlPlaneStackProps) {
    super(scope, id, props);
    const { stage } = props;
    const people = new People(this, "People", { stage });
    const [breakGlass, shredder] = [people.role("break-glass"), people.role("shredder")];
    const buckets = new Buckets(this, "Buckets", { stage, breakGlass, shredder });
    const runLog = new RunLog(this, "RunLog", { stage });
    const archive = this.archive(props, buckets);
    const notary = new Notary(this, "Notary", {
      stage,
      code: props.notaryCode,
      runLog: runLog.table,
      archive,
      settings: props.archive,
      dataKey: buckets.dataKey,
    });
    const parts: Parts = {
      people,
      archive,
      notary,
      runLog,
      tables: new ControlTables(this, "Tables"),
      oversight: new Oversight(this, "Oversight", { breakGlass, shredder, auditor: people.role("auditor") }),
      buckets,
      tokenKey: createTokenKey(this, stage),
      schedules: new ApprovalClock(this, "ApprovalClock", { stage }).identity,
      api: new Api(this, "Api", { stage, logKey: buckets.dataKey }),
    };
    const slackSecrets = props.slackCode === undefined ? [] : Object.values(SLACK_SECRETS);
    new Secrets(this, "Secrets", { stage, names: [...props.secretNames, ...slackSecrets] });
    const values = valuesOf(parts);
    const plane = controlPlane(this, (output) => values[output]);
    const desk = new ApprovalDesk(this, "ApprovalDesk", {
      stage,
      code: props.deskCode,
      approverRole: people.role("approver").roleName,
      ...(props.oidc === undefined ? {} : { oidc: props.oidc }),
      plane,
    });
    new ApprovalSender(this, "ApprovalSender", {
      stage,
      code: props.senderCode,
      mailFrom: props.mailFrom,
      slack: props.slackCode !== undefined,
      table: parts.tables.approvals,
      plane,
    });
    parts.api.addDesk(desk.handler.function);
    if (props.slackCode !== undefined) {
      const slack = new ApprovalSlack(this, "ApprovalSlack", { stage, code: props.slackCode, plane });
      parts.api.addSlack(slack.handler.function);
    }
    grantPeople(people, values);
    people.grantArchive(new ArchiveBucket(archive).reading);
    if (props.workflows.length > 0) {
      const archiveBucket = archive.bucketName;
      const queries = new ArchiveQueries(this, "ArchiveQueries", { stage, archiveBucket, workflows: props.workflows });
      people.grantArchive(queries.asking);
    }
    exportControlPlane(this, stage, values);
  }

  /** In this account, unless the stage has an audit account. */
  private archive({ stage, archive: settings }: ControlPlaneStackProps, buckets: Buckets): ArchiveIdentity {
    if (settings.audit !== undefined) return archiveElsewhere(this, stage, settings.audit.account);
    const { accessLogs } = buckets;
    return new Archive(this, "Archive", { stage, settings, workloadAccount: this.account, accessLogs }).identity;
  }
}

interface Parts {
  readonly people: People;
  readonly archive: ArchiveIdentity;
  readonly notary: Notary;
  readonly runLog: RunLog;
  readonly tables: ControlTables;
  readonly oversight: Oversight;
  readonly buckets: Buckets;
  readonly tokenKey: kms.Key;
  readonly schedules: ScheduleIdentity;
  readonly api: Api;
}

function valuesOf({
  people,
  archive,
  notary,
  runLog,
  tables,
  oversight,
  buckets,
  tokenKey,
  schedules,
  api,
}: Parts): ControlPlaneValues {
  return {
    RunLogTable: runLog.table.tableName,
    RunLogTableArn: runLog.table.tableArn,
    EffectsTable: tables.effects.tableName,
    EffectsTableArn: tables.effects.tableArn,
    ApprovalsTable: tables.approvals.tableName,
    ApprovalsTableArn: tables.approvals.tableArn,
    BudgetsTable: tables.budgets.tableName,
    BudgetsTableArn: tables.budgets.tableArn,
    SessionsTable: tables.sessions.tableName,
    SessionsTableArn: tables.sessions.tableArn,
    ControlTable: tables.control.tableName,
    ControlTableArn: tables.control.tableArn,
    OversightTable: oversight.table.tableName,
    OversightTableArn: oversight.table.tableArn,
    ContextBucket: buckets.context.bucketName,
    ContextBucketArn: buckets.context.bucketArn,
    VaultBucket: buckets.vault.bucketName,
    VaultBucketArn: buckets.vault.bucketArn,
    DataKeyArn: buckets.dataKey.keyArn,
    VaultKeyArn: buckets.vaultKey.keyArn,
    ArchiveBucket: archive.bucketName,
    NotaryKey: archive.key,
    AlarmTopicArn: notary.alarms.topicArn,
    ScheduleGroup: schedules.group,
    ScheduleRoleArn: schedules.roleArn,
    SenderArn: schedules.senderArn,
    TokenKeyArn: tokenKey.keyArn,
    ApiId: api.api.apiId,
    ApiEndpoint: api.api.apiEndpoint,
    RequesterRoleArn: people.role("requester").roleArn,
    ApproverRoleArn: people.role("approver").roleArn,
    AuditorRoleArn: people.role("auditor").roleArn,
    OperatorRoleArn: people.role("operator").roleArn,
    BreakGlassRoleArn: people.role("break-glass").roleArn,
    ShredderRoleArn: people.role("shredder").roleArn,
  };
}

function grantPeople(people: People, values: ControlPlaneValues): void {
  people.grantRequests(values.ApiId);
  people.grantDecisions(values.ApiId);
  people.grantApprovals(values.ApprovalsTableArn);
  people.grantRunLog(values.RunLogTableArn);
  people.grantEffects(values.EffectsTableArn);
  people.grantControl(values.ControlTableArn);
  people.grantExecutions();
  people.grantFindRuns(values.RunLogTableArn);
  people.grantOversight(values.OversightTableArn);
  people.grantShred({ vaultArn: values.VaultBucketArn, contextArn: values.ContextBucketArn });
  people.grantVault({ bucketArn: values.VaultBucketArn, keyArn: values.VaultKeyArn });
}

/** Seals task tokens: `request-approval` functions encrypt, the sender decrypts, and the key's own policy lets nobody else. */
function createTokenKey(stack: Stack, stage: string): kms.Key {
  const key = createKey(stack, "TokenKey", `Countersign ${stage}: task tokens of waiting approvals`);
  reserve(key, "OnlyRequestsSeal", ["kms:Encrypt"], [roleArns(stack, stage, "approval-request")]);
  reserve(key, "OnlyTheSenderOpens", ["kms:Decrypt", "kms:ReEncrypt*"], [roleArns(stack, stage, "approval-sender")]);
  return key;
}
