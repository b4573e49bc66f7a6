/**
 * Sign-ins under way and people signed in. Rows are inserted and never changed: an attempt is used up, and a session ended, by a row
 * beside it. The cookie's value is not stored, only its hash. Rows are removed by the table's time to live.
 */
import { createHash } from "node:crypto";
import * as z from "zod";
import { sessionKey } from "../run/keys.js";
import type { Attempt, Identity } from "../sign-in/oidc.js";
import { getRow, insertRow, type TableRef } from "./dynamo.js";

export interface PendingSignIn extends Attempt {
  /** path on this site to go on to */
  readonly to: string;
  readonly expiresMs: number;
}
export interface Session extends Identity {
  /** must come with every form */
  readonly csrf: string;
  readonly expiresMs: number;
}
export interface Sessions {
  insertPending(id: string, pending: PendingSignIn): Promise<void>;
  /** Once: undefined the second time, when it is over, and for an unknown id. */
  takePending(id: string, nowMs: number): Promise<PendingSignIn | undefined>;
  insertSession(id: string, session: Session): Promise<void>;
  /** Undefined when it is over, was ended, or never was. */
  readSession(id: string, nowMs: number): Promise<Session | undefined>;
  endSession(id: string, expiresMs: number): Promise<void>;
}

const pendingRow = z.object({
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  to: z.string(),
  expiresMs: z.number(),
});
const sessionRow = z.object({
  email: z.string(),
  subject: z.string(),
  timeZone: z.string().nullable(),
  csrf: z.string(),
  expiresMs: z.number(),
});
const markRow = z.object({});

export function dynamoSessions(ref: TableRef): Sessions {
  const insert = (pk: string, sk: string, expiresMs: number, row: object = {}) =>
    insertRow(ref, { pk, sk, ...row, expires_at_sec: Math.ceil(expiresMs / 1000) });
  return {
    async insertPending(id, pending) {
      await insert(sessionKey.pending(hashOf(id)), sessionKey.row, pending.expiresMs, pending);
    },
    async takePending(id, nowMs) {
      const pk = sessionKey.pending(hashOf(id));
      const pending = await getRow(ref, { pk, sk: sessionKey.row }, pendingRow);
      if (pending === undefined || nowMs >= pending.expiresMs) return undefined;
      return (await insert(pk, sessionKey.over, pending.expiresMs)) === "inserted" ? pending : undefined;
    },
    async insertSession(id, session) {
      await insert(sessionKey.session(hashOf(id)), sessionKey.row, session.expiresMs, session);
    },
    async readSession(id, nowMs) {
      const pk = sessionKey.session(hashOf(id));
      const session = await getRow(ref, { pk, sk: sessionKey.row }, sessionRow);
      if (session === undefined || nowMs >= session.expiresMs) return undefined;
      return (await getRow(ref, { pk, sk: sessionKey.over }, markRow)) === undefined ? session : undefined;
    },
    async endSession(id, expiresMs) {
      await insert(sessionKey.session(hashOf(id)), sessionKey.over, expiresMs);
    },
  };
}

const hashOf = (id: string): string => createHash("sha256").update(id).digest("hex");
