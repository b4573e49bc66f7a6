/** What each person was asked: reads the approvals table's index of links. Needs `dynamodb:Query` on that index. */
import { type AttributeValue, QueryCommand } from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import { INBOX_INDEX } from "../run/keys.js";
import { personKey } from "../run/people.js";
import { type ApprovalRef, approvalLink } from "./approvals.js";
import { parseRow, type TableRef } from "./dynamo.js";

export interface Inbox {
  /** Questions whose deadline is after (`waiting`) or before (`past`) that time, the next or the latest first, each once, at most `limit`. */
  asked(person: string, which: "waiting" | "past", nowIso: string, limit: number): Promise<readonly ApprovalRef[]>;
}

export function dynamoInbox({ client, table }: TableRef): Inbox {
  return {
    async asked(person, which, nowIso, limit) {
      const found = new Map<string, ApprovalRef>();
      let start: Record<string, AttributeValue> | undefined;
      do {
        const page = await client.send(
          new QueryCommand({
            TableName: table,
            IndexName: INBOX_INDEX.name,
            KeyConditionExpression: `approver = :person AND expires_at ${which === "waiting" ? ">" : "<="} :now`,
            ExpressionAttributeValues: marshall({ ":person": personKey(person), ":now": nowIso }),
            ScanIndexForward: which === "waiting",
            ...(start === undefined ? {} : { ExclusiveStartKey: start }),
          }),
        );
        for (const item of page.Items ?? []) {
          const link = parseRow(table, unmarshall(item), approvalLink);
          if (link.role !== "approver") continue;
          const ref = { workflow: link.workflow, approvalId: link.approval_id };
          found.set(`${ref.workflow}#${ref.approvalId}`, ref);
        }
        start = page.LastEvaluatedKey;
      } while (start !== undefined && found.size < limit);
      return [...found.values()].slice(0, limit);
    },
  };
}
