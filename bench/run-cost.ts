/** What one reference run uses of each service, counted on the embedded cloud, and what that costs by the price table. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { logIndex } from "../lib/run/keys.js";
import type { Benchmark, Figure } from "./measure.js";
import { type Recording, recordReference, type ServiceCall } from "./recording.js";

const price = z.strictObject({ perMillion: z.number(), source: z.string() });
const names = [
  "state",
  "lambdaRequest",
  "lambdaGbSecond",
  "policyCheck",
  "writeUnit",
  "readUnit",
  "s3Write",
  "s3Read",
  "kmsRequest",
  "secretRequest",
  "apiRequest",
  "mail",
] as const;
type Name = (typeof names)[number];
const priceTable = z.strictObject({
  date: z.iso.date(),
  region: z.string(),
  currency: z.literal("USD"),
  note: z.string(),
  prices: z.record(z.enum(names), price),
  assumed: z.strictObject({
    billedMsPerCall: z.number(),
    memoryGb: z.number(),
    modelSecondsPerTurn: z.number(),
    why: z.string(),
  }),
});
type PriceTable = z.output<typeof priceTable>;

export const runCost: Benchmark = {
  name: "run-cost",
  about:
    "one reference run (6 model turns, 5 tool calls, 1 approval) counted on the embedded cloud and priced by bench/prices.json, without model tokens",
  async run() {
    const table = priceTable.parse(JSON.parse(readFileSync(join(import.meta.dirname, "prices.json"), "utf8")));
    const recording = await recordReference();
    const used = usage(recording, table);
    const turns = recording.services.filter(({ service }) => service === "bedrock").length;
    const usd = Object.entries(used).reduce((sum, [name, { count }]) => sum + count * priceOf(table, name), 0);
    const waitUsd =
      turns * table.assumed.modelSecondsPerTurn * table.assumed.memoryGb * priceOf(table, "lambdaGbSecond");
    return [
      { name: used.state.what, value: used.state.count, unit: "", aim: { atMost: 28 } },
      { name: "history events a turn", value: recording.history.length / turns, unit: "", aim: { atMost: 20 } },
      ...Object.values(used)
        .filter(({ what }) => what !== used.state.what)
        .map(({ what, count }): Figure => ({ name: what, value: count, unit: "" })),
      { name: `cost of a run, ${table.region}, ${table.date}`, value: usd, unit: "$", aim: { atMost: 0.0009 } },
      ...Object.entries(used).map(
        ([name, { what, count }]): Figure => ({
          name: `of that, ${what}`,
          value: count * priceOf(table, name),
          unit: "$",
        }),
      ),
      {
        name: `besides, functions waiting ${table.assumed.modelSecondsPerTurn} s a turn for the model`,
        value: waitUsd,
        unit: "$",
      },
    ];
  },
};

function priceOf(table: PriceTable, name: string): number {
  const found = Object.entries(table.prices).find(([each]) => each === name);
  if (found === undefined) throw new Error(`prices.json has no ${name}`);
  return found[1].perMillion / 1e6;
}

function usage({ history, functions, services }: Recording, { assumed }: PriceTable) {
  const of = (service: string, operation?: string) =>
    services.filter(
      (each) => each.service === service && (operation === undefined || each.call.operation === operation),
    );
  const invokes = functions.length + of("lambda").length;
  const s3Writes = of("s3").filter(({ call }) => call.method === "PUT").length;
  const api = functions.filter(({ answer }) => isHttpAnswer(answer)).length;
  return {
    state: { what: "states entered", count: history.filter(({ type }) => type.endsWith("StateEntered")).length },
    lambdaRequest: { what: "Lambda calls", count: invokes },
    lambdaGbSecond: { what: "Lambda GB-seconds", count: (invokes * assumed.billedMsPerCall * assumed.memoryGb) / 1000 },
    policyCheck: { what: "policy checks", count: of("verifiedpermissions", "IsAuthorized").length },
    writeUnit: { what: "DynamoDB write units", count: sum(of("dynamodb").map(writeUnits)) },
    readUnit: { what: "DynamoDB read units", count: sum(of("dynamodb").map(readUnits)) },
    s3Write: { what: "S3 writes", count: s3Writes },
    s3Read: { what: "S3 reads", count: of("s3").length - s3Writes },
    kmsRequest: { what: "KMS requests by functions", count: of("kms").length },
    secretRequest: { what: "secrets read", count: of("secretsmanager").length },
    apiRequest: { what: "HTTP API requests", count: api },
    mail: { what: "mails, by recipient", count: sum(of("ses").map(recipients)) },
  } satisfies Record<Name, { readonly what: string; readonly count: number }>;
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

function isHttpAnswer(answer: unknown): boolean {
  return typeof answer === "object" && answer !== null && "statusCode" in answer && "headers" in answer;
}

const consumed = z.object({ ConsumedCapacity: z.object({ CapacityUnits: z.number() }) });
const WRITES = new Set(["PutItem", "UpdateItem", "DeleteItem"]);
const statement = z.object({ Statement: z.string(), Parameters: z.array(z.unknown()).default([]) });
const transaction = z.object({ TransactStatements: z.array(statement) });

/** As the emulator counted, and of PartiQL inserts as documented: 1 for each KB begun, twice that in a transaction. */
function writeUnits({ call, reply }: ServiceCall): number {
  if (call.operation === "ExecuteStatement")
    return insertUnits(statement.parse(JSON.parse(call.body.toString("utf8"))));
  if (call.operation === "ExecuteTransaction") {
    const { TransactStatements } = transaction.parse(JSON.parse(call.body.toString("utf8")));
    return 2 * sum(TransactStatements.map(insertUnits));
  }
  if (call.operation === "TransactWriteItems") return transactedUnits(JSON.parse(call.body.toString("utf8")));
  return WRITES.has(call.operation ?? "") ? units(reply.body) : 0;
}

function readUnits({ call, reply }: ServiceCall): number {
  return call.operation === "GetItem" || call.operation === "Query" ? units(reply.body) : 0;
}

const transacted = z.object({ TransactItems: z.array(z.record(z.string(), z.unknown())) });
/** As documented: twice what each write or check alone takes; everything the product writes so is under one KB. */
const transactedUnits = (body: unknown) =>
  sum(transacted.parse(body).TransactItems.map((item) => 2 * Math.ceil(JSON.stringify(item).length / 1024)));
const units = (body: unknown) => consumed.parse(body).ConsumedCapacity.CapacityUnits;

/** Names and values of the item; the table's index on a run's first event is another write of its keys. */
function insertUnits({ Statement, Parameters }: z.output<typeof statement>): number {
  if (!Statement.startsWith("INSERT INTO")) return 0;
  const attributes = [...Statement.matchAll(/'(\w+)':/g)].map(([, name = ""]) => name);
  const names = sum(attributes.map((name) => name.length));
  const values = sum(Parameters.map((value) => Buffer.byteLength(Object.values(Object(value)).map(String).join(""))));
  const indexed = attributes.includes(logIndex.pk) ? 1 : 0;
  return Math.ceil((names + values) / 1024) + indexed;
}

function recipients({ call }: ServiceCall): number {
  const body: unknown = JSON.parse(call.body.toString("utf8"));
  const mail = z.object({ Destination: z.object({ ToAddresses: z.array(z.string()).default([]) }) }).safeParse(body);
  return mail.success ? mail.data.Destination.ToAddresses.length : 0;
}
