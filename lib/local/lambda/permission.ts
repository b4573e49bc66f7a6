import * as z from "zod";
import { parseProperties } from "../services/support/properties.js";
import type { PolicyStatement, ResourceRequest } from "../types.js";

const PermissionProperties = z.strictObject({
  Action: z.literal("lambda:InvokeFunction"),
  FunctionName: z.string(),
  Principal: z.string(),
  SourceArn: z.string().optional(),
  SourceAccount: z.string().optional(),
});
const EventInvokeProperties = z.strictObject({
  FunctionName: z.string(),
  Qualifier: z.literal("$LATEST"),
  MaximumRetryAttempts: z.number().int().min(0).max(2).default(2),
  MaximumEventAgeInSeconds: z.number().int().min(60).max(21_600).default(21_600),
});

/** A statement of a function's resource policy; `functionReference` says whose. */
export function permissionStatement(
  request: ResourceRequest,
  arnOf: (reference: string) => string,
): { functionReference: string; statement: PolicyStatement } {
  const { Action, FunctionName, Principal, SourceArn, SourceAccount } = parseProperties(request, PermissionProperties);
  const condition = {
    ...(SourceArn === undefined ? {} : { ArnLike: { "aws:SourceArn": SourceArn } }),
    ...(SourceAccount === undefined ? {} : { StringEquals: { "aws:SourceAccount": SourceAccount } }),
  };
  const statement: PolicyStatement = {
    Sid: request.logicalId,
    Effect: "Allow",
    Principal: principal(Principal),
    Action,
    Resource: arnOf(FunctionName),
    ...(Object.keys(condition).length === 0 ? {} : { Condition: condition }),
  };
  return { functionReference: FunctionName, statement };
}

/** How an asynchronous invocation is repeated. */
export interface AsyncSettings {
  readonly maximumRetryAttempts: number;
  readonly maximumEventAgeMs: number;
}
export const DEFAULT_ASYNC_SETTINGS: AsyncSettings = { maximumRetryAttempts: 2, maximumEventAgeMs: 6 * 3600 * 1000 };

export function asyncSettings(request: ResourceRequest): { functionReference: string; settings: AsyncSettings } {
  const properties = parseProperties(request, EventInvokeProperties);
  const settings = {
    maximumRetryAttempts: properties.MaximumRetryAttempts,
    maximumEventAgeMs: properties.MaximumEventAgeInSeconds * 1000,
  };
  return { functionReference: properties.FunctionName, settings };
}

function principal(value: string): unknown {
  if (value === "*") return "*";
  if (/^[a-z0-9.-]+\.amazonaws\.com$/.test(value)) return { Service: value };
  return { AWS: /^\d{12}$/.test(value) ? `arn:aws:iam::${value}:root` : value };
}
