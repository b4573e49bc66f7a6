/** Task tokens: what a waiting task hands out, and what SendTaskSuccess, SendTaskFailure and SendTaskHeartbeat answer. */
import { randomBytes } from "node:crypto";
import { AwsFault } from "../types.js";

/** How a task with a token ended. */
export type Settlement =
  | { readonly kind: "success"; readonly outputJson: string }
  | { readonly kind: "failure"; readonly error: string | undefined; readonly cause: string | undefined };

/** What the waiting task wants to hear. */
export interface TokenListener {
  settled(settlement: Settlement): void;
  heartbeat(): void;
}

export interface TaskTokens {
  /** Registers a new token; it is valid until it is settled or closed. */
  issue(): { readonly token: string; listen(listener: TokenListener): void; close(): void };
  /** Settles the token's task. Throws `AwsFault`: InvalidToken, TaskDoesNotExist, TaskTimedOut. */
  settle(token: string, settlement: Settlement): void;
  /** Throws as `settle`. */
  heartbeat(token: string): void;
  /** Forgets every token. */
  clear(): void;
}

interface Entry {
  listener: TokenListener | undefined;
  /** what arrived before the task listened */
  early: Settlement | undefined;
  closed: boolean;
}

const TOKEN_BYTES = 96;
const TOKEN_PREFIX = "AQCEAAAAKgAAAAMAAAAA";
const TOKEN = /^AQCEAAAAKgAAAAMAAAAA[A-Za-z0-9+/]{128}$/;

export function createTaskTokens(): TaskTokens {
  const entries = new Map<string, Entry>();
  const open = (token: string): Entry => {
    if (!TOKEN.test(token)) throw new AwsFault("InvalidToken", "Invalid Token: 'Invalid token'");
    const entry = entries.get(token);
    if (entry === undefined) throw new AwsFault("TaskDoesNotExist", "Task does not exist: 'no task has this token'");
    if (entry.closed) throw new AwsFault("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'");
    return entry;
  };
  return {
    issue() {
      const token = `${TOKEN_PREFIX}${randomBytes(TOKEN_BYTES).toString("base64")}`;
      const entry: Entry = { listener: undefined, early: undefined, closed: false };
      entries.set(token, entry);
      return {
        token,
        listen(listener) {
          entry.listener = listener;
          if (entry.early !== undefined) listener.settled(entry.early);
        },
        close() {
          entry.closed = true;
          entry.listener = undefined;
        },
      };
    },
    settle(token, settlement) {
      const entry = open(token);
      entry.closed = true;
      if (entry.listener === undefined) entry.early = settlement;
      else entry.listener.settled(settlement);
    },
    heartbeat(token) {
      open(token).listener?.heartbeat();
    },
    clear() {
      entries.clear();
    },
  };
}
