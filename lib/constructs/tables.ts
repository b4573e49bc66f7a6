/** The five tables of a stage, as the grants see them: in the control plane's own stack and, imported, in a workflow's. */
import { approvalKey, brakeKey, budgetKey, effectKey, INBOX_INDEX, logKey, sessionKey } from "../run/keys.js";
import type { Permission } from "./permissions.js";
import type { Grantee } from "./zone-function.js";

export interface TableIdentity {
  readonly tableName: string;
  readonly tableArn: string;
}

/** Actions on one table, on items whose partition key matches one of the patterns, and on no others. */
export function onKeys(
  sid: string,
  table: Pick<TableIdentity, "tableArn">,
  actions: readonly string[],
  keys: readonly string[],
): Permission {
  return {
    sid,
    actions: actions.map((action) => `dynamodb:${action}`),
    resources: [table.tableArn],
    conditions: {
      "ForAllValues:StringLike": { "dynamodb:LeadingKeys": [...keys] },
      // ForAllValues is true of a request without the key: such a request names no partition, so it is not ours.
      Null: { "dynamodb:LeadingKeys": "false" },
    },
  };
}

export class RunLogTable {
  constructor(private readonly table: TableIdentity) {}

  /** Log writers: read the workflow's runs and add entries. `PartiQLInsert` fails on an entry that exists. */
  grantAppend(grantee: Grantee, workflow: string): void {
    grantee.provide(
      this.environment,
      onKeys("AppendToLog", this.table, ["PartiQLInsert", "Query"], [logKey.ofWorkflow(workflow)]),
    );
  }
  /** Tools: read their permit and whether the run is closed. */
  grantRead(grantee: Grantee, workflow: string): void {
    grantee.provide(this.environment, onKeys("ReadLog", this.table, ["Query"], [logKey.ofWorkflow(workflow)]));
  }
  /** The notary: reads every workflow's runs, and which runs there are. */
  grantReadAll(grantee: Grantee, index: string): void {
    grantee.provide(this.environment, {
      sid: "ReadWholeLog",
      actions: ["dynamodb:Query"],
      resources: [this.table.tableArn, `${this.table.tableArn}/index/${index}`],
    });
  }
  private get environment() {
    return { RUN_LOG_TABLE: this.table.tableName };
  }
}

export class ControlTable {
  constructor(private readonly table: TableIdentity) {}

  /** Reads one workflow's brake, or with `*` every workflow's. */
  grantRead(grantee: Grantee, workflow: string): void {
    grantee.provide(
      { CONTROL_TABLE: this.table.tableName },
      onKeys("ReadBrake", this.table, ["GetItem"], [brakeKey.pk(workflow)]),
    );
  }
}

export class BudgetsTable {
  constructor(private readonly table: TableIdentity) {}

  /** Leases, counters, open runs and unique inputs of one workflow. */
  grantUse(grantee: Grantee, workflow: string): void {
    grantee.provide(
      { BUDGETS_TABLE: this.table.tableName },
      onKeys(
        "KeepBudgets",
        this.table,
        ["GetItem", "Query", "PutItem", "UpdateItem", "DeleteItem"],
        [budgetKey.ofWorkflow(workflow)],
      ),
    );
  }
  /** What is taken for a run is taken only while its open row stands. */
  grantTake(grantee: Grantee, workflow: string): void {
    this.grantUse(grantee, workflow);
    grantee.provide({}, onKeys("TakeWhileOpen", this.table, ["ConditionCheckItem"], [budgetKey.open(workflow)]));
  }
}

export class EffectsTable {
  constructor(private readonly table: TableIdentity) {}

  /** One tool's own rows: claim, then outcome. */
  grantClaim(grantee: Grantee, workflow: string, tool: string): void {
    grantee.provide(
      this.environment,
      onKeys("ClaimEffects", this.table, ["GetItem", "PutItem", "UpdateItem"], [effectKey.ofTool(workflow, tool)]),
    );
  }
  /** The gate and close-run settle from every tool's rows. */
  grantRead(grantee: Grantee, workflow: string): void {
    grantee.provide(this.environment, onKeys("ReadEffects", this.table, ["GetItem"], [effectKey.ofWorkflow(workflow)]));
  }
  private get environment() {
    return { EFFECTS_TABLE: this.table.tableName };
  }
}

/** Sign-ins under way and people signed in: the desk's own. */
export class SessionsTable {
  constructor(private readonly table: TableIdentity) {}

  /** Rows are added and read, never changed: a session is ended by a row beside it. */
  grantUse(grantee: Grantee): void {
    grantee.provide(
      { SESSIONS_TABLE: this.table.tableName },
      onKeys("KeepSessions", this.table, ["GetItem", "PartiQLInsert"], sessionKey.all),
    );
  }
}

export class ApprovalsTable {
  constructor(private readonly table: TableIdentity) {}

  /** The gate reads how people answered its workflow's questions, ends them, and says what became of them. */
  grantGate(grantee: Grantee, workflow: string): void {
    const closings = approvalKey.closingsOf(workflow);
    grantee.provide(
      this.environment,
      onKeys(
        "ReadAnswers",
        this.table,
        ["Query"],
        [approvalKey.decisionsOf(workflow), approvalKey.actsOf(workflow), approvalKey.toldOf(workflow)],
      ),
      onKeys("ReadClosings", this.table, ["GetItem"], [closings]),
      onKeys("TellOutcomes", this.table, ["PartiQLInsert"], [closings, approvalKey.outcomesOf(workflow)]),
    );
  }
  /** Close-run says that a question is over because its run is. */
  grantTell(grantee: Grantee, workflow: string): void {
    grantee.provide(
      this.environment,
      onKeys("TellOutcomes", this.table, ["PartiQLInsert"], [approvalKey.outcomesOf(workflow)]),
    );
  }
  /** `request-approval`: adds requests, tokens and links; sees which of its own requests were mailed already. */
  grantRequest(grantee: Grantee, workflow: string): void {
    const requests = approvalKey.requestsOf(workflow);
    grantee.provide(
      this.environment,
      onKeys("AddRequests", this.table, ["PartiQLInsert"], [requests, approvalKey.links]),
      onKeys("ReadRequests", this.table, ["Query"], [requests]),
    );
  }
  /** `approval-desk`: reads every kind of row, adds decisions and what else people do, ends questions, counts wrong codes. */
  grantDecide(grantee: Grantee): void {
    const { decisions, acts, closings, outcomes, challenges, links } = approvalKey;
    const readable = [approvalKey.requestsOf("*"), links, decisions, acts, closings, outcomes, challenges];
    grantee.provide(
      this.environment,
      onKeys("ReadApprovals", this.table, ["GetItem", "Query"], readable),
      onKeys("AddDecisions", this.table, ["PartiQLInsert"], [decisions, acts, closings]),
      onKeys("CountTries", this.table, ["UpdateItem"], [challenges]),
    );
  }
  /** `approval-slack`: the same without links and codes, which Slack's signature takes the place of; and receipts of what it answered. */
  grantDecideInSlack(grantee: Grantee): void {
    const { decisions, acts, closings, outcomes, receipts } = approvalKey;
    grantee.provide(
      this.environment,
      onKeys(
        "ReadApprovals",
        this.table,
        ["GetItem", "Query"],
        [approvalKey.requestsOf("*"), decisions, acts, closings, outcomes, receipts],
      ),
      onKeys("AddDecisions", this.table, ["PartiQLInsert"], [decisions, acts, closings, receipts]),
    );
  }
  /** What each person was asked, for their inbox. */
  grantInbox(grantee: Grantee): void {
    grantee.provide(this.environment, {
      sid: "ListInbox",
      actions: ["dynamodb:Query"],
      resources: [`${this.table.tableArn}/index/${INBOX_INDEX.name}`],
    });
  }
  /** `approval-sender`: reads all but wrong tries, ends questions, adds links, codes, what it sent and whom it told. */
  grantSend(grantee: Grantee): void {
    const { decisions, acts, tolds, closings, outcomes, links } = approvalKey;
    const requests = approvalKey.requestsOf("*");
    const readable = [requests, links, decisions, acts, closings, outcomes];
    grantee.provide(
      this.environment,
      onKeys("ReadApprovals", this.table, ["GetItem", "Query"], readable),
      onKeys("AddSent", this.table, ["PartiQLInsert"], [requests, links, tolds, closings]),
    );
  }
  private get environment() {
    return { APPROVALS_TABLE: this.table.tableName };
  }
}
