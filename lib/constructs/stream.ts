/** Reading a table's stream: what Lambda's poller asks for in the function's name, and no other stream's records. */
import type * as dynamodb from "aws-cdk-lib/aws-dynamodb";
import type { Grantee } from "./zone-function.js";

/** Gives the permission; answers with the stream's ARN, for the event source mapping. */
export function grantStream(grantee: Grantee, table: dynamodb.TableV2): string {
  const { tableStreamArn } = table;
  if (tableStreamArn === undefined) throw new Error(`${table.node.path} has no stream`);
  grantee.provide(
    {},
    {
      sid: "ReadStream",
      actions: ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
      resources: [tableStreamArn],
    },
    {
      sid: "ListStreams",
      actions: ["dynamodb:ListStreams"],
      resources: ["*"],
      wildcard:
        "Lambda asks for it before it reads a stream; IAM knows no resource for it, and it tells names of streams only",
    },
  );
  return tableStreamArn;
}
