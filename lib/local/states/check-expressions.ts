/** Static checks of expressions: they parse in JSONata 2.0.6, and what they read can exist where they stand. */
import * as z from "zod";
import type { StateDefinition, StateGraph } from "./asl.js";
import { innerGraphs } from "./check-graph.js";
import type { DefinitionFault } from "./definition-fault.js";
import { compileExpression, expressionSource } from "./jsonata.js";
import { referencesOf } from "./references.js";

/** Faults of all expressions of a graph and of the graphs inside it. */
export function checkExpressions(graph: StateGraph, variables: boolean): DefinitionFault[] {
  return checkScope(graph, new Set(), variables);
}

function checkScope(graph: StateGraph, outer: ReadonlySet<string>, variables: boolean): DefinitionFault[] {
  const known = assignedBefore(graph, outer);
  return Object.entries(graph.States).flatMap(([name, state]) => {
    const here = known.get(name) ?? outer;
    const faults = fieldsOf(state).flatMap((field) =>
      expressionsIn(field.value, field.location).flatMap((found) =>
        checkExpression(name, found, field.members, variables ? here : undefined),
      ),
    );
    return [...faults, ...innerGraphs(state).flatMap((inner) => checkScope(inner, here, variables))];
  });
}

interface Field {
  readonly location: string;
  readonly value: unknown;
  /** the members `$states` has in this field */
  readonly members: readonly string[];
}

const BEFORE = ["input", "context"];
const AFTER = [...BEFORE, "result"];
const CAUGHT = [...BEFORE, "errorOutput"];

/** The fields of a state that may hold expressions. */
function fieldsOf(state: StateDefinition): Field[] {
  const hasResult = state.Type === "Task" || state.Type === "Map" || state.Type === "Parallel";
  const fields: Field[] = [];
  const add = (location: string, value: unknown, members: readonly string[]): void => {
    if (value !== undefined) fields.push({ location, value, members });
  };
  for (const [key, value] of Object.entries(state)) {
    if (key === "Output" || key === "Assign") add(key, value, hasResult ? AFTER : BEFORE);
    else if (!NO_EXPRESSIONS.has(key)) add(key, value, BEFORE);
  }
  if (state.Type === "Choice") {
    state.Choices.forEach((rule, index) => {
      const at = `Choices[${index}]`;
      add(`${at}/Condition`, rule.Condition, BEFORE);
      add(`${at}/Output`, rule.Output, BEFORE);
      add(`${at}/Assign`, rule.Assign, BEFORE);
    });
  }
  if ("Catch" in state) {
    state.Catch?.forEach((catcher, index) => {
      add(`Catch[${index}]/Output`, catcher.Output, CAUGHT);
      add(`Catch[${index}]/Assign`, catcher.Assign, CAUGHT);
    });
  }
  return fields;
}

const NO_EXPRESSIONS: ReadonlySet<string> = new Set([
  "Type",
  "Comment",
  "QueryLanguage",
  "Next",
  "End",
  "Resource",
  "Retry",
  "Catch",
  "Choices",
  "Default",
  "Branches",
  "ItemProcessor",
]);

interface Found {
  readonly location: string;
  readonly text: string;
}

/** The strings of a field that are, or try to be, expressions. */
function expressionsIn(value: unknown, location: string): Found[] {
  if (typeof value === "string") return value.startsWith("{%") ? [{ location, text: value }] : [];
  if (Array.isArray(value)) {
    return value.flatMap((item: unknown, index) => expressionsIn(item, `${location}[${index}]`));
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => expressionsIn(member, `${location}/${key}`));
}

const SyntaxFault = z.object({ message: z.string(), code: z.string().optional() });

function checkExpression(
  state: string,
  { location, text }: Found,
  members: readonly string[],
  variables: ReadonlySet<string> | undefined,
): DefinitionFault[] {
  const fault = (code: string, message: string): DefinitionFault[] => [
    { code, state, field: location, message: `state "${state}", ${location}: ${message}` },
  ];
  const source = expressionSource(text);
  if (source === undefined) return fault("CS-1255", `${JSON.stringify(text)} opens with {% but does not end with %}`);
  let ast: unknown;
  try {
    ast = compileExpression(source).ast;
  } catch (error) {
    const why = SyntaxFault.safeParse(error).data?.message ?? "syntax error";
    return fault("CS-1255", `${JSON.stringify(source)} does not parse in JSONata 2.0.6: ${why}${newerSyntax(source)}`);
  }
  const references = referencesOf(ast);
  const faults: DefinitionFault[] = [];
  for (const member of references.statesMembers) {
    if (members.includes(member)) continue;
    const allowed = members.map((name) => `$states.${name}`).join(", ");
    faults.push(...fault("CS-1256", `$states.${member} does not exist here; allowed are ${allowed}`));
  }
  if (references.rootDocument)
    faults.push(...fault("CS-1256", "$$ does not exist: there is no input document; use $states.input"));
  if (variables !== undefined) {
    for (const name of references.variables) {
      if (variables.has(name)) continue;
      const why =
        name === "eval" ? "$eval does not exist in Step Functions" : `$${name} is not assigned on any way here`;
      faults.push(...fault("CS-1256", why));
    }
  }
  return faults;
}

function newerSyntax(source: string): string {
  if (source.includes("??")) return " (`??` is newer than 2.0.6: use `$exists(x) ? x : y`)";
  return source.includes("?:") ? " (`?:` is newer than 2.0.6: use `x ? x : y`)" : "";
}

/** For each state, the variables that some way to it has assigned (an over-approximation: no false alarms). */
function assignedBefore(graph: StateGraph, outer: ReadonlySet<string>): ReadonlyMap<string, ReadonlySet<string>> {
  const known = new Map<string, Set<string>>([[graph.StartAt, new Set(outer)]]);
  for (let changed = true; changed; ) {
    changed = false;
    for (const [name, state] of Object.entries(graph.States)) {
      const here = known.get(name);
      if (here === undefined) continue;
      for (const { target, assign } of assignmentsOf(state)) {
        const there = known.get(target) ?? new Set<string>();
        const before = known.has(target) ? there.size : -1;
        for (const variable of here) there.add(variable);
        for (const variable of Object.keys(assign ?? {})) there.add(variable);
        known.set(target, there);
        if (there.size !== before) changed = true;
      }
    }
  }
  return known;
}

interface Assignment {
  readonly target: string;
  readonly assign: Readonly<Record<string, unknown>> | undefined;
}

/** Each way out of a state with what is assigned on it. */
function assignmentsOf(state: StateDefinition): Assignment[] {
  const ways: Assignment[] = [];
  if ("Next" in state && state.Next !== undefined) ways.push({ target: state.Next, assign: state.Assign });
  if (state.Type === "Choice") {
    for (const rule of state.Choices) ways.push({ target: rule.Next, assign: rule.Assign });
    if (state.Default !== undefined) ways.push({ target: state.Default, assign: state.Assign });
  }
  if ("Catch" in state) {
    for (const catcher of state.Catch ?? []) ways.push({ target: catcher.Next, assign: catcher.Assign });
  }
  return ways;
}
