/** Which variables a JSONata expression reads, from its syntax tree. */
import { FUNCTION_NAMES } from "./functions.js";

export interface References {
  /** free variables, without `$states` and the functions that exist */
  readonly variables: ReadonlySet<string>;
  /** the members of `$states` that are named, e.g. `input` */
  readonly statesMembers: ReadonlySet<string>;
  /** whether `$$` is read: there is no input document in Step Functions */
  readonly rootDocument: boolean;
}

/** Names that an expression binds itself (`:=`, parameters, `@$x`, `#$x`) are not free, wherever they are bound. */
export function referencesOf(ast: unknown): References {
  const read = new Set<string>();
  const bound = new Set<string>();
  const statesMembers = new Set<string>();
  walk(ast, new Set(), (node) => {
    const type = Reflect.get(node, "type");
    const value = Reflect.get(node, "value");
    if (type === "variable" && typeof value === "string") read.add(value);
    if (type === "bind" && value === ":=") addName(bound, Reflect.get(node, "lhs"));
    if (type === "lambda") for (const parameter of arrayOf(Reflect.get(node, "arguments"))) addName(bound, parameter);
    for (const key of ["focus", "index"]) {
      const name = Reflect.get(node, key);
      if (typeof name === "string") bound.add(name);
      const stage = objectOf(name);
      const stageName = stage === undefined ? undefined : Reflect.get(stage, "value");
      if (typeof stageName === "string") bound.add(stageName);
    }
    if (type === "index" && typeof value === "string") bound.add(value);
    if (type === "path") addStatesMember(statesMembers, arrayOf(Reflect.get(node, "steps")));
  });
  const variables = new Set(
    [...read].filter(
      (name) => name !== "" && name !== "$" && name !== "states" && !bound.has(name) && !FUNCTION_NAMES.has(name),
    ),
  );
  return { variables, statesMembers, rootDocument: read.has("$") };
}

function addStatesMember(members: Set<string>, steps: readonly unknown[]): void {
  const [first, second] = steps.map(objectOf);
  if (first === undefined || second === undefined) return;
  if (Reflect.get(first, "type") !== "variable" || Reflect.get(first, "value") !== "states") return;
  const name = Reflect.get(second, "value");
  if (Reflect.get(second, "type") === "name" && typeof name === "string") members.add(name);
}

function addName(names: Set<string>, node: unknown): void {
  const found = objectOf(node);
  const value = found === undefined ? undefined : Reflect.get(found, "value");
  if (typeof value === "string") names.add(value);
}

function objectOf(value: unknown): object | undefined {
  return typeof value === "object" && value !== null ? value : undefined;
}

function arrayOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function walk(node: unknown, seen: Set<object>, visit: (node: object) => void): void {
  const found = objectOf(node);
  if (found === undefined || seen.has(found)) return;
  seen.add(found);
  visit(found);
  for (const member of Object.values(found)) walk(member, seen, visit);
}
