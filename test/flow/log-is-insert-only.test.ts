import {
  DeleteItemCommand,
  DynamoDBClient,
  ExecuteStatementCommand,
  PutItemCommand,
  PutResourcePolicyCommand,
  UpdateItemCommand,
  UpdateTimeToLiveCommand,
} from "@aws-sdk/client-dynamodb";
import { beforeAll, describe, expect, test } from "vitest";
import { logKey } from "../../lib/run/keys.js";
import { Flow, LOOKUP } from "../support/flow.js";

let flow: Flow;
let table: string;
let key: { pk: { S: string }; sk: { S: string } };
beforeAll(async () => {
  flow = await Flow.shared();
  ({ RunLogTable: table } = await flow.connection.controlPlane());
  await flow.begin([LOOKUP]);
  const run = await flow.start();
  await flow.settled(run);
  key = { pk: { S: logKey.pk(run) }, sk: { S: logKey.sk(1) } };
});

/** Role ARN by what it is for, for every role of both stacks. */
const roles = () =>
  flow.session.cloud.roles.list().map(({ arn }) => ({ arn, name: arn.slice(arn.indexOf("role/") + 5) }));
const clientOf = (arn: string) => new DynamoDBClient(flow.as(arn));
const insert = (pk: string) =>
  new ExecuteStatementCommand({
    Statement: `INSERT INTO "${table}" VALUE {'pk': ?, 'sk': ?, 'event': ?}`,
    Parameters: [{ S: pk }, { S: "00009999" }, { S: "{}" }],
  });

describe("no role can overwrite, change or remove an entry, or weaken the table", () => {
  test("put, update, delete, policy and lifetime are refused to every role", async () => {
    expect(roles().length).toBeGreaterThan(15);
    for (const { arn, name } of roles()) {
      const client = clientOf(arn);
      const attempts = [
        new PutItemCommand({ TableName: table, Item: { ...key, event: { S: "{}" } } }),
        new UpdateItemCommand({
          TableName: table,
          Key: key,
          UpdateExpression: "SET event = :e",
          ExpressionAttributeValues: { ":e": { S: "{}" } },
        }),
        new DeleteItemCommand({ TableName: table, Key: key }),
        new ExecuteStatementCommand({
          Statement: `DELETE FROM "${table}" WHERE pk = ? AND sk = ?`,
          Parameters: [key.pk, key.sk],
        }),
        new ExecuteStatementCommand({
          Statement: `UPDATE "${table}" SET event = ? WHERE pk = ? AND sk = ?`,
          Parameters: [{ S: "{}" }, key.pk, key.sk],
        }),
        new PutResourcePolicyCommand({
          ResourceArn: `arn:aws:dynamodb:${flow.session.cloud.context.region}:${flow.session.cloud.context.accountId}:table/${table}`,
          Policy: '{"Version":"2012-10-17","Statement":[]}',
        }),
        new UpdateTimeToLiveCommand({
          TableName: table,
          TimeToLiveSpecification: { Enabled: true, AttributeName: "at" },
        }),
      ];
      for (const attempt of attempts)
        await expect(client.send(attempt as never), `${name} ${attempt.constructor.name}`).rejects.toMatchObject({
          name: "AccessDeniedException",
        });
    }
  }, 120_000);

  test("only admit, decide and close-run can insert, and only under their own workflow", async () => {
    const able: string[] = [];
    for (const { arn, name } of roles()) {
      const client = clientOf(arn);
      await expect(client.send(insert("other-workflow#acme#x")), name).rejects.toMatchObject({
        name: "AccessDeniedException",
      });
      await client.send(insert(`billing-dispute#acme#${able.length}`)).then(
        () => able.push(name),
        (error: unknown) => expect(error).toMatchObject({ name: "AccessDeniedException" }),
      );
    }
    expect(able).toHaveLength(3);
    expect(able.every((name) => name.startsWith("countersign/dev/log-writer/"))).toBe(true);
  }, 120_000);

  test("a log writer's second insert at the same place fails and the first entry stands", async () => {
    const [writer] = roles().filter(({ name }) => name.startsWith("countersign/dev/log-writer/"));
    const client = clientOf(writer?.arn ?? "");
    await client.send(insert("billing-dispute#acme#twice"));
    await expect(client.send(insert("billing-dispute#acme#twice"))).rejects.toMatchObject({
      name: "DuplicateItemException",
    });
  });
});
