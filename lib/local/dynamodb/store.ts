/**
 * One dynalite in memory, called in-process.
 *
 * dynalite is an HTTP server without authentication. It never listens here: its request handler is called directly, so
 * no other process can reach the data around the IAM check, and a call costs a few hundredths of a millisecond.
 */
import { EventEmitter } from "node:events";
import { setTimeout as nextTurn } from "node:timers/promises";
import dynalite from "dynalite";
import * as z from "zod";
import { AwsFault } from "../types.js";
import type { TableSchema } from "./tables.js";
import { type Item, item } from "./values.js";

export interface Store {
  /** @throws AwsFault as DynamoDB would answer */
  call(operation: string, input: object): Promise<Readonly<Record<string, unknown>>>;
  /** the item with this key, read consistently */
  get(tableName: string, key: Item): Promise<Item | undefined>;
  /** resolves when the table can be used */
  createTable(tableName: string, schema: TableSchema): Promise<void>;
}

const MAX_TRIES = 5_000;
const HEADERS = {
  "content-type": "application/x-amz-json-1.0",
  // dynalite wants to see a signature but checks none; the wire has checked the real one.
  authorization: "AWS4-HMAC-SHA256 Credential=local, SignedHeaders=host, Signature=local",
  "x-amz-date": "20260101T000000Z",
};
const fault = z.object({ __type: z.string(), message: z.string().optional(), Message: z.string().optional() });
const success = z.record(z.string(), z.unknown());
const described = z.object({ Table: z.object({ TableStatus: z.string() }) });
const gotItem = z.object({ Item: item.optional() });

export function openStore(): Store {
  const server = dynalite({ createTableMs: 0, deleteTableMs: 0 });

  function exchange(operation: string, input: object): Promise<{ status: number; body: string }> {
    return new Promise((resolve) => {
      const request = Object.assign(new EventEmitter(), {
        method: "POST",
        url: "/",
        headers: { ...HEADERS, "x-amz-target": `DynamoDB_20120810.${operation}` },
      });
      const response = {
        statusCode: 200,
        setHeader() {},
        end(body: string) {
          resolve({ status: response.statusCode, body });
        },
      };
      server.emit("request", request, response);
      request.emit("data", Buffer.from(JSON.stringify(input)));
      request.emit("end");
    });
  }

  const call: Store["call"] = async (operation, input) => {
    const { status, body } = await exchange(operation, input);
    const answer: unknown = JSON.parse(body);
    if (status === 200) return success.parse(answer);
    const { __type, message, Message } = fault.parse(answer);
    throw new AwsFault(__type.slice(__type.indexOf("#") + 1), message ?? Message ?? "", status);
  };

  return {
    call,
    async get(tableName, key) {
      const reply = await call("GetItem", { TableName: tableName, Key: key, ConsistentRead: true });
      return gotItem.parse(reply).Item;
    },
    async createTable(tableName, schema) {
      await call("CreateTable", { TableName: tableName, ...schema, BillingMode: "PAY_PER_REQUEST" });
      // dynalite makes a table active in a timer of its own, after the answer.
      for (let tries = 0; tries < MAX_TRIES; tries++) {
        const { Table } = described.parse(await call("DescribeTable", { TableName: tableName }));
        if (Table.TableStatus === "ACTIVE") return;
        await nextTurn(1);
      }
      throw new Error(`dynalite did not make the table ${tableName} active`);
    },
  };
}
