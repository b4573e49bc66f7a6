/** The roles that people (and systems that start runs) take: one for each job, read-only where it reads. */
import { ArnFormat, Duration, Stack } from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import { brakeKey, callKeyOf, contextKey, logIndex, oversightKey, vaultKey, viewKey } from "../run/keys.js";
import { controlPlaneStackName, pascal, rolePath, workflowStackName } from "./names.js";
import { type Permission, permit } from "./permissions.js";
import { onKeys } from "./tables.js";

export const JOBS = ["requester", "approver", "auditor", "operator", "break-glass", "shredder"] as const;
export type Job = (typeof JOBS)[number];

/** Principals of this account say with this tag which job they may take in a stage: `countersign:dev` = `approver`. */
export const jobTag = (stage: string): string => `countersign:${stage}`;

/** Principals of this account say with this tag who they are: `countersign:email` = `ana@example.com`. */
export const PERSON_TAG = "countersign:email";

const WITH_RECENT_MFA = {
  Bool: { "aws:MultiFactorAuthPresent": "true" },
  NumericLessThan: { "aws:MultiFactorAuthAge": "3600" },
};
const READ = ["dynamodb:GetItem", "dynamodb:Query"];
const INDEXES = "the indexes of that table, which list its rows";

export interface PeopleProps {
  readonly stage: string;
}

export class People extends Construct {
  private readonly stage: string;
  private readonly roles: ReadonlyMap<Job, iam.Role>;

  constructor(scope: Construct, id: string, props: PeopleProps) {
    super(scope, id);
    this.stage = props.stage;
    this.roles = new Map([
      this.job("requester", "starts runs"),
      this.job("approver", "reads waiting approvals, and decides those that ask the person the session is named after"),
      this.job("auditor", "reads the log and the decisions, adds reviews, changes nothing, sees no sealed value"),
      this.job("operator", "stops and resumes workflows"),
      this.job("break-glass", "reads sealed values in an emergency", WITH_RECENT_MFA),
      this.job("shredder", "deletes the keys of runs' sealed values, and reads none", WITH_RECENT_MFA),
    ]);
  }

  role(job: Job): iam.Role {
    const role = this.roles.get(job);
    if (role === undefined) throw new Error(`no role for ${job}`);
    return role;
  }

  /** Requesters start runs, through the API alone. */
  grantRequests(apiId: string): void {
    permit(this.role("requester"), {
      sid: "StartRuns",
      actions: ["execute-api:Invoke"],
      resources: [this.arn("execute-api", apiId, "$default/POST/runs/*")],
      wildcard: "every workflow of the stage has its route below /runs; admission checks the rest",
    });
  }

  /** Approvers decide under their own names, through the API alone. */
  grantDecisions(apiId: string): void {
    permit(this.role("approver"), {
      sid: "Decide",
      actions: ["execute-api:Invoke"],
      resources: [this.arn("execute-api", apiId, "$default/POST/approver/*")],
      wildcard: "every approval of the stage has its route below /approver; the desk checks whom it asks",
    });
  }

  grantApprovals(tableArn: string): void {
    for (const job of ["approver", "auditor"] as const) this.read(job, "ReadApprovals", tableArn);
  }
  grantRunLog(tableArn: string): void {
    for (const job of ["auditor", "operator"] as const) this.read(job, "ReadLog", tableArn);
  }
  /** Break-glass and shredder find their run, and its commitments, in the log. */
  grantFindRuns(tableArn: string): void {
    const resources = [tableArn, `${tableArn}/index/${logIndex.name}`];
    for (const job of ["break-glass", "shredder"] as const)
      permit(this.role(job), { sid: "FindRuns", actions: ["dynamodb:Query"], resources });
  }
  /** Who reads or shreds says so first, each in a partition of its own; auditors read all of it, and add reviews. */
  grantOversight(tableArn: string): void {
    const { readings, shreddings, reviews } = oversightKey;
    const table = { tableArn };
    permit(this.role("break-glass"), onKeys("RecordReadings", table, ["PartiQLInsert"], [readings]));
    permit(this.role("break-glass"), onKeys("ReadReadings", table, ["Query"], [readings, shreddings]));
    permit(this.role("shredder"), onKeys("RecordShreddings", table, ["PartiQLInsert", "Query"], [shreddings]));
    permit(this.role("auditor"), onKeys("RecordReviews", table, ["PartiQLInsert"], [reviews]));
    permit(this.role("auditor"), onKeys("ReadOversight", table, ["Query"], [readings, shreddings, reviews]));
  }
  /** The ledger, to reconcile the log with. */
  grantEffects(tableArn: string): void {
    permit(this.role("auditor"), { sid: "ReadEffects", actions: READ, resources: [tableArn] });
  }
  /** Brakes: operators set them, auditors see them. */
  grantControl(tableArn: string): void {
    const brakes = [brakeKey.pk("*")];
    const write = ["GetItem", "PutItem", "UpdateItem"];
    permit(this.role("operator"), onKeys("SetBrakes", { tableArn }, write, brakes));
    permit(this.role("auditor"), onKeys("ReadBrakes", { tableArn }, ["GetItem"], brakes));
  }

  /** The signed archive, and the key to check it with. */
  grantArchive(permissions: readonly Permission[]): void {
    for (const permission of permissions) permit(this.role("auditor"), permission);
  }

  /** Execution histories: auditors reconcile the log with them; operators also stop executions. */
  grantExecutions(): void {
    const machines = this.arn("states", "stateMachine", workflowStackName(this.stage, "*"));
    const executions = this.arn("states", "execution", workflowStackName(this.stage, "*:*"));
    const wildcard = "the state machines of this stage, which come and go with the workflows' own stacks";
    for (const job of ["auditor", "operator"] as const) {
      permit(this.role(job), {
        sid: "ListExecutions",
        actions: ["states:ListExecutions"],
        resources: [machines],
        wildcard,
      });
      const actions = ["states:DescribeExecution", "states:GetExecutionHistory"];
      permit(this.role(job), { sid: "ReadExecutions", actions, resources: [executions], wildcard });
    }
    permit(this.role("operator"), {
      sid: "StopExecutions",
      actions: ["states:StopExecution"],
      resources: [executions],
      wildcard,
    });
  }

  /**
   * Sealed values, in an emergency. MFA guards the taking of the role: credentials of an assumed role no longer say whether there
   * was MFA, so asking again here would deny everyone.
   */
  grantVault(vault: { readonly bucketArn: string; readonly keyArn: string }): void {
    const role = this.role("break-glass");
    permit(role, {
      sid: "ReadVault",
      actions: ["s3:GetObject"],
      resources: [`${vault.bucketArn}/*`],
      wildcard: "an emergency may need any run's sealed values; MFA guards the role and access logs record its use",
    });
    permit(role, { sid: "ListVault", actions: ["s3:ListBucket"], resources: [vault.bucketArn] });
    permit(role, {
      sid: "OpenVault",
      actions: ["kms:Decrypt"],
      resources: [vault.keyArn],
      conditions: { StringEquals: { "kms:ViaService": `s3.${Stack.of(this).region}.amazonaws.com` } },
    });
  }

  /** What a run's sealed values can be opened with, and what was put out for others to read: found and deleted, version by version, and never read. */
  grantShred(buckets: { readonly vaultArn: string; readonly contextArn: string }): void {
    const role = this.role("shredder");
    const wildcard =
      "any run may be the one that a person asks to be forgotten; nothing of it is read, and MFA guards the role";
    permit(role, {
      sid: "ListVersions",
      actions: ["s3:ListBucketVersions"],
      resources: [buckets.vaultArn, buckets.contextArn],
    });
    permit(role, {
      sid: "DeleteKeys",
      actions: ["s3:DeleteObjectVersion"],
      resources: [`${buckets.vaultArn}/${vaultKey.runKeys}`],
      wildcard,
    });
    permit(role, {
      sid: "DeletePutOut",
      actions: ["s3:DeleteObjectVersion"],
      resources: [contextKey.all, callKeyOf.all, viewKey.all].map((pattern) => `${buckets.contextArn}/${pattern}`),
      wildcard,
    });
  }

  private job(job: Job, description: string, conditions: iam.Conditions = {}): [Job, iam.Role] {
    const { stage } = this;
    const ownRoles = Stack.of(this).formatArn({
      service: "iam",
      region: "",
      resource: "role",
      resourceName: `countersign/${stage}/*`,
    });
    const role = new iam.Role(this, pascal(job), {
      path: rolePath(stage, "people"),
      description,
      maxSessionDuration: Duration.hours(1),
      assumedBy: new iam.PrincipalWithConditions(new iam.AccountRootPrincipal(), {
        ...conditions,
        // Only whom an administrator tagged for the job; and no function of ours ever becomes a person.
        StringEquals: {
          [`aws:PrincipalTag/${jobTag(stage)}`]: job,
          // The session is named after the person, by the administrator's tag and not by the caller's choice: who asked for a
          // run is read from it, and nobody approves what they asked for.
          "sts:RoleSessionName": `\${aws:PrincipalTag/${PERSON_TAG}}`,
        },
        ArnNotLike: { "aws:PrincipalArn": ownRoles },
      }),
    });
    permit(role, {
      sid: "ReadOutputs",
      actions: ["cloudformation:DescribeStacks"],
      resources: [`${controlPlaneStackName(stage)}/*`, `${workflowStackName(stage, "*")}/*`].map((stack) =>
        this.arn("cloudformation", "stack", stack),
      ),
      wildcard: "the command line reads names from the outputs of this stage's stacks, whose ids end in a random part",
    });
    return [job, role];
  }

  private read(job: Job, sid: string, tableArn: string): void {
    permit(this.role(job), { sid, actions: READ, resources: [tableArn, `${tableArn}/index/*`], wildcard: INDEXES });
  }

  /** `states` separates resource type and name with `:`, the others with `/`. */
  private arn(service: string, resource: string, resourceName: string): string {
    const arnFormat = service === "states" ? ArnFormat.COLON_RESOURCE_NAME : ArnFormat.SLASH_RESOURCE_NAME;
    return Stack.of(this).formatArn({ service, resource, resourceName, arnFormat });
  }
}
