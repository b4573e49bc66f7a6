/**
 * What people did with records: who read sealed values, whose were shredded, what was reviewed. Each kind is a chain of rows that are inserted and
 * never changed; the chain shows a row that was taken out or changed by somebody who may administer the table.
 */
import { QueryCommand } from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import * as z from "zod";
import { CountersignError } from "../errors.js";
import { jcs, sha256Hex } from "../run/canonical.js";
import { oversightKey, type RunRef } from "../run/keys.js";
import { insertRow, parseJson, parseRow, queryRows, type TableRef } from "./dynamo.js";

const hex64 = z.string().regex(/^[0-9a-f]{64}$/);
const isoTime = z.iso.datetime({ precision: 3 });
/** The longest reason or note. */
export const MAX_WORDS = 2000;
const words = z.string().min(1).max(MAX_WORDS);
export const VERDICTS = ["ok", "concern"] as const;

const about = {
  v: z.literal(1),
  /** of the act, so that a repeat after a lost answer finds its own row */
  id: z.string(),
  at: isoTime,
  /** who, as their session says */
  by: z.string().min(1),
  workflow: z.string(),
  tenant: z.string(),
  run_id: z.string(),
};
const count = z.int().min(0);
const note = z.discriminatedUnion("type", [
  /** written before anything is opened: it says what was asked for, not that it was there */
  z.strictObject({
    ...about,
    type: z.literal("ValuesRead"),
    reason: words,
    fields: z.array(z.strictObject({ seq: z.int().positive(), field: z.string() })),
  }),
  /** written before anything is deleted: how many versions of objects were there */
  z.strictObject({
    ...about,
    type: z.literal("RunShredded"),
    reason: words,
    versions: z.strictObject({ key: count, context: count, call: count, view: count }),
  }),
  z.strictObject({ ...about, type: z.literal("RunReviewed"), verdict: z.enum(VERDICTS), note: words }),
]);
export type OversightNote = z.output<typeof note>;
export type NoteOf<T extends OversightNote["type"]> = Extract<OversightNote, { type: T }>;

const storedRow = z.object({ pk: z.string(), sk: z.string(), note: z.string(), prev: hex64, hash: hex64 });
const GENESIS = "0".repeat(64);
/** So many others at the same moment are none of ours. */
const MAX_TRIES = 20;

export interface Oversight {
  /** Adds the note to its kind's chain. Needs `dynamodb:PartiQLInsert` and `dynamodb:Query`. */
  add(added: OversightNote): Promise<void>;
  /** In order. @throws CountersignError CS-3414 where the chain does not hold */
  readings(): Promise<readonly NoteOf<"ValuesRead">[]>;
  shreddings(): Promise<readonly NoteOf<"RunShredded">[]>;
  reviews(run: RunRef): Promise<readonly NoteOf<"RunReviewed">[]>;
}

export function dynamoOversight(ref: TableRef): Oversight {
  const read = async (pk: string) => checked(ref.table, await queryRows(ref, pk, {}, storedRow));
  return {
    async add(added) {
      const pk = partitionOf(added);
      for (let tries = 0; tries < MAX_TRIES; tries++) {
        const last = await lastRow(ref, pk);
        const seq = last === undefined ? 1 : Number(last.sk) + 1;
        const prev = last?.hash ?? GENESIS;
        const row = { pk, sk: oversightKey.sk(seq), note: jcs(added), prev, hash: hashOf(prev, seq, jcs(added)) };
        if ((await insertRow(ref, row)) === "inserted") return;
        // Somebody else's, or our own whose answer was lost.
        const [there] = await queryRows(ref, pk, { from: row.sk }, storedRow, 1);
        if (there?.note === row.note) return;
      }
      throw new CountersignError("CS-3405", `${ref.table}: ${pk} was added to ${MAX_TRIES} times meanwhile; try again`);
    },
    readings: async () => (await read(oversightKey.readings)).filter(is("ValuesRead")),
    shreddings: async () => (await read(oversightKey.shreddings)).filter(is("RunShredded")),
    reviews: async (run) => (await read(oversightKey.review(run))).filter(is("RunReviewed")),
  };
}

const is =
  <T extends OversightNote["type"]>(type: T) =>
  (one: OversightNote): one is NoteOf<T> =>
    one.type === type;

function partitionOf(added: OversightNote): string {
  if (added.type === "ValuesRead") return oversightKey.readings;
  if (added.type === "RunShredded") return oversightKey.shreddings;
  return oversightKey.review({ workflow: added.workflow, tenant: added.tenant, runId: added.run_id });
}

const hashOf = (prev: string, seq: number, text: string): string => sha256Hex(`${prev}${seq}|${text}`);

function checked(table: string, rows: readonly z.output<typeof storedRow>[]): OversightNote[] {
  let prev = GENESIS;
  return rows.map((row, index) => {
    const place = `${table}: ${row.pk}/${row.sk}`;
    const holds =
      row.sk === oversightKey.sk(index + 1) && row.prev === prev && row.hash === hashOf(prev, index + 1, row.note);
    if (!holds)
      throw new CountersignError(
        "CS-3414",
        `${place}: does not continue the row before it; somebody changed the table, see the runbook, "The log contradicts the notary"`,
      );
    prev = row.hash;
    return parseJson(place, row.note, note);
  });
}

async function lastRow({ client, table }: TableRef, pk: string): Promise<z.output<typeof storedRow> | undefined> {
  const { Items = [] } = await client.send(
    new QueryCommand({
      TableName: table,
      ConsistentRead: true,
      KeyConditionExpression: "pk = :pk",
      ExpressionAttributeValues: marshall({ ":pk": pk }),
      ScanIndexForward: false,
      Limit: 1,
    }),
  );
  const [last] = Items;
  return last === undefined ? undefined : parseRow(table, unmarshall(last), storedRow);
}
