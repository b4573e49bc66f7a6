/**
 * The functions Step Functions adds to JSONata, and those of JSONata that must not read this machine's clock or dice.
 *
 * Source: "Transforming data with JSONata in Step Functions", section on additional functions.
 */
import { createHash } from "node:crypto";
import type jsonata from "jsonata";

/** What expressions may read of the world around them. */
export interface EvaluationServices {
  /** epoch milliseconds: `$now()` and `$millis()` */
  nowMs(): number;
  /** 0 ≤ n < 1 */
  random(): number;
  uuid(): string;
}

/** The binding under which one evaluation carries its services: no JSONata variable can have this name. */
export const SERVICES_BINDING = "countersign:services";

/** JSONata's own functions plus Step Functions' additions, without `$eval`. */
export const FUNCTION_NAMES: ReadonlySet<string> = new Set(
  (
    "sum count max min average string substring substringBefore substringAfter lowercase uppercase length trim pad match " +
    "contains replace split join formatNumber formatBase formatInteger parseInteger number floor ceil round abs sqrt " +
    "power random boolean not map zip filter single reduce sift keys lookup append exists spread merge reverse each " +
    "error assert type sort shuffle distinct base64encode base64decode encodeUrlComponent encodeUrl decodeUrlComponent " +
    "decodeUrl toMillis fromMillis clone now millis partition range hash uuid parse"
  ).split(" "),
);

const ALGORITHMS: Readonly<Record<string, string>> = {
  MD5: "md5",
  "SHA-1": "sha1",
  "SHA-256": "sha256",
  "SHA-384": "sha384",
  "SHA-512": "sha512",
};
const MAX_RANGE_ITEMS = 1_000;

/** An error as JSONata throws them: code and message go into the state's cause. */
export class JsonataFault extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** Gives a compiled expression its functions. */
export function registerFunctions(expression: jsonata.Expression): void {
  expression.registerFunction("partition", partition, "<an:a>");
  expression.registerFunction("range", range, "<nnn:a<n>>");
  expression.registerFunction("hash", hash, "<ss:s>");
  expression.registerFunction("parse", parse, "<s:x>");
  expression.registerFunction("uuid", uuid, "<:s>");
  expression.registerFunction("random", random, "<n?:n>");
  expression.registerFunction("millis", millis, "<:n>");
  expression.registerFunction("now", now, "<s?s?:s>");
  expression.assign("eval", undefined);
}

function servicesOf(focus: jsonata.Focus): EvaluationServices {
  return focus.environment.lookup(SERVICES_BINDING);
}

function partition(items: readonly unknown[] | undefined, size: number | undefined): unknown[][] | undefined {
  if (items === undefined || size === undefined) return undefined;
  const step = Math.trunc(size);
  if (step < 1) throw new JsonataFault("D3141", "the second argument of partition must be a positive integer");
  const parts: unknown[][] = [];
  for (let start = 0; start < items.length; start += step) parts.push(items.slice(start, start + step));
  return parts;
}

/** Inclusive on both ends. A sequence, so that a single value comes out bare: recorded on AWS. */
function range(first?: number, last?: number, delta?: number): number[] | undefined {
  if (first === undefined || last === undefined || delta === undefined) return undefined;
  if (delta === 0) throw new JsonataFault("D3141", "the third argument of range must not be zero");
  const count = Math.max(0, Math.floor((last - first) / delta) + 1);
  if (count > MAX_RANGE_ITEMS) {
    throw new JsonataFault("D3141", `range gives ${count} values; at most ${MAX_RANGE_ITEMS} are allowed`);
  }
  const values = Array.from({ length: count }, (_, index) => first + index * delta);
  Object.defineProperty(values, "sequence", { enumerable: false, value: true });
  return values;
}

function hash(data: string | undefined, algorithm: string | undefined): string | undefined {
  if (data === undefined || algorithm === undefined) return undefined;
  const name = ALGORITHMS[algorithm];
  if (name === undefined) {
    const allowed = Object.keys(ALGORITHMS).join(", ");
    throw new JsonataFault("D3141", `unknown hash algorithm ${JSON.stringify(algorithm)}; allowed are ${allowed}`);
  }
  return createHash(name).update(data).digest("hex");
}

function parse(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new JsonataFault("D3141", `parse: ${error instanceof Error ? error.message : "not JSON"}`);
  }
}

function uuid(this: jsonata.Focus): string {
  return servicesOf(this).uuid();
}

function random(this: jsonata.Focus, seed?: number): number {
  return seed === undefined ? servicesOf(this).random() : seededRandom(seed);
}

/** One step of mulberry32: the same seed gives the same number, as AWS promises; which number, it does not say. */
function seededRandom(seed: number): number {
  let state = (Math.trunc(seed) + 0x6d2b79f5) | 0;
  state = Math.imul(state ^ (state >>> 15), state | 1);
  state ^= state + Math.imul(state ^ (state >>> 7), state | 61);
  return ((state ^ (state >>> 14)) >>> 0) / 2 ** 32;
}

function millis(this: jsonata.Focus): number {
  return servicesOf(this).nowMs();
}

function now(this: jsonata.Focus, picture?: string, timezone?: string): string {
  const nowMs = servicesOf(this).nowMs();
  return this.environment.lookup("fromMillis").implementation(nowMs, picture, timezone);
}
