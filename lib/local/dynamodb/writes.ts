/**
 * The one way an item changes: rehearse → journal → apply → tell.
 *
 * Every action is first carried out on a second, otherwise empty dynalite that holds a copy of the one item it touches.
 * That evaluates its conditions, computes the new item and yields the answer, without a trace in the real tables; so
 * several actions can be tried before any of them counts.
 */
import { AwsFault } from "../types.js";
import type { Journal } from "./journal.js";
import { Mutex } from "./mutex.js";
import type { Store } from "./store.js";
import type { Table } from "./tables.js";
import { type Item, keyId, keyOf } from "./values.js";

/** What a write does; `input` is the operation's own input without the members of the overlay. */
export interface WriteAction {
  readonly kind: "put" | "update" | "delete" | "check" | "insert";
  readonly table: Table;
  /** the item of `put` and `insert`, the key of the others */
  readonly target: Item;
  readonly input: Readonly<Record<string, unknown>>;
  /** `ReturnValuesOnConditionCheckFailure: ALL_OLD` */
  readonly returnOldOnFailure?: boolean;
}

/** A changed item, as a stream record would show it. */
export interface ItemChange {
  readonly table: Table;
  readonly key: Item;
  readonly before?: Item;
  readonly after?: Item;
}

export type Rehearsal =
  | { readonly ok: true; readonly reply: Readonly<Record<string, unknown>>; readonly change?: ItemChange }
  | { readonly ok: false; readonly fault: AwsFault };

const OPERATIONS = {
  put: "PutItem",
  insert: "PutItem",
  update: "UpdateItem",
  delete: "DeleteItem",
  check: "UpdateItem",
};

export interface Writes {
  /** one action; @throws AwsFault when its condition fails or its input is invalid */
  write(action: WriteAction): Promise<Readonly<Record<string, unknown>>>;
  /** all actions or none; `onFailure` turns what was found into the error to throw */
  writeAll(actions: readonly WriteAction[], onFailure: (rehearsals: readonly Rehearsal[]) => AwsFault): Promise<void>;
  /** runs a task while no write runs */
  exclusively<T>(task: () => Promise<T>): Promise<T>;
}

export interface WritesOptions {
  readonly main: () => Store;
  readonly rehearsal: () => Store;
  readonly journal: Journal | undefined;
  /** the hook for streams: every committed change passes here, in order */
  readonly onCommit: (changes: readonly ItemChange[]) => void;
}

export function createWrites(options: WritesOptions): Writes {
  const mutex = new Mutex();

  async function rehearse(action: WriteAction): Promise<Rehearsal> {
    const { table, kind } = action;
    const stage = options.rehearsal();
    const key = keyOf(table.keys, action.target);
    // Without its key an action cannot succeed; the rehearsal says why.
    const before = key === undefined ? undefined : await options.main().get(table.name, key).catch(ignoreInvalidKey);
    if (kind === "insert" && before !== undefined) {
      return { ok: false, fault: new AwsFault("DuplicateItemException", "Duplicate primary key exists in table") };
    }
    if (before !== undefined) await stage.put(table.name, before);
    try {
      const reply = await stage.call(OPERATIONS[kind], { ...action.input, TableName: table.name });
      if (kind === "check" || key === undefined) return { ok: true, reply };
      const after = kind === "delete" ? undefined : await stage.get(table.name, key);
      return { ok: true, reply, change: changeOf(table, key, before, after) };
    } catch (error) {
      if (!(error instanceof AwsFault)) throw error;
      return { ok: false, fault: withOldItem(error, action, before) };
    } finally {
      if (key !== undefined) await stage.delete(table.name, key).catch(ignoreInvalidKey);
    }
  }

  async function commit(changes: readonly ItemChange[]): Promise<void> {
    const effective = changes.filter(({ before, after }) => before !== undefined || after !== undefined);
    if (effective.length === 0) return;
    options.journal?.append(
      effective.map(({ table, key, after }) => ({
        table: table.name,
        key: keyId(table.keys, key),
        item: after ?? null,
      })),
    );
    for (const { table, key, after } of effective) {
      if (after === undefined) await options.main().delete(table.name, key);
      else await options.main().put(table.name, after);
    }
    options.onCommit(effective);
  }

  return {
    exclusively: (task) => mutex.run(task),
    write: (action) =>
      mutex.run(async () => {
        const rehearsal = await rehearse(action);
        if (!rehearsal.ok) throw rehearsal.fault;
        await commit(rehearsal.change === undefined ? [] : [rehearsal.change]);
        return rehearsal.reply;
      }),
    writeAll: (actions, onFailure) =>
      mutex.run(async () => {
        const rehearsals: Rehearsal[] = [];
        for (const action of actions) rehearsals.push(await rehearse(action));
        if (rehearsals.some((rehearsal) => !rehearsal.ok)) throw onFailure(rehearsals);
        await commit(rehearsals.flatMap((rehearsal) => (rehearsal.ok && rehearsal.change ? [rehearsal.change] : [])));
      }),
  };
}

function changeOf(table: Table, key: Item, before: Item | undefined, after: Item | undefined): ItemChange {
  // dynalite normalises numbers: the stored key is the one to remember.
  const stored = keyOf(table.keys, after ?? before ?? key) ?? key;
  return { table, key: stored, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) };
}

function withOldItem(fault: AwsFault, action: WriteAction, before: Item | undefined): AwsFault {
  const wanted = action.returnOldOnFailure === true && fault.code === "ConditionalCheckFailedException";
  return wanted && before !== undefined
    ? new AwsFault(fault.code, fault.message, fault.status, { Item: before })
    : fault;
}

/** A key that is no key of the table: the operation itself will say so in its own words. */
function ignoreInvalidKey(error: unknown): undefined {
  if (error instanceof AwsFault && error.code === "ValidationException") return undefined;
  throw error;
}
