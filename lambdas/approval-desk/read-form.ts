/** A body as the desk understands it: a page's form, or JSON of a program. */
import { FIELD_PREFIX } from "../../lib/approval/fields.js";
import { Refusal } from "../../lib/approval/refusal.js";
import { readJsonOr } from "../../lib/run/json.js";
import { decisionForm, MAX_ARGS_BYTES } from "../../lib/run/protocol.js";
import type { Form } from "./open.js";

/** An edit carries every argument, three bytes for one that is escaped. */
const MAX_BODY_BYTES = 16 * 1024 + 3 * MAX_ARGS_BYTES;

/** A page's form cannot send it: it comes from a program. */
export const isJson = (contentType: string) => contentType.startsWith("application/json");

/** @throws Refusal CS-2113 for a body that the page does not send */
export function readForm(contentType: string, body: string): Form {
  if (Buffer.byteLength(body, "utf8") > MAX_BODY_BYTES)
    throw new Refusal("CS-2113", 413, `form: more than ${MAX_BODY_BYTES} bytes; shorten the comment`);
  const { edited, rest } = split(fieldsOf(contentType, body));
  const parsed = decisionForm.safeParse(rest);
  if (parsed.success) return { fields: parsed.data, edited };
  const names = parsed.error.issues.map((issue) => issue.path.join(".") || "form").join(", ");
  throw new Refusal(
    "CS-2113",
    400,
    `form: ${names} missing or wrong; send decision (approve, reject, ask, answer, delegate, edit or code), code, confirmation, comment`,
  );
}

function split(fields: unknown): { readonly edited: Record<string, string>; readonly rest: unknown } {
  if (typeof fields !== "object" || fields === null || Array.isArray(fields)) return { edited: {}, rest: fields };
  const all = Object.entries(fields);
  const edited = all.flatMap(([name, value]) =>
    name.startsWith(FIELD_PREFIX) && typeof value === "string" ? [[name, value] as const] : [],
  );
  const names = new Set(edited.map(([name]) => name));
  return { edited: Object.fromEntries(edited), rest: Object.fromEntries(all.filter(([name]) => !names.has(name))) };
}

function fieldsOf(contentType: string, body: string): unknown {
  if (contentType.startsWith("application/x-www-form-urlencoded")) {
    const fields = [...new URLSearchParams(body)];
    // A field given twice could be shown with one value and read with the other.
    return new Set(fields.map(([name]) => name)).size === fields.length ? Object.fromEntries(fields) : undefined;
  }
  return isJson(contentType) ? readJsonOr(body, MAX_BODY_BYTES, undefined) : undefined;
}
