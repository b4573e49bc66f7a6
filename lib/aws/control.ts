/**
 * The brake of a workflow: admission, gate, tools and the approval desk read it (`dynamodb:GetItem`), operators write it
 * (`dynamodb:PutItem`, from the command line).
 */
import { PutItemCommand } from "@aws-sdk/client-dynamodb";
import { marshall } from "@aws-sdk/util-dynamodb";
import * as z from "zod";
import { brakeKey } from "../run/keys.js";
import { getRow, type TableRef } from "./dynamo.js";

export const brake = z.strictObject({
  on: z.boolean(),
  /** who set it last, as they say: a note for people; CloudTrail has the proof */
  by: z.string(),
  at: z.iso.datetime({ precision: 3 }),
  reason: z.string().max(500),
});
export type Brake = z.infer<typeof brake>;

export interface Control {
  /** The brake as it stands, read consistently; undefined when it was never used, so off. */
  readBrake(workflow: string): Promise<Brake | undefined>;
  writeBrake(workflow: string, brake: Brake): Promise<void>;
}

export function dynamoControl(ref: TableRef): Control {
  const keyOf = (workflow: string) => ({ pk: brakeKey.pk(workflow), sk: brakeKey.sk });
  return {
    async readBrake(workflow) {
      const row = await getRow(ref, keyOf(workflow), z.object(brake.shape));
      return row;
    },
    async writeBrake(workflow, value) {
      await ref.client.send(
        new PutItemCommand({ TableName: ref.table, Item: marshall({ ...keyOf(workflow), ...value }) }),
      );
    },
  };
}
