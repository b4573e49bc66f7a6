/** The tables of one run of the tests on AWS: made under names of their own, tagged, and removed whatever happened. */
import {
  CreateTableCommand,
  DeleteTableCommand,
  type DynamoDBClient,
  ListTablesCommand,
  ResourceNotFoundException,
  waitUntilTableExists,
  waitUntilTableNotExists,
} from "@aws-sdk/client-dynamodb";
import { CountersignError } from "../lib/errors.js";

/** What the suites need a table for. */
export const PORTS = ["log", "effects", "budgets", "approvals"] as const;
const MAX_WAIT_SEC = 300;
const attribute = (AttributeName: string) => ({ AttributeName, AttributeType: "S" as const });

export interface Tables {
  /** removes every table; @throws CountersignError CS-5091 naming what is still there */
  remove(): Promise<void>;
}

/** `countersign-test-20261121t120000-3f9a-log` … */
export const tableName = (run: string, port: string): string => `${run}-${port}`;

/** @throws CountersignError CS-5091; what was made until then is removed first */
export async function createTables(client: DynamoDBClient, run: string, say: (line: string) => void): Promise<Tables> {
  const names: string[] = [];
  const remove = () => removeTables(client, names, say);
  try {
    for (const port of PORTS) {
      // Listed first: a call whose answer is lost may have made the table.
      names.push(tableName(run, port));
      await createTable(client, tableName(run, port), run, say);
    }
    const waiting = names.map((TableName) =>
      waitUntilTableExists({ client, maxWaitTime: MAX_WAIT_SEC }, { TableName }),
    );
    await Promise.all(waiting);
  } catch (error) {
    if (error instanceof Error && error.name === "AccessDeniedException") names.pop();
    await remove();
    throw new CountersignError("CS-5091", `tables ${run}-*: not created: ${String(error)}`, { run });
  }
  return { remove };
}

async function createTable(client: DynamoDBClient, name: string, run: string, say: (line: string) => void) {
  say(`+ table ${name}`);
  await client.send(
    new CreateTableCommand({
      TableName: name,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [attribute("pk"), attribute("sk")],
      KeySchema: [
        { AttributeName: "pk", KeyType: "HASH" },
        { AttributeName: "sk", KeyType: "RANGE" },
      ],
      Tags: [
        { Key: "countersign:test", Value: run },
        { Key: "countersign:remove", Value: "any time" },
      ],
    }),
  );
}

async function removeTables(client: DynamoDBClient, names: readonly string[], say: (line: string) => void) {
  const results = await Promise.allSettled(names.map((name) => removeTable(client, name, say)));
  const left = names.filter((_, index) => results[index]?.status === "rejected");
  if (left.length === 0) return;
  const why = results.flatMap((result) => (result.status === "rejected" ? [String(result.reason)] : []));
  throw new CountersignError("CS-5091", `still there: ${left.join(", ")}: ${why.join("; ")}; delete them by hand`, {
    left,
  });
}

async function removeTable(client: DynamoDBClient, TableName: string, say: (line: string) => void): Promise<void> {
  try {
    await client.send(new DeleteTableCommand({ TableName }));
    await waitUntilTableNotExists({ client, maxWaitTime: MAX_WAIT_SEC }, { TableName });
    say(`- table ${TableName}`);
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error;
  }
}

/** Tables that earlier runs left behind because they were killed. */
export async function tablesLeftBehind(client: DynamoDBClient, prefix: string): Promise<string[]> {
  const { TableNames = [] } = await client.send(new ListTablesCommand({ ExclusiveStartTableName: prefix, Limit: 100 }));
  return TableNames.filter((name) => name.startsWith(prefix)).map((name) => `table ${name}`);
}
