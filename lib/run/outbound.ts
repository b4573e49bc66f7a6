/** Looks through free text that leaves the company: for sensitive values this run knows, and for what looks like a secret. */

import type { Contract, Tool } from "../contract/model.js";
import { placesAt, valuesAt } from "../contract/schema-paths.js";
import type { JsonObject } from "./canonical.js";
import type { Memory, PastCall } from "./memory.js";
import { leaves } from "./resource.js";

/** Shorter values are too common to mean anything. */
const MIN_LENGTH = 4;

/** What is wrong with the first text that may not leave; undefined when all may. Names places, never values. */
export function outboundFault(contract: Contract, memory: Memory, tool: Tool, args: JsonObject): string | undefined {
  const known = sensitiveValues(contract, memory);
  for (const place of tool.outbound.flatMap((path) => placesAt(args, path))) {
    const found = finding(known, place.value);
    if (found !== undefined) return `${place.path}: holds ${found}`;
  }
  return undefined;
}

/** The outbound fields with such a text: it does not go into the log in clear either. */
export function leakingPaths(contract: Contract, memory: Memory, tool: Tool, args: JsonObject): readonly string[] {
  const known = sensitiveValues(contract, memory);
  return tool.outbound.filter((path) => valuesAt(args, path).some((value) => finding(known, value) !== undefined));
}

/** An action that is asked about: not in the run's memory yet. */
type Proposed = Pick<PastCall, "tool" | "args">;

/** Whether the run knows any sensitive value, the action's own among them. */
export function knowsSensitive(contract: Contract, memory: Memory, action: Proposed): boolean {
  return sensitiveValues(contract, withAction(memory, action)).length > 0;
}

/** Whether the value holds a text that may not leave: a sensitive value that the run knows, or what looks like a secret. */
export function holdsSensitive(contract: Contract, memory: Memory, action: Proposed, value: unknown): boolean {
  return finding(sensitiveValues(contract, withAction(memory, action)), value) !== undefined;
}

const withAction = ({ input, calls }: Memory, { tool, args }: Proposed) => ({
  input,
  calls: [...calls, { tool, args, output: null }],
});

function finding(known: readonly SensitiveValue[], value: unknown): string | undefined {
  for (const text of leaves(value)) {
    const secret = SECRETS.find(({ found }) => found(text));
    if (secret !== undefined) return `what looks like ${secret.name}`;
    const leak = known.find((sensitive) => holds(text, sensitive.value));
    if (leak !== undefined) return `a sensitive value, ${leak.from}`;
  }
  return undefined;
}

interface SensitiveValue {
  readonly from: string;
  readonly value: string;
}

interface Known {
  readonly input: JsonObject;
  readonly calls: readonly Pick<PastCall, "tool" | "args" | "output">[];
}

function sensitiveValues(contract: Contract, memory: Known): readonly SensitiveValue[] {
  const found = (from: string, value: unknown, paths: readonly string[]) =>
    paths.flatMap((path) =>
      valuesAt(value, path).flatMap((at) => leaves(at).map((leaf) => ({ from: `${from} ${path}`, value: leaf }))),
    );
  return [
    ...found("input", memory.input, contract.sensitive),
    ...memory.calls.flatMap(({ tool, args, output }) => [
      ...found(`${tool.name} argument`, args, tool.sensitiveInput),
      ...found(`${tool.name} result`, output, tool.sensitiveOutput),
    ]),
  ].filter(({ value }) => folded(value).length >= MIN_LENGTH);
}

/** As a reader sees it: compatibility forms, case, invisible characters and runs of space do not hide a value. */
const folded = (text: string) =>
  text
    .normalize("NFKC")
    .replace(/\p{Default_Ignorable_Code_Point}/gu, "")
    .toLowerCase()
    .replace(/\s+/gu, " ")
    .trim();
/** Without separators: `4242-4242` is `42424242`. */
const bare = (text: string) => folded(text).replace(/[^\p{L}\p{N}]/gu, "");

function holds(text: string, value: string): boolean {
  if (folded(text).includes(folded(value))) return true;
  const digits = bare(value);
  return digits.length >= 6 && bare(text).includes(digits);
}

const matching = (name: string, pattern: RegExp) => ({ name, found: (text: string) => pattern.test(text) });
const SECRETS: readonly { readonly name: string; readonly found: (text: string) => boolean }[] = [
  { name: "a card number", found: hasCardNumber },
  matching("an AWS access key", /\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b/),
  matching("an AWS secret key", /aws.{0,20}secret.{0,20}["'\s:=]+[A-Za-z0-9/+]{40}\b/is),
  matching("a Stripe key", /\b(?:sk|rk|whsec)_(?:(?:live|test)_)?[A-Za-z0-9]{16,}/),
  matching("a private key", /-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY/),
  matching("a bearer token", /\bbearer\s+[A-Za-z0-9._~+/-]{16,}/i),
  matching("a signed token", /\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\./),
  matching("a GitHub token", /\bgh[pousr]_[A-Za-z0-9]{30,}/),
  matching("a Slack token", /\bxox[abeoprs]-[A-Za-z0-9-]{10,}/),
];

/**
 * 13 to 19 digits that pass Luhn's check and begin as cards do, in groups with single spaces or dashes between. Only whole groups are
 * tried: windows inside long numbers would pass by chance.
 */
function hasCardNumber(text: string): boolean {
  const runs = folded(text).match(/\d(?:[ -]?\d){12,}/g) ?? [];
  return runs.some((run) => {
    const groups = run.split(/[ -]/);
    return groups.some((_, start) =>
      groups.some((_, last) => last >= start && isCard(groups.slice(start, last + 1).join(""))),
    );
  });
}

const isCard = (digits: string) => /^[2-6]\d{12,18}$/.test(digits) && luhn(Array.from(digits, Number));

function luhn(digits: readonly number[]): boolean {
  const sum = digits.reduceRight((total, digit, index) => {
    const doubled = (digits.length - index) % 2 === 0 ? digit * 2 : digit;
    return total + (doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  return sum > 0 && sum % 10 === 0;
}
