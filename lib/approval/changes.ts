/** A preview as rows: one per field that is before or after. */
import { jcs } from "../run/canonical.js";
import { moneyText } from "../run/money.js";
import type { ApprovalView } from "../run/protocol.js";

export interface Change {
  /** `items[0].price` */
  readonly field: string;
  /** undefined: the field is not there */
  readonly before: string | undefined;
  readonly after: string | undefined;
  readonly changed: boolean;
}
type Preview = NonNullable<ApprovalView["preview"]>;

/** Fields in the order of `before`, then those that only `after` has. Amounts in cents are shown as money too. */
export function changesOf({ before, after }: Preview): readonly Change[] {
  const was = leaves(before);
  const will = leaves(after);
  const fields = [...new Set([...was.keys(), ...will.keys()])];
  const currency = currencyOf(after) ?? currencyOf(before);
  return fields.map((field) => {
    const from = was.get(field);
    const to = will.get(field);
    return {
      field,
      before: from === undefined ? undefined : shownAmount(field, from.value, currency),
      after: to === undefined ? undefined : shownAmount(field, to.value, currency),
      changed: from === undefined || to === undefined || jcs(from.value) !== jcs(to.value),
    };
  });
}

/** Every value that is no object or array (or an empty one), by its path. */
export function leaves(value: unknown, path = ""): Map<string, { readonly value: unknown }> {
  if (typeof value !== "object" || value === null) return new Map([[path, { value }]]);
  const members: readonly (readonly [string, unknown])[] = Array.isArray(value)
    ? value.map((item: unknown, index) => [`${path}[${index}]`, item])
    : Object.entries(value).map(([key, member]) => [memberPath(path, key), member]);
  if (members.length === 0) return path === "" ? new Map() : new Map([[path, { value }]]);
  return new Map(members.flatMap(([at, member]) => [...leaves(member, at)]));
}

/** `a.b`, but `["a.b"]` for a key that only looks like a path: two keys never read the same. */
function memberPath(path: string, key: string): string {
  if (!/^[\p{L}_$][\p{L}\p{N}_$-]*$/u.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === "" ? key : `${path}.${key}`;
}

/** A text as it is; in quotation marks when it would read like a number, a word of JSON or a quoted text. */
export function textOf(value: unknown): string {
  if (typeof value !== "string") return JSON.stringify(value);
  return /^\s*(["[{]|-?\d|(true|false|null)\s*$)/.test(value) && isJsonText(value) ? JSON.stringify(value) : value;
}

function isJsonText(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** A value as people read it: cents of a known currency as money too. */
export function shownAmount(field: string, value: unknown, currency: string | undefined): string {
  const text = textOf(value);
  if (currency === undefined || typeof value !== "number" || !Number.isInteger(value) || !/_cents$/.test(field))
    return text;
  return `${moneyText(value, currency)} (${text})`;
}

/** The currency that a preview names, if it does. */
export function currencyOf(record: Preview["before"]): string | undefined {
  const currency = record.currency;
  return typeof currency === "string" && /^[A-Za-z]{3}$/.test(currency) ? currency.toUpperCase() : undefined;
}
