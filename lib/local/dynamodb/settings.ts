/** The operations on tables themselves. */
import { createHash } from "node:crypto";
import { resourcePolicy } from "../services/support/policies.js";
import { epochSeconds, parseRequest } from "../services/support/request.js";
import { AwsFault } from "../types.js";
import type { Operation } from "./database.js";
import { describe } from "./description.js";
import * as requests from "./requests.js";
import type { TableSettings } from "./tables.js";

export const describeTable: Operation = async (db, body, caller) => {
  const { TableName: name } = parseRequest("dynamodb", body, requests.onTable);
  db.access.authorize(caller, "DescribeTable", name);
  return { Table: describe(db.tables.get(name), "ACTIVE") };
};

export const listTables: Operation = (db, body, caller) => {
  const input = parseRequest("dynamodb", body, requests.listTables);
  db.access.authorizeAll(caller, "ListTables");
  const after = input.ExclusiveStartTableName;
  const names = db.tables.names().filter((name) => after === undefined || name > after);
  const page = names.slice(0, input.Limit ?? 100);
  const last = page.at(-1);
  return {
    TableNames: page,
    ...(page.length < names.length && last !== undefined ? { LastEvaluatedTableName: last } : {}),
  };
};

export const createTable: Operation = async (db, body, caller) => {
  const { TableName: name, ...properties } = parseRequest("dynamodb", body, requests.createTable);
  db.access.authorize(caller, "CreateTable", name);
  if (properties.Tags !== undefined) db.access.authorize(caller, "TagResource", name);
  if (db.tables.find(name) !== undefined) throw new AwsFault("ResourceInUseException", `Table already exists: ${name}`);
  const table = await db.createTable(name, { TableName: name, ...properties });
  return { TableDescription: describe(table, "ACTIVE") };
};

export const updateTable: Operation = (db, body, caller) => {
  const input = parseRequest("dynamodb", body, requests.updateTable);
  db.access.authorize(caller, "UpdateTable", input.TableName);
  const table = db.tables.get(input.TableName);
  table.settings = { ...table.settings, deletionProtection: input.DeletionProtectionEnabled };
  return { TableDescription: describe(table, "ACTIVE") };
};

export const deleteTable: Operation = async (db, body, caller) => {
  const { TableName: name } = parseRequest("dynamodb", body, requests.onTable);
  db.access.authorize(caller, "DeleteTable", name);
  const table = db.tables.get(name);
  if (table.settings.deletionProtection) {
    throw new AwsFault(
      "ValidationException",
      "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.",
    );
  }
  await db.dropTable(name);
  return { TableDescription: describe(table, "DELETING") };
};

export const describeTimeToLive: Operation = (db, body, caller) => {
  const { TableName: name } = parseRequest("dynamodb", body, requests.onTable);
  db.access.authorize(caller, "DescribeTimeToLive", name);
  const attribute = db.tables.get(name).settings.timeToLiveAttribute;
  const enabled = { TimeToLiveStatus: "ENABLED", AttributeName: attribute };
  return { TimeToLiveDescription: attribute === undefined ? { TimeToLiveStatus: "DISABLED" } : enabled };
};

/** Stored and shown. AWS deletes expired items within days, not on time, so the embedded cloud deletes none. */
export const updateTimeToLive: Operation = (db, body, caller) => {
  const input = parseRequest("dynamodb", body, requests.updateTimeToLive);
  db.access.authorize(caller, "UpdateTimeToLive", input.TableName);
  const table = db.tables.get(input.TableName);
  const { AttributeName: attribute, Enabled: enabled } = input.TimeToLiveSpecification;
  const { timeToLiveAttribute: current, ...settings } = table.settings;
  if (enabled === (current !== undefined)) {
    throw new AwsFault("ValidationException", `TimeToLive is already ${enabled ? "enabled" : "disabled"}`);
  }
  table.settings = enabled ? { ...settings, timeToLiveAttribute: attribute } : settings;
  return { TimeToLiveSpecification: input.TimeToLiveSpecification };
};

export const describeContinuousBackups: Operation = (db, body, caller) => {
  const { TableName: name } = parseRequest("dynamodb", body, requests.onTable);
  db.access.authorize(caller, "DescribeContinuousBackups", name);
  return { ContinuousBackupsDescription: backups(db.tables.get(name).settings, db.ctx.clock.now()) };
};

export const updateContinuousBackups: Operation = (db, body, caller) => {
  const input = parseRequest("dynamodb", body, requests.updateContinuousBackups);
  db.access.authorize(caller, "UpdateContinuousBackups", input.TableName);
  const table = db.tables.get(input.TableName);
  const wanted = input.PointInTimeRecoverySpecification;
  table.settings = {
    ...table.settings,
    pointInTimeRecovery: wanted.PointInTimeRecoveryEnabled,
    recoveryPeriodDays: wanted.RecoveryPeriodInDays ?? 35,
  };
  return { ContinuousBackupsDescription: backups(table.settings, db.ctx.clock.now()) };
};

/** The setting only: there are no backups to restore from here. */
function backups(settings: TableSettings, nowMs: number) {
  const enabled = { RecoveryPeriodInDays: settings.recoveryPeriodDays, LatestRestorableDateTime: epochSeconds(nowMs) };
  return {
    ContinuousBackupsStatus: "ENABLED",
    PointInTimeRecoveryDescription: {
      PointInTimeRecoveryStatus: settings.pointInTimeRecovery ? "ENABLED" : "DISABLED",
      ...(settings.pointInTimeRecovery ? enabled : {}),
    },
  };
}

export const getResourcePolicy: Operation = (db, body, caller) => {
  const { ResourceArn: arn } = parseRequest("dynamodb", body, requests.onResource);
  db.access.authorizeArn(caller, "GetResourcePolicy", arn);
  const policy = db.tables.byArn(arn).settings.resourcePolicy;
  if (policy === undefined) throw noPolicy(arn);
  return { Policy: policy.text, RevisionId: policy.revision };
};

export const putResourcePolicy: Operation = (db, body, caller) => {
  const input = parseRequest("dynamodb", body, requests.putResourcePolicy);
  db.access.authorizeArn(caller, "PutResourcePolicy", input.ResourceArn);
  const table = db.tables.byArn(input.ResourceArn);
  const current = table.settings.resourcePolicy?.revision;
  const expected = input.ExpectedRevisionId;
  if (expected !== undefined && expected !== (current ?? "NO_POLICY")) throw noPolicy(input.ResourceArn);
  const resourcePolicy = storedPolicy(input.Policy);
  table.settings = { ...table.settings, resourcePolicy };
  return { RevisionId: resourcePolicy.revision };
};

export const deleteResourcePolicy: Operation = (db, body, caller) => {
  const input = parseRequest("dynamodb", body, requests.deleteResourcePolicy);
  db.access.authorizeArn(caller, "DeleteResourcePolicy", input.ResourceArn);
  const table = db.tables.byArn(input.ResourceArn);
  const { resourcePolicy: current, ...settings } = table.settings;
  if (current === undefined) return {};
  if (input.ExpectedRevisionId !== undefined && input.ExpectedRevisionId !== current.revision) {
    throw noPolicy(input.ResourceArn);
  }
  table.settings = settings;
  return { RevisionId: current.revision };
};

/** A policy with its revision, which follows from its text. @throws AwsFault ValidationException */
export function storedPolicy(text: string): NonNullable<TableSettings["resourcePolicy"]> {
  let parsed: ReturnType<typeof resourcePolicy.safeParse>;
  try {
    parsed = resourcePolicy.safeParse(JSON.parse(text));
  } catch (cause) {
    throw new AwsFault("ValidationException", `Syntax error in resource policy: ${String(cause)}`);
  }
  if (!parsed.success)
    throw new AwsFault("ValidationException", `Syntax error in resource policy: ${parsed.error.message}`);
  const revision = BigInt(`0x${createHash("sha256").update(text).digest("hex").slice(0, 12)}`).toString();
  return { document: parsed.data, text, revision };
}

function noPolicy(arn: string): AwsFault {
  return new AwsFault(
    "PolicyNotFoundException",
    `Resource-based policy not found for the provided ResourceArn: ${arn}`,
  );
}

export const listTagsOfResource: Operation = (db, body, caller) => {
  const { ResourceArn: arn } = parseRequest("dynamodb", body, requests.onResource);
  db.access.authorizeArn(caller, "ListTagsOfResource", arn);
  return { Tags: db.tables.byArn(arn).tags };
};
