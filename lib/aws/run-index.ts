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

export interface Listing {
  /** UTC ISO; runs that started then or later */
  readonly from?: string;
  /** UTC ISO; runs that started before */
  readonly until?: string;
  /** only what comes after this run; with `oldestFirst` */
  readonly after?: ListedRun;
  /** @default false */
  readonly oldestFirst?: boolean;
}

/** The workflow's runs, newest first unless asked otherwise, one page after the other. */
export async function* listRuns(ref: TableRef, workflow: string, listing: Listing = {}): AsyncGenerator<ListedRun> {
  const { from = "", until = "~", after, oldestFirst = false } = listing;
  const passed = after === undefined ? undefined : logIndex.started(after.startedAt, after.tenant, after.runId);
  let start: Record<string, AttributeValue> | undefined;
  do {
    const page = await ref.client.send(
      new QueryCommand({
        TableName: ref.table,
        IndexName: logIndex.name,
        KeyConditionExpression: `${logIndex.pk} = :workflow AND ${logIndex.sk} BETWEEN :from AND :until`,
        // ids have no byte below a space or above a tilde, so the bounds stand outside of every key
        ExpressionAttributeValues: marshall({
          ":workflow": workflow,
          ":from": passed ?? (from || " "),
          ":until": until,
        }),
        ScanIndexForward: oldestFirst,
        ...(start === undefined ? {} : { ExclusiveStartKey: start }),
      }),
    );
    for (const item of page.Items ?? []) {
      const row = parseRow(ref.table, unmarshall(item), indexRow);
      if (row[logIndex.sk] === passed) continue;
      const [startedAt = "", tenant = "", runId = ""] = (row[logIndex.sk] ?? "").split("#");
      yield { workflow, tenant, runId, startedAt };
    }
    start = page.LastEvaluatedKey;
  } while (start !== undefined);
}
