/** A process for journal.test.ts to kill: appends transactions of two items until then, one dot per answer. */
import { writeSync } from "node:fs";
import { TransactWriteItemsCommand } from "@aws-sdk/client-dynamodb";
import { LOG_TABLE, startCloud } from "./fixtures.js";

const [dataDir] = process.argv.slice(2);
if (dataDir === undefined) throw new Error("the data folder is missing");
const cloud = await startCloud({ dataDir });
await cloud.create("AWS::DynamoDB::GlobalTable", "Log", LOG_TABLE);
const db = cloud.as("admin");
for (let n = 0; ; n++) {
  const sk = { S: String(n).padStart(8, "0") };
  const TransactItems = ["left", "right"].map((pk) => ({ Put: { TableName: "log", Item: { pk: { S: pk }, sk } } }));
  await db.send(new TransactWriteItemsCommand({ TransactItems }));
  writeSync(1, ".");
}
