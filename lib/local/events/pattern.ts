/** Event patterns of EventBridge: the kinds of match that the templates use; every other kind is refused. */
import { CountersignError } from "../../errors.js";

type Scalar = string | number | boolean | null;
type Match = (value: unknown) => boolean;
/** Whether an event has what the pattern asks for. */
export type EventMatch = (event: unknown) => boolean;

/** @throws CountersignError CS-1213 with the path of what is not modelled */
export function compilePattern(pattern: unknown, where: string): EventMatch {
  if (!isRecord(pattern)) throw refuse(where, pattern, "an object of fields");
  const fields = Object.entries(pattern).map(([name, inner]) => {
    const path = `${where}.${name}`;
    if (name.startsWith("$")) throw refuse(path, name, "a field name");
    const match: Match = Array.isArray(inner) ? anyOf(inner, path) : compilePattern(inner, path);
    return { name, match };
  });
  return (event) => fields.every(({ name, match }) => match(isRecord(event) ? event[name] : undefined));
}

function anyOf(alternatives: readonly unknown[], where: string): Match {
  const matches = alternatives.map((alternative, index) => oneOf(alternative, `${where}.${index}`));
  return (value) => matches.some((match) => match(value));
}

function oneOf(alternative: unknown, where: string): Match {
  if (isScalar(alternative)) return (value) => elements(value).some((element) => element === alternative);
  const [entry, ...more] = isRecord(alternative) ? Object.entries(alternative) : [];
  const [kind, argument] = entry ?? [];
  if (more.length === 0 && kind === "exists" && typeof argument === "boolean") {
    return (value) => (value !== undefined) === argument;
  }
  if (more.length === 0 && kind === "prefix" && typeof argument === "string") {
    return (value) => elements(value).some((element) => typeof element === "string" && element.startsWith(argument));
  }
  if (more.length === 0 && kind === "anything-but") {
    const excluded: readonly unknown[] = Array.isArray(argument) ? argument : [argument];
    if (excluded.every(isScalar))
      return (value) =>
        value !== undefined && elements(value).every((element) => !excluded.some((each) => each === element));
  }
  throw refuse(where, alternative, 'a value, {"prefix": text}, {"exists": true|false} or {"anything-but": value(s)}');
}

/** A field that holds a list matches when one of its elements does. */
const elements = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value]);

function isScalar(value: unknown): value is Scalar {
  return value === null || ["string", "number", "boolean"].includes(typeof value);
}
function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
function refuse(where: string, value: unknown, allowed: string): CountersignError {
  return new CountersignError("CS-1213", `${where}: ${JSON.stringify(value)} is not modelled; allowed: ${allowed}`);
}
