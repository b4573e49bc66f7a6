/** Break-glass on the running cloud, with the role's own grants: who reads is written down first, and what is shown is what the log is committed to. */
import { DeleteItemCommand, DynamoDBClient, ExecuteStatementCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { PeopleRole } from "../../lib/client/connection.js";
import { noteOf, oversightOf, personOf } from "../../lib/client/oversight.js";
import { type RevealRequest, reveal, vaultOf } from "../../lib/client/reveal.js";
import { runReader } from "../../lib/client/runs.js";
import { CountersignError } from "../../lib/errors.js";
import { type RecordedEvent, recordedEvent } from "../../lib/run/events.js";
import { oversightKey, type RunRef, vaultKey } from "../../lib/run/keys.js";
import { AT, DISPUTE, FINISH, Flow, LOOKUP } from "../support/flow.js";

const SECRET = "I was charged twice; my card ends in 4242.";
let flow: Flow;
let run: RunRef;
let events: readonly RecordedEvent[];
beforeAll(async () => {
  flow = await Flow.shared();
});
beforeEach(async () => {
  await flow.begin([LOOKUP, FINISH]);
  run = await flow.start({ ...DISPUTE, claim: SECRET });
  await flow.play(run);
  events = await (await runReader(flow.connection, "break-glass")).events(run);
});

const asked = (more: Partial<RevealRequest> = {}): RevealRequest => ({
  run,
  events,
  by: "ana@example.com",
  reason: "chargeback 118",
  nowMs: AT,
  ...more,
});
const breakGlass = async () => ({
  vault: await vaultOf(flow.connection),
  oversight: await oversightOf(flow.connection, "break-glass"),
});
const readings = async () => (await oversightOf(flow.connection, "auditor")).readings();
const dynamo = (role: PeopleRole) => new DynamoDBClient({ ...flow.connection.client(role), maxAttempts: 1 });
const s3 = (options: object) => new S3Client({ ...options, forcePathStyle: true, maxAttempts: 1 });

describe("break-glass", () => {
  test("shows a value, checked against its commitment, and leaves who, when, which fields and why", async () => {
    const revealed = await reveal(await breakGlass(), asked({ seq: 1, field: "input" }));
    const value = { seq: 1, field: "input.claim", commitment: expect.any(String), value: SECRET };
    expect(revealed).toEqual({ values: [value], unknown: [] });
    expect(await readings()).toEqual([
      {
        v: 1,
        type: "ValuesRead",
        id: expect.any(String),
        at: "2026-05-02T16:30:00.000Z",
        by: "ana@example.com",
        workflow: "billing-dispute",
        tenant: "acme",
        run_id: run.runId,
        reason: "chargeback 118",
        fields: [{ seq: 1, field: "input.claim" }],
      },
    ]);
  });

  test("opens every sealed field of a run, and each is what its record says", async () => {
    const { values, unknown } = await reveal(await breakGlass(), asked());
    expect(unknown).toEqual([]);
    expect(values.map(({ field }) => field)).toEqual(expect.arrayContaining(["input.claim", "output.customer_name"]));
    expect((await readings()).at(-1)?.fields).toHaveLength(values.length);
  });

  test("writes before it opens: when the log of readers does not take it, nothing is opened", async () => {
    const opened: string[] = [];
    const { oversight } = await breakGlass();
    const refused = {
      vault: {
        readSecret: async () => void opened.push("key"),
        open: async () => void opened.push("values"),
      },
      oversight: {
        ...oversight,
        add: async () => {
          throw new CountersignError("CS-3405", "no");
        },
      },
    };
    await expect(reveal(refused, asked())).rejects.toMatchObject({ code: "CS-3405" });
    expect(opened).toEqual([]);
  });

  test("shows nothing when the vault's value is another than the log's, or a record does not hold; that it was asked for stays", async () => {
    const { oversight, vault } = await breakGlass();
    const other = {
      readSecret: vault.readSecret,
      open: async (...given: Parameters<typeof vault.open>) => {
        const sealed = await vault.open(...given);
        return Object.fromEntries(
          Object.entries(sealed ?? {}).map(([name, { nonce }]) => [name, { nonce, value: "I am content." }]),
        );
      },
    };
    await expect(reveal({ oversight, vault: other }, asked())).rejects.toMatchObject({ code: "CS-5015" });
    expect(await readings()).toHaveLength(1);
    const [first, ...rest] = events;
    const edited = [recordedEvent.parse({ ...first, at: "2026-05-02T16:30:00.001Z" }), ...rest];
    await expect(reveal({ oversight, vault }, asked({ events: edited }))).rejects.toMatchObject({ code: "CS-5015" });
  });

  test("refuses fields that are not sealed, naming those that are", async () => {
    for (const nothing of [{ field: "input.charge_id" }, { field: "inp" }, { seq: 99 }])
      await expect(reveal(await breakGlass(), asked(nothing))).rejects.toMatchObject({
        code: "CS-5016",
        message: expect.stringContaining("1 input.claim"),
      });
    expect(await readings()).toEqual([]);
  });

  test("a value that somebody put into the vault's place is refused", async () => {
    const { VaultBucket = "" } = flow.session.cloud.outputs("countersign-dev");
    const started = events[0];
    const writer = s3(flow.as(flow.roleOf("/log-writer/", "decide")));
    const Key = vaultKey.values(run, 1, started?.hash ?? "");
    await writer.send(new PutObjectCommand({ Bucket: VaultBucket, Key, Body: '{"v":1,"iv":"","tag":"","data":""}' }));
    await expect(reveal(await breakGlass(), asked({ seq: 1 }))).rejects.toThrow();
  });
});

test("who it is: on AWS the session, as STS says it; locally who they say", async () => {
  const onAws = { ...flow.connection, local: false };
  expect(await personOf(onAws, "break-glass", undefined)).toMatch(
    /^arn:aws:sts::\d+:assumed-role\/.*BreakGlass.*\/local-break-glass$/,
  );
  await expect(personOf(onAws, "break-glass", "ana@example.com")).rejects.toMatchObject({ code: "CS-5006" });
  expect(await personOf(flow.connection, "break-glass", "ana@example.com")).toBe("ana@example.com");
  for (const nobody of [undefined, "ana"])
    await expect(personOf(flow.connection, "break-glass", nobody)).rejects.toMatchObject({ code: "CS-5006" });
});

describe("the log of readers", () => {
  test("counts on: two at the same moment are both there, in one chain", async () => {
    const { oversight } = await breakGlass();
    const note = () => ({
      ...noteOf(run, "ana@example.com", AT),
      type: "ValuesRead" as const,
      reason: "r",
      fields: [],
    });
    const notes = Array.from({ length: 6 }, note);
    await Promise.all(notes.map((one) => oversight.add(one)));
    expect((await readings()).map(({ id }) => id).sort()).toEqual(notes.map(({ id }) => id).sort());
  });

  test("a note whose answer was lost is not written twice", async () => {
    const ref = { client: dynamo("break-glass"), table: (await flow.connection.controlPlane()).OversightTable };
    const { dynamoOversight } = await import("../../lib/aws/oversight.js");
    let lost = false;
    const send = ref.client.send.bind(ref.client);
    const losing = new Proxy(ref.client, {
      get: (target, name) =>
        name !== "send"
          ? Reflect.get(target, name)
          : async (command: never) => {
              const answer = await send(command);
              if ((command as object) instanceof ExecuteStatementCommand && !lost) {
                lost = true;
                throw Object.assign(new Error("taken"), { name: "DuplicateItemException" });
              }
              return answer;
            },
    });
    const note = { ...noteOf(run, "ana@example.com", AT), type: "ValuesRead" as const, reason: "r", fields: [] };
    await dynamoOversight({ ...ref, client: losing }).add(note);
    expect(lost).toBe(true);
    expect(await readings()).toHaveLength(1);
  });

  test("takes nothing back: nobody changes or removes a row, and each adds to its own partition alone", async () => {
    const { OversightTable: TableName, RunLogTable } = await flow.connection.controlPlane();
    await reveal(await breakGlass(), asked({ seq: 1 }));
    const row = { pk: { S: oversightKey.readings }, sk: { S: "00000001" } };
    const insert = (table: string, pk: string, sk = "00000099") =>
      new ExecuteStatementCommand({
        Statement: `INSERT INTO "${table}" VALUE {'pk': ?, 'sk': ?}`,
        Parameters: [{ S: pk }, { S: sk }],
      });
    const review = oversightKey.review(run);
    const may: Readonly<Record<string, readonly PeopleRole[]>> = {
      [oversightKey.readings]: ["break-glass"],
      [oversightKey.shreddings]: ["shredder"],
      [review]: ["auditor"],
    };
    for (const role of ["requester", "approver", "auditor", "operator", "break-glass", "shredder"] as const) {
      const client = dynamo(role);
      const refused = (call: Promise<unknown>) =>
        expect(call, role).rejects.toMatchObject({ name: "AccessDeniedException" });
      await refused(client.send(new DeleteItemCommand({ TableName, Key: row })));
      await refused(client.send(new PutItemCommand({ TableName, Item: row })));
      await refused(client.send(insert(RunLogTable, `billing-dispute#acme#${role}`)));
      for (const [pk, roles] of Object.entries(may)) {
        if (roles.includes(role)) await client.send(insert(TableName, pk));
        else await refused(client.send(insert(TableName, pk)));
      }
    }
    // what was smuggled in beside the port is told
    await expect(readings()).rejects.toMatchObject({ code: "CS-3402" });
  });

  test("the auditor, who reads it, opens no value; break-glass writes nothing into the vault", async () => {
    const { VaultBucket: Bucket } = await flow.connection.controlPlane();
    const Key = vaultKey.runKey(run);
    for (const role of ["auditor", "shredder", "operator"] as const)
      await expect(s3(flow.connection.client(role)).send(new GetObjectCommand({ Bucket, Key }))).rejects.toMatchObject({
        name: "AccessDenied",
      });
    const breaker = s3(flow.connection.client("break-glass"));
    await expect(breaker.send(new PutObjectCommand({ Bucket, Key, Body: "{}" }))).rejects.toMatchObject({
      name: "AccessDenied",
    });
  });
});
