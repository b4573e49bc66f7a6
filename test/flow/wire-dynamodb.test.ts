/** The run log through `aws dynamodb`: readers read, log writers insert, and an administrator of the account cannot write to it. */
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { AwsCli, INSTALLED, refusal } from "../support/isolation-aws-cli.js";

let cli: AwsCli;
let table: string;
let logArn: string;
beforeAll(async () => {
  if (!INSTALLED) return;
  cli = await AwsCli.open(inject("assembly"));
  const { RunLogTable, RunLogTableArn } = cli.cloud.outputs("countersign-dev");
  [table, logArn] = [RunLogTable ?? "", RunLogTableArn ?? ""];
});
afterAll(() => cli?.close());

describe.skipIf(!INSTALLED)("aws dynamodb on the run log", () => {
  const PK = "billing-dispute#acme#by-hand";
  const KEY = JSON.stringify({ pk: { S: PK }, sk: { S: "00000001" } });
  const ddb = (by: string, operation: string, ...options: string[]) => cli.run(by, "dynamodb", operation, ...options);
  const statement = (by: string, sql: string, ...values: string[]) =>
    ddb(
      by,
      "execute-statement",
      "--statement",
      sql,
      ...(values.length === 0 ? [] : ["--parameters", JSON.stringify(values.map((S) => ({ S })))]),
    );
  const insert = (by: string, sk = "00000001") =>
    statement(by, `INSERT INTO "${table}" VALUE {'pk': ?, 'sk': ?, 'event': ?}`, PK, sk, '{"type":"RunStarted"}');

  test("execute-statement inserts for a log writer, once; query and scan read for whom they are granted", async () => {
    const writer = cli.role("/log-writer/", "WorkflowAdmit");
    await insert(writer);
    const query = (by: string, index: string[] = []) =>
      ddb(
        by,
        "query",
        "--table-name",
        table,
        ...index,
        "--key-condition-expression",
        "pk = :k",
        "--expression-attribute-values",
        JSON.stringify({ ":k": { S: PK } }),
      );
    const item = { pk: { S: PK }, sk: { S: "00000001" }, event: { S: '{"type":"RunStarted"}' } };
    const [again, read, scanned, selected, notScan] = await Promise.all([
      refusal(insert(writer)),
      query(cli.role("/people/", "PeopleAuditor")),
      ddb(cli.person("admin"), "scan", "--table-name", table),
      statement(cli.person("admin"), `SELECT * FROM "${table}" WHERE pk = ?`, PK),
      refusal(ddb(cli.role("/people/", "PeopleAuditor"), "scan", "--table-name", table)),
    ]);
    expect(again).toBe("DuplicateItemException");
    expect(read).toMatchObject({ Count: 1, Items: [item] });
    expect(scanned).toMatchObject({ Count: 1, Items: [item] });
    expect(selected).toMatchObject({ Items: [item] });
    expect(notScan).toBe("AccessDeniedException");
  });

  test("an administrator, whose own policy allows everything, cannot write, change, remove or weaken it", async () => {
    const admin = cli.person("admin");
    const attempts: Record<string, () => Promise<unknown>> = {
      insert: () => insert(admin, "00000002"),
      put: () =>
        ddb(
          admin,
          "put-item",
          "--table-name",
          table,
          "--item",
          JSON.stringify({ ...JSON.parse(KEY), event: { S: "{}" } }),
        ),
      update: () =>
        ddb(admin, "update-item", "--table-name", table, "--key", KEY, "--update-expression", "REMOVE event"),
      delete: () => ddb(admin, "delete-item", "--table-name", table, "--key", KEY),
      batch: () =>
        ddb(
          admin,
          "batch-write-item",
          "--request-items",
          JSON.stringify({ [table]: [{ DeleteRequest: { Key: JSON.parse(KEY) } }] }),
        ),
      transaction: () =>
        ddb(
          admin,
          "transact-write-items",
          "--transact-items",
          JSON.stringify([{ Delete: { TableName: table, Key: JSON.parse(KEY) } }]),
        ),
      "update statement": () =>
        statement(admin, `UPDATE "${table}" SET event = ? WHERE pk = ? AND sk = ?`, "{}", PK, "00000001"),
      "delete statement": () => statement(admin, `DELETE FROM "${table}" WHERE pk = ? AND sk = ?`, PK, "00000001"),
      policy: () => ddb(admin, "delete-resource-policy", "--resource-arn", logArn),
      lifetime: () =>
        ddb(
          admin,
          "update-time-to-live",
          "--table-name",
          table,
          "--time-to-live-specification",
          "Enabled=true,AttributeName=at",
        ),
      protection: () => ddb(admin, "update-table", "--table-name", table, "--no-deletion-protection-enabled"),
      table: () => ddb(admin, "delete-table", "--table-name", table),
    };
    const refusals = await Promise.all(
      Object.entries(attempts).map(async ([name, attempt]) => [name, await refusal(attempt())] as const),
    );
    expect(Object.fromEntries(refusals)).toEqual(
      Object.fromEntries(Object.keys(attempts).map((name) => [name, "AccessDeniedException"])),
    );
    expect(await ddb(admin, "scan", "--table-name", table, "--select", "COUNT")).toMatchObject({ Count: 1 });
  });
});
