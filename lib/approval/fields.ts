/**
 * Arguments as fields of a form, and back. A browser may change what it was not asked to (line ends, characters that forms cannot hold), so
 * what was not touched stays exactly as it was, and what a form cannot carry is not offered.
 */
import { isJsonObject, type Json, type JsonObject } from "../run/canonical.js";
import { Refusal } from "./refusal.js";
import { visible } from "./visible.js";

export interface Field {
  /** JSON path: `["items",0,"price"]` */
  readonly name: string;
  /** `items[0].price` */
  readonly label: string;
  readonly kind: "text" | "long-text" | "number" | "boolean";
  /** as the form holds it */
  readonly value: string;
}
export const FIELD_PREFIX = "edit.";

/** Every string, number and boolean that a form can carry, but for those that are hidden. */
export function fieldsOf(args: JsonObject, hidden: readonly string[]): readonly Field[] {
  return leavesOf(args, []).flatMap(({ path, value }) => {
    const kind = kindOf(value);
    const label = labelOf(path);
    if (kind === null || hidden.includes(label)) return [];
    return [{ name: FIELD_PREFIX + JSON.stringify(path), label, kind, value: String(value) }];
  });
}

/**
 * The arguments with what was typed.
 * @throws Refusal CS-2125 for a value that is not of the field's kind
 */
export function editedArgs(
  args: JsonObject,
  typed: Readonly<Record<string, string>>,
  hidden: readonly string[],
): JsonObject {
  const fields = new Map(fieldsOf(args, hidden).map((field) => [field.name, field]));
  const unknown = Object.keys(typed).find((name) => !fields.has(name));
  if (unknown !== undefined)
    throw new Refusal("CS-2125", 400, `edit: ${unknown.slice(0, 200)} is no field of the arguments`);
  const edited = rebuild(args, [], (path, value) => {
    const field = fields.get(FIELD_PREFIX + JSON.stringify(path));
    const text = field === undefined ? undefined : typed[field.name];
    return field === undefined || text === undefined || sameText(text, field.value) ? value : typedValue(field, text);
  });
  return isJsonObject(edited) ? edited : args;
}

type Path = readonly (string | number)[];

function leavesOf(value: Json, path: Path): readonly { readonly path: Path; readonly value: Json }[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => leavesOf(item, [...path, index]));
  if (typeof value !== "object" || value === null) return [{ path, value }];
  return Object.entries(value).flatMap(([key, member]) =>
    member === undefined ? [] : leavesOf(member, [...path, key]),
  );
}

function rebuild(value: Json, path: Path, change: (path: Path, value: Json) => Json): Json {
  if (Array.isArray(value)) return value.map((item: Json, index) => rebuild(item, [...path, index], change));
  if (typeof value !== "object" || value === null) return change(path, value);
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, member]) =>
      member === undefined ? [] : [[key, rebuild(member, [...path, key], change)]],
    ),
  );
}

/** What hides would hide in a field too, and not all of it comes back from a form as it went. */
const hides = (value: string) =>
  visible(value).some(({ mark }) => mark !== undefined && !["space", "tab", "line end"].includes(mark));

function kindOf(value: Json): Field["kind"] | null {
  switch (typeof value) {
    case "number":
      return "number";
    case "boolean":
      return "boolean";
    case "string":
      if (hides(value)) return null;
      return value.includes("\n") || value.length > 80 ? "long-text" : "text";
    default:
      return null;
  }
}

const labelOf = (path: Path): string =>
  path.reduce<string>(
    (text, key) => (typeof key === "number" ? `${text}[${key}]` : text === "" ? key : `${text}.${key}`),
    "",
  );

const unix = (text: string) => text.replace(/\r\n?/g, "\n");
const sameText = (typed: string, was: string) => unix(typed) === unix(was);

function typedValue({ kind, label, name }: Field, typed: string): Json {
  const wrong = (what: string) => new Refusal("CS-2125", 422, `edit: ${label} must be ${what}`, { field: name });
  switch (kind) {
    case "number": {
      const text = typed.trim();
      const value = Number(text);
      const exact = /^-?(0|[1-9]\d*)(\.\d+)?$/.test(text) && Number.isFinite(value) && !Object.is(value, -0);
      if (!exact || (Number.isInteger(value) && !Number.isSafeInteger(value)) || String(value) !== text)
        throw wrong("a number, written in digits as 42000 or 0.5, that is not rounded");
      return value;
    }
    case "boolean":
      if (typed !== "true" && typed !== "false") throw wrong("true or false");
      return typed === "true";
    case "text":
    case "long-text":
      return unix(typed);
  }
}
