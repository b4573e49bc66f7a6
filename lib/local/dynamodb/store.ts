/**
 * One dynalite in memory, without its HTTP server.
 *
 * What the server does with a request is done here: the input is checked, and the operation carried out on dynalite's own store. So no other
 * process can reach the data around the IAM check, and no call is written down as a request and read again.
 */
import { createRequire } from "node:module";
import { setTimeout as nextTurn } from "node:timers/promises";
import { create } from "dynalite/db/index.js";
import { checkTypes, checkValidations, toLowerFirst } from "dynalite/validations/index.js";
import * as z from "zod";
import { AwsFault } from "../types.js";
import type { TableSchema } from "./tables.js";
import { type Item, item } from "./values.js";

export interface Store {
  /** @throws AwsFault as DynamoDB would answer */
  call(operation: string, input: object): Promise<Readonly<Record<string, unknown>>>;
  /** the item with this key, read consistently */
  get(tableName: string, key: Item): Promise<Item | undefined>;
  /** an item that came out of a store; it is not checked again */
  put(tableName: string, item: Item): Promise<void>;
  /** does nothing without such an item */
  delete(tableName: string, key: Item): Promise<void>;
  /** resolves when the table can be used */
  createTable(tableName: string, schema: TableSchema): Promise<void>;
}

/** As dynalite calls back. */
type Done = (error: unknown, answer: unknown) => void;
interface Action {
  readonly validation: { readonly types: object; readonly custom?: unknown };
  readonly run: (store: object, input: object, done: Done) => void;
}

const MAX_TRIES = 5_000;
const fault = z.object({ __type: z.string(), message: z.string().optional(), Message: z.string().optional() });
const success = z.record(z.string(), z.unknown());
const described = z.object({ Table: z.object({ TableStatus: z.string() }) });
const gotItem = z.object({ Item: item.optional() });
/** How dynalite throws and calls back what the server answers with. */
const refusal = z.object({ statusCode: z.int(), body: fault });
const validation = z.object({ types: z.record(z.string(), z.unknown()), custom: z.unknown().optional() });
const run = z.custom<Action["run"]>((value) => typeof value === "function");

const require = createRequire(import.meta.url);
const actions = new Map<string, Action>();

function actionNamed(operation: string): Action {
  const known = actions.get(operation);
  if (known !== undefined) return known;
  const name = toLowerFirst(operation);
  const action = {
    validation: validation.parse(require(`dynalite/validations/${name}.js`)),
    run: run.parse(require(`dynalite/actions/${name}.js`)),
  };
  actions.set(operation, action);
  return action;
}

export function openStore(): Store {
  const store = create({ createTableMs: 0, deleteTableMs: 0 });

  const perform = (operation: string, input: object): Promise<unknown> =>
    new Promise((resolve, reject) => {
      actionNamed(operation).run(store, input, (error, answer) => {
        if (error === null || error === undefined) resolve(answer);
        else reject(asFault(error));
      });
    });

  const call: Store["call"] = async (operation, input) => {
    const { types, custom } = actionNamed(operation).validation;
    let checked: object;
    try {
      // dynalite changes what it is given.
      checked = checkTypes(JSON.parse(JSON.stringify(input)), types);
      checkValidations(checked, types, custom, store);
    } catch (error) {
      throw asFault(error);
    }
    return success.parse(await perform(operation, checked));
  };

  return {
    call,
    async get(tableName, key) {
      const reply = await call("GetItem", { TableName: tableName, Key: key, ConsistentRead: true });
      return gotItem.parse(reply).Item;
    },
    async put(tableName, whole) {
      await perform("PutItem", { TableName: tableName, Item: structuredClone(whole) });
    },
    async delete(tableName, key) {
      await perform("DeleteItem", { TableName: tableName, Key: structuredClone(key) });
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

/** Anything else than an answer of the server is a fault of the store itself. */
function asFault(error: unknown): unknown {
  const refused = refusal.safeParse(error);
  if (!refused.success) return error;
  const { statusCode, body } = refused.data;
  const { __type, message, Message } = body;
  return new AwsFault(__type.slice(__type.indexOf("#") + 1), message ?? Message ?? "", statusCode);
}
