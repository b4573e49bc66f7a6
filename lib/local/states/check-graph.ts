/** Static checks of the state graph: targets exist, every state can be reached, every path can end. */
import { LAMBDA_INVOKE, LAMBDA_INVOKE_WITH_TOKEN, type StateDefinition, type StateGraph } from "./asl.js";
import type { DefinitionFault } from "./definition-fault.js";

/** Faults of a graph and of the graphs inside it; `path` names the states around it. */
export function checkGraph(graph: StateGraph, path: readonly string[]): DefinitionFault[] {
  const faults: DefinitionFault[] = [];
  const add = (code: string, state: string | undefined, field: string, message: string): void => {
    faults.push({ code, state, field, message });
  };
  if (!Object.hasOwn(graph.States, graph.StartAt)) {
    const owner = path.at(-1);
    const where = owner === undefined ? "the machine" : `state "${owner}"`;
    add("CS-1254", owner, "StartAt", `${where}: StartAt names "${graph.StartAt}", which is not a state there`);
  }
  for (const [name, state] of Object.entries(graph.States)) {
    for (const { field, target } of transitionsOf(state)) {
      if (!Object.hasOwn(graph.States, target)) {
        add("CS-1254", name, field, `state "${name}": ${field} names "${target}", which is not a state here`);
      }
    }
    checkEnd(name, state, add);
    checkTimes(name, state, add);
    checkArguments(name, state, add);
    for (const inner of innerGraphs(state)) faults.push(...checkGraph(inner, [...path, name]));
  }
  for (const name of unreachable(graph)) {
    add("CS-1254", name, "", `state "${name}" cannot be reached from StartAt "${graph.StartAt}"`);
  }
  return faults;
}

type AddFault = (code: string, state: string, field: string, message: string) => void;

function checkEnd(name: string, state: StateDefinition, add: AddFault): void {
  if (state.Type === "Choice" || state.Type === "Succeed" || state.Type === "Fail") return;
  if (state.Next === undefined && state.End === undefined) {
    add("CS-1254", name, "End", `state "${name}" has neither Next nor End: say where it goes`);
  }
  if (state.Next !== undefined && state.End !== undefined) {
    add("CS-1254", name, "End", `state "${name}" has both Next and End: keep one`);
  }
}

function checkTimes(name: string, state: StateDefinition, add: AddFault): void {
  if (state.Type !== "Task") return;
  const { TimeoutSeconds: timeout, HeartbeatSeconds: heartbeat } = state;
  if (typeof timeout === "number" && typeof heartbeat === "number" && heartbeat >= timeout) {
    add(
      "CS-1257",
      name,
      "HeartbeatSeconds",
      `state "${name}": HeartbeatSeconds ${heartbeat} must be smaller than TimeoutSeconds ${timeout}`,
    );
  }
}

const INVOKE_ARGUMENTS = ["FunctionName", "Payload", "Qualifier", "InvocationType"];

/** The Lambda integration's arguments, as far as they are written out. */
function checkArguments(name: string, state: StateDefinition, add: AddFault): void {
  if (state.Type !== "Task" || (state.Resource !== LAMBDA_INVOKE && state.Resource !== LAMBDA_INVOKE_WITH_TOKEN))
    return;
  const given = state.Arguments;
  if (typeof given === "string") return;
  const members = typeof given === "object" && given !== null && !Array.isArray(given) ? given : {};
  if (!Object.hasOwn(members, "FunctionName")) {
    add("CS-1258", name, "Arguments", `state "${name}": Arguments must name the FunctionName`);
  }
  for (const [key, value] of Object.entries(members)) {
    const allowed = INVOKE_ARGUMENTS.includes(key) && (key !== "InvocationType" || value === "RequestResponse");
    if (allowed) continue;
    add("CS-1252", name, `Arguments/${key}`, `state "${name}" has Arguments/${key}, which is not modelled: remove it`);
  }
}

export interface Transition {
  /** e.g. `Catch[0]/Next` */
  readonly field: string;
  readonly target: string;
}

/** Every way out of a state. */
export function transitionsOf(state: StateDefinition): Transition[] {
  const found: Transition[] = [];
  if ("Next" in state && state.Next !== undefined) found.push({ field: "Next", target: state.Next });
  if (state.Type === "Choice") {
    state.Choices.forEach((rule, index) => {
      found.push({ field: `Choices[${index}]/Next`, target: rule.Next });
    });
    if (state.Default !== undefined) found.push({ field: "Default", target: state.Default });
  }
  if ("Catch" in state) {
    state.Catch?.forEach((catcher, index) => {
      found.push({ field: `Catch[${index}]/Next`, target: catcher.Next });
    });
  }
  return found;
}

/** The graphs inside a Parallel or a Map. */
export function innerGraphs(state: StateDefinition): readonly StateGraph[] {
  if (state.Type === "Parallel") return state.Branches;
  return state.Type === "Map" ? [state.ItemProcessor] : [];
}

function unreachable(graph: StateGraph): string[] {
  const seen = new Set<string>();
  const queue = [graph.StartAt];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    const state = graph.States[name];
    if (state !== undefined) queue.push(...transitionsOf(state).map((transition) => transition.target));
  }
  return Object.keys(graph.States).filter((name) => !seen.has(name));
}
