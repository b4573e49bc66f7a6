/**
 * What travels between functions without being readable on the way: what an agent proposes, and what a tool answers. The keys follow from
 * the run's secret, so the gate needs no store for them, and with the secret gone nobody has them: what lies sealed in execution
 * histories and in the ledger goes with the run's key. AES-256-GCM; who may have a key is told it by an object that only they may read.
 */
import { createCipheriv, createDecipheriv, hkdfSync } from "node:crypto";
import type { Json } from "./canonical.js";
import { readJson } from "./json.js";
import { type ContextKeys, type RunContext, type ToolAnswer, toolAnswer } from "./protocol.js";

/** 32 bytes */
export type SealKey = Uint8Array;
/** What is sealed, of which run and turn: a text opens only as what it was sealed as. */
export interface SealedAs {
  readonly what: "proposal" | "answer";
  readonly runId: string;
  readonly turn: number;
}
export const IV_BYTES = 12;
const TAG_BYTES = 16;
/** More than anything that is sealed may have; what is longer is nobody's text. */
export const MAX_SEALED_CHARACTERS = 240 * 1024;
const MAX_OPEN_BYTES = 180 * 1024;

/** For the proposer of this turn and the gate. */
export const replyKey = (runSecret: Uint8Array, turn: number): SealKey => derived(runSecret, `reply|${turn}`);
/** For the tool that is called in this turn, the proposer of the next, gate and close-run. */
export const callKey = (runSecret: Uint8Array, turn: number): SealKey => derived(runSecret, `call|${turn}`);

const derived = (runSecret: Uint8Array, what: string): SealKey =>
  new Uint8Array(hkdfSync("sha256", runSecret, new Uint8Array(), `countersign sealing v1|${what}`, 32));

/** @param iv 12 fresh random bytes */
export function sealJson(key: SealKey, as: SealedAs, iv: Uint8Array, value: object): string {
  const cipher = createCipheriv("aes-256-gcm", key, iv).setAAD(aadOf(as));
  const data = Buffer.concat([cipher.update(JSON.stringify(value), "utf8"), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), data]).toString("base64");
}

/** Undefined when it was changed, sealed as something else, or is no sealed text at all. */
export function openJson(key: SealKey, as: SealedAs, sealed: string): Json | undefined {
  const bytes = Buffer.from(sealed, "base64");
  if (sealed.length > MAX_SEALED_CHARACTERS || bytes.length < IV_BYTES + TAG_BYTES) return undefined;
  const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES })
    .setAAD(aadOf(as))
    .setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
  try {
    const text = Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]);
    const read = readJson(text, MAX_OPEN_BYTES);
    return read.ok ? read.value : undefined;
  } catch {
    return undefined;
  }
}

const aadOf = ({ what, runId, turn }: SealedAs) => Buffer.from(JSON.stringify([what, runId, turn]), "utf8");

/** The keys that lie beside a context. */
export function keysBeside(runSecret: Uint8Array, { turn, turns }: RunContext): ContextKeys {
  const newest = turns.at(-1);
  const called = newest?.decision === "permit" && newest.result === null;
  return {
    reply: Buffer.from(replyKey(runSecret, turn)).toString("base64"),
    last: called ? Buffer.from(callKey(runSecret, newest.turn)).toString("base64") : null,
  };
}

/** Of one call: what opens its answer. */
export interface CallSeal {
  readonly key: SealKey;
  readonly runId: string;
  readonly turn: number;
}

export const callSeal = (runSecret: Uint8Array, runId: string, turn: number): CallSeal => ({
  key: callKey(runSecret, turn),
  runId,
  turn,
});

/** A tool's answer as it travels and is stored: how it ended, and what it said sealed, as an upstream's error holds anything. */
export function sealAnswer({ key, runId, turn }: CallSeal, iv: Uint8Array, answer: ToolAnswer): ToolAnswer {
  const { status, error } = answer;
  const sealed = sealJson(key, { what: "answer", runId, turn }, iv, answer);
  if (error === undefined) return { status, sealed };
  return { status, error: { code: asCode(error.code), message: "", retryable: error.retryable }, sealed };
}

/** The answer that `sealAnswer` was given. One that cannot be opened says nothing, also not that nothing happened. */
export function openAnswer({ key, runId, turn }: CallSeal, answer: ToolAnswer): ToolAnswer {
  const { sealed } = answer;
  if (sealed === undefined) return answer;
  const opened = toolAnswer.safeParse(openJson(key, { what: "answer", runId, turn }, sealed));
  if (opened.success && opened.data.sealed === undefined && opened.data.status === answer.status) return opened.data;
  const message = "CS-3022 the answer was not sealed for this call, or was changed since; what happened is not known";
  return { status: "unknown", error: { code: "CS-3022", message, retryable: false } };
}

/** A code is a name; anything else in its place is somebody's words. */
export const asCode = (code: string): string => (/^[A-Za-z0-9_.-]{1,64}$/.test(code) ? code : "unnamed");

/** A proposer's answer as it travels: what it cost in clear, what it proposes sealed. */
export function openProposed(key: SealKey, runId: string, turn: number, proposed: unknown): unknown {
  if (typeof proposed !== "object" || proposed === null || !("sealed" in proposed)) return proposed;
  const { sealed, ...clear } = proposed;
  if (typeof sealed !== "string") return proposed;
  const proposal = openJson(key, { what: "proposal", runId, turn }, sealed);
  return proposal === undefined ? proposed : { ...clear, proposal };
}
