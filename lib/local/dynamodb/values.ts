/** Attribute values as DynamoDB's JSON writes them. */
import * as z from "zod";
import type { KeyNames } from "./tables.js";

export type AttributeValue =
  | { readonly S: string }
  | { readonly N: string }
  | { readonly B: string }
  | { readonly BOOL: boolean }
  | { readonly NULL: boolean }
  | { readonly SS: readonly string[] }
  | { readonly NS: readonly string[] }
  | { readonly BS: readonly string[] }
  | { readonly L: readonly AttributeValue[] }
  | { readonly M: Item };
export type Item = Readonly<Record<string, AttributeValue>>;

/** DynamoDB's own limit. It also bounds the recursion over hostile input. */
const MAX_NESTING = 32;

/** An attribute value; by hand, because the nesting limit must hold before anything recurses further. */
export const attributeValue = z.custom<AttributeValue>((value) => isAttributeValue(value, 0), "is no attribute value");
/** Attribute name → value. dynalite would drop an attribute named `__proto__`, so it is refused. */
export const item = z.custom<Item>(
  (value) => isItem(value, 0),
  "is no map of attribute values (or nested deeper than 32, or names __proto__)",
);

function isItem(value: unknown, depth: number): value is Item {
  if (depth > MAX_NESTING || !isObject(value)) return false;
  return Object.entries(value).every(([name, attribute]) => name !== "__proto__" && isAttributeValue(attribute, depth));
}

function isAttributeValue(value: unknown, depth: number): value is AttributeValue {
  if (!isObject(value)) return false;
  const [entry, ...more] = Object.entries(value);
  if (entry === undefined || more.length > 0) return false;
  const [type, content] = entry;
  switch (type) {
    case "S":
    case "N":
    case "B":
      return typeof content === "string";
    case "BOOL":
    case "NULL":
      return typeof content === "boolean";
    case "SS":
    case "NS":
    case "BS":
      return Array.isArray(content) && content.every((element) => typeof element === "string");
    case "L":
      return (
        depth < MAX_NESTING &&
        Array.isArray(content) &&
        content.every((element) => isAttributeValue(element, depth + 1))
      );
    case "M":
      return isItem(content, depth + 1);
    default:
      return false;
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The text of a key attribute, as `dynamodb:LeadingKeys` shows it; undefined for types that cannot be keys. */
export function keyText(value: AttributeValue | undefined): string | undefined {
  if (value === undefined) return undefined;
  if ("S" in value) return value.S;
  if ("N" in value) return canonicalNumber(value.N);
  return "B" in value ? value.B : undefined;
}

/** The key attributes of an item; undefined when one is missing. */
export function keyOf(keys: KeyNames, from: Item): Item | undefined {
  const partition = from[keys.partition];
  if (partition === undefined) return undefined;
  if (keys.sort === undefined) return { [keys.partition]: partition };
  const sort = from[keys.sort];
  return sort === undefined ? undefined : { [keys.partition]: partition, [keys.sort]: sort };
}

/** One text per key, the same for numbers that are equal. */
export function keyId(keys: KeyNames, key: Item): string {
  const part = (name: string) => {
    const value = key[name];
    return value === undefined ? null : [Object.keys(value)[0], keyText(value)];
  };
  return JSON.stringify([part(keys.partition), keys.sort === undefined ? null : part(keys.sort)]);
}

/** `1.50`, `15e-1` and `+1.5` are one number to DynamoDB. Text that is no number stays as it is. */
export function canonicalNumber(text: string): string {
  const [, sign = "", whole = "", fraction = "", exponent = "0"] =
    /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/.exec(text) ?? [];
  const digits = `${whole}${fraction}`;
  if (digits === "") return text;
  const significant = digits.replace(/^0+/, "").replace(/0+$/, "");
  if (significant === "") return "0";
  const trailing = digits.length - digits.replace(/0+$/, "").length;
  const power = Number(exponent) - fraction.length + trailing;
  return `${sign === "-" ? "-" : ""}${significant}${power === 0 ? "" : `e${power}`}`;
}

/** The size of an item as DynamoDB counts it: names and values; lists and maps cost 3 bytes and 1 for each member. */
export function itemSizeBytes(item: Item): number {
  return Object.entries(item).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + valueSizeBytes(value), 0);
}

function valueSizeBytes(value: AttributeValue): number {
  if ("S" in value) return Buffer.byteLength(value.S);
  if ("N" in value) return numberSizeBytes(value.N);
  if ("B" in value) return Buffer.byteLength(value.B, "base64");
  if ("SS" in value) return total(value.SS, (text) => Buffer.byteLength(text));
  if ("NS" in value) return total(value.NS, numberSizeBytes);
  if ("BS" in value) return total(value.BS, (text) => Buffer.byteLength(text, "base64"));
  if ("L" in value) return 3 + total(value.L, (member) => 1 + valueSizeBytes(member));
  if ("M" in value) return 3 + Object.keys(value.M).length + itemSizeBytes(value.M);
  return 1;
}

/** About one byte for two significant digits, and one more. */
const numberSizeBytes = (text: string): number =>
  1 + Math.ceil(canonicalNumber(text).replace(/^-|e.*$/g, "").length / 2);
const total = <T>(members: readonly T[], size: (member: T) => number): number =>
  members.reduce((sum, member) => sum + size(member), 0);
