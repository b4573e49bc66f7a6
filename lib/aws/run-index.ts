/** Which runs there are, newest first: reads the log's sparse index. Needs `dynamodb:Query` on the index. */
import { type AttributeValue, QueryCommand } from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import * as z from "zod";
import { logIndex, type RunRef } from "../run/keys.js";
import { parseRow, type TableRef } from "./dynamo.js";

export interface ListedRun extends RunRef {
  /** UTC ISO */
  readonly startedAt: string;
}

const indexRow = z.object({ [logIndex.pk]: z.string(), [logIndex.sk]: z.string() });

/** The workflow's runs, newest first, one page after the other. */
export async function* listRuns(ref: TableRef, workflow: string): AsyncGenerator<ListedRun> {
  let start: Record<string, AttributeValue> | undefined;
  do {
    const page = await ref.client.send(
      new QueryCommand({
        TableName: ref.table,
        IndexName: logIndex.name,
        KeyConditionExpression: `${logIndex.pk} = :workflow`,
        ExpressionAttributeValues: marshall({ ":workflow": workflow }),
        ScanIndexForward: false,
        ...(start === undefined ? {} : { ExclusiveStartKey: start }),
      }),
    );
    for (const item of page.Items ?? []) {
      const row = parseRow(ref.table, unmarshall(item), indexRow);
      const [startedAt = "", tenant = "", runId = ""] = (row[logIndex.sk] ?? "").split("#");
      yield { workflow, tenant, runId, startedAt };
    }
    start = page.LastEvaluatedKey;
  } while (start !== undefined);
}
