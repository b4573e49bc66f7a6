/** Reading a definition: from JSON text to a checked `MachineDefinition`, or to every fault at once. */
import * as z from "zod";
import { CountersignError } from "../../errors.js";
import { JSON_FAULTS, jsonFault, readJson } from "../../run/json.js";
import { type MachineDefinition, MachineSchema } from "./asl.js";
import { checkExpressions } from "./check-expressions.js";
import { checkGraph } from "./check-graph.js";
import type { DefinitionFault } from "./definition-fault.js";
import { exceedsBytes, MAX_DEFINITION_BYTES } from "./limits.js";

export interface DefinitionChecks {
  /**
   * Also refuse what AWS accepts but what fails when it runs: variables and functions that do not exist.
   *
   * @default true
   */
  readonly variables?: boolean;
}

/** All faults of a definition (JSON text or a parsed document); empty when it can run. */
export function checkDefinition(source: unknown, checks: DefinitionChecks = {}): DefinitionFault[] {
  const read = readDefinition(source, checks);
  return "faults" in read ? read.faults : [];
}

/**
 * The checked definition.
 *
 * Throws `CountersignError` with the code of the first fault, all faults in the message and in `details.faults`.
 */
export function parseDefinition(source: unknown, checks: DefinitionChecks = {}): MachineDefinition {
  const read = readDefinition(source, checks);
  if (!("faults" in read)) return read.machine;
  const [first] = read.faults;
  throw new CountersignError(
    first?.code ?? "CS-1250",
    `state machine definition: ${read.faults.map((fault) => fault.message).join("; ")}`,
    { faults: read.faults },
  );
}

type Read = { readonly machine: MachineDefinition } | { readonly faults: DefinitionFault[] };

function readDefinition(source: unknown, checks: DefinitionChecks): Read {
  const document = documentOf(source);
  if ("faults" in document) return document;
  const languageFaults = checkQueryLanguage(document.value);
  const parsed = MachineSchema.safeParse(document.value);
  if (!parsed.success) {
    const languageStates = new Set(languageFaults.map((fault) => fault.state));
    // A JSONPath state's own fields would only repeat that it is one.
    const faults = parsed.error.issues.flatMap(faultsOfIssue).filter((fault) => !languageStates.has(fault.state));
    return { faults: [...languageFaults, ...faults] };
  }
  const machine = parsed.data;
  const faults = [
    ...languageFaults,
    ...checkGraph(machine, []),
    ...checkExpressions(machine, checks.variables ?? true),
  ];
  return faults.length === 0 ? { machine } : { faults };
}

function documentOf(source: unknown): { readonly value: unknown } | { readonly faults: DefinitionFault[] } {
  const machineFault = (message: string) => ({
    faults: [{ code: "CS-1250", state: undefined, field: "", message }],
  });
  if (typeof source !== "string") {
    const fault = jsonFault(source);
    return fault === undefined
      ? { value: source }
      : machineFault(`the definition cannot be read: ${JSON_FAULTS[fault]}`);
  }
  if (exceedsBytes(source, MAX_DEFINITION_BYTES)) {
    return machineFault(`the definition is larger than ${MAX_DEFINITION_BYTES} bytes, which Step Functions refuses`);
  }
  const read = readJson(source, MAX_DEFINITION_BYTES);
  return read.ok ? { value: read.value } : machineFault(`the definition cannot be read: ${read.why}`);
}

const Loose: z.ZodType<LooseGraph> = z.lazy(() =>
  z.looseObject({ QueryLanguage: z.unknown().optional(), States: z.record(z.string(), LooseState) }),
);
const LooseState = z.looseObject({
  QueryLanguage: z.unknown().optional(),
  Branches: z.array(Loose).optional().catch(undefined),
  ItemProcessor: Loose.optional().catch(undefined),
});
interface LooseGraph {
  readonly QueryLanguage?: unknown;
  readonly States: Readonly<Record<string, z.infer<typeof LooseState>>>;
}

/** Every state must be JSONata, by itself or because the machine says so. */
function checkQueryLanguage(document: unknown): DefinitionFault[] {
  const machine = Loose.safeParse(document);
  if (!machine.success) return [];
  const inherited = machine.data.QueryLanguage;
  if (inherited !== undefined && inherited !== "JSONata") {
    const message = `the machine's QueryLanguage is ${JSON.stringify(inherited)}; only "JSONata" is modelled`;
    return [{ code: "CS-1251", state: undefined, field: "QueryLanguage", message }];
  }
  const faults: DefinitionFault[] = [];
  const visit = (graph: LooseGraph): void => {
    for (const [name, state] of Object.entries(graph.States)) {
      const own = state.QueryLanguage ?? inherited ?? "JSONPath";
      if (own !== "JSONata") {
        faults.push({
          code: "CS-1251",
          state: name,
          field: "QueryLanguage",
          message: `state "${name}" uses ${JSON.stringify(own)}; only "JSONata" is modelled: set QueryLanguage on the machine`,
        });
      }
      for (const branch of state.Branches ?? []) visit(branch);
      if (state.ItemProcessor !== undefined) visit(state.ItemProcessor);
    }
  };
  visit(machine.data);
  return faults;
}

/** The JSONPath field and what a JSONata state uses instead. */
const JSONPATH_FIELDS: Readonly<Record<string, string>> = {
  InputPath: "an expression over $states.input",
  OutputPath: "Output",
  ResultPath: "Output or Assign",
  ResultSelector: "Output",
  Parameters: "Arguments",
  Result: "Output",
  ItemsPath: "Items",
  Iterator: "ItemProcessor",
  Variable: "Condition",
  SecondsPath: "Seconds",
  TimestampPath: "Timestamp",
  TimeoutSecondsPath: "TimeoutSeconds",
  HeartbeatSecondsPath: "HeartbeatSeconds",
  ErrorPath: "Error",
  CausePath: "Cause",
  MaxConcurrencyPath: "MaxConcurrency",
  ToleratedFailureCountPath: "ToleratedFailureCount",
  ToleratedFailurePercentagePath: "ToleratedFailurePercentage",
};

function faultsOfIssue(issue: z.core.$ZodIssue): DefinitionFault[] {
  const { state, field } = placeOf(issue.path);
  const at = (name: string): string => (field === "" ? name : `${field}/${name}`);
  const where = state === undefined ? "the machine" : `state "${state}"`;
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => {
      const instead = JSONPATH_FIELDS[key];
      const why =
        instead === undefined ? "which is not modelled: remove it" : `a JSONPath field: use ${instead} instead`;
      return { code: "CS-1252", state, field: at(key), message: `${where} has ${at(key)}, ${why}` };
    });
  }
  if (issue.code === "invalid_union" && field === "Type") {
    return [{ code: "CS-1253", state, field, message: `${where} has a Type that is not modelled or missing` }];
  }
  const unsupported = issue.code === "custom" && issue.params?.unsupported === true;
  const code = unsupported ? "CS-1253" : state === undefined && field === "" ? "CS-1250" : "CS-1258";
  const why = issue.code === "invalid_key" ? (issue.issues[0]?.message ?? issue.message) : issue.message;
  return [{ code, state, field, message: `${where}${field === "" ? "" : `, ${field}`}: ${why}` }];
}

/** Splits a path at the innermost `States.<name>`. */
function placeOf(path: readonly PropertyKey[]): { readonly state: string | undefined; readonly field: string } {
  const at = path.lastIndexOf("States");
  const name = at >= 0 ? path[at + 1] : undefined;
  const rest = name === undefined ? path : path.slice(at + 2);
  const field = rest.reduce<string>(
    (text, part) =>
      typeof part === "number" ? `${text}[${part}]` : text === "" ? String(part) : `${text}/${String(part)}`,
    "",
  );
  return { state: name === undefined ? undefined : String(name), field };
}
