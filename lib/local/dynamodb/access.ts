/** The question the IAM check gets for each operation, with DynamoDB's own condition keys. */
import type { Caller, IamCheck } from "../types.js";
import type { Table, Tables } from "./tables.js";
import { type Item, keyText } from "./values.js";

/** What a request touches; each member becomes a condition key. */
export interface Touched {
  readonly index?: string;
  /** items or keys that carry the partition key's value */
  readonly items?: readonly Item[];
  /** values of the partition key, where no item carries them */
  readonly partitionValues?: readonly string[];
  readonly attributes?: readonly string[];
  readonly select?: string;
  readonly returnValues?: string;
  readonly fullTableScan?: boolean;
  /** the transaction the action is part of, e.g. `TransactWriteItems` */
  readonly enclosing?: string;
}

export interface Access {
  /** @throws AwsFault AccessDeniedException */
  authorize(caller: Caller, action: string, tableName: string, touched?: Touched): void;
  /** for actions without a table */
  authorizeAll(caller: Caller, action: string): void;
  /** for actions that name the table by its ARN */
  authorizeArn(caller: Caller, action: string, arn: string): void;
}

export function createAccess(iam: IamCheck, tables: Tables, arnOf: (tableName: string) => string): Access {
  function ask(caller: Caller, action: string, arn: string, table: Table | undefined, touched: Touched): void {
    const policy = table?.settings.resourcePolicy?.document;
    iam.authorize({
      caller,
      action: `dynamodb:${action}`,
      resource: touched.index === undefined ? arn : `${arn}/index/${touched.index}`,
      context: conditionKeys(table, touched),
      ...(policy === undefined ? {} : { resourcePolicy: policy }),
    });
  }
  return {
    authorize: (caller, action, tableName, touched = {}) =>
      ask(caller, action, arnOf(tableName), tables.find(tableName), touched),
    authorizeAll: (caller, action) => ask(caller, action, "*", undefined, {}),
    authorizeArn(caller, action, arn) {
      const table = tables
        .names()
        .flatMap((name) => tables.find(name) ?? [])
        .find((candidate) => candidate.arn === arn);
      ask(caller, action, arn, table, {});
    },
  };
}

function conditionKeys(table: Table | undefined, touched: Touched) {
  const partition = table?.keys.partition;
  const ofItems = (touched.items ?? []).flatMap((item) =>
    partition === undefined ? [] : (keyText(item[partition]) ?? []),
  );
  const leadingKeys = [...new Set([...ofItems, ...(touched.partitionValues ?? [])])];
  return {
    ...(leadingKeys.length === 0 ? {} : { "dynamodb:LeadingKeys": leadingKeys }),
    ...(touched.attributes === undefined ? {} : { "dynamodb:Attributes": [...new Set(touched.attributes)] }),
    ...(touched.select === undefined ? {} : { "dynamodb:Select": touched.select }),
    ...(touched.returnValues === undefined ? {} : { "dynamodb:ReturnValues": touched.returnValues }),
    ...(touched.fullTableScan === undefined ? {} : { "dynamodb:FullTableScan": touched.fullTableScan }),
    ...(touched.enclosing === undefined ? {} : { "dynamodb:EnclosingOperation": touched.enclosing }),
  };
}
