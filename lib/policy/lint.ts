/** Everything that can be wrong with a policy set, found before it is deployed: all of it at once, each with file, line and @id. */
import { dirname, relative } from "node:path";
import {
  type DetailedError,
  getValidRequestEnvsPolicy,
  type PolicyJson,
  policySetTextToParts,
  policyToJson,
  templateToJson,
  validate,
} from "@cedar-policy/cedar-wasm/nodejs";
import { suggest } from "../contract/faults.js";
import type { Contract, Fault } from "../contract/model.js";
import type { PolicyErrorCode } from "../errors/policy.js";
import { nodesOf, operand } from "./ast.js";
import { engineSchema } from "./engine.js";
import { GUARDRAIL_PREFIX } from "./guardrails.js";
import { highestTier, monotoneProblems } from "./monotone.js";
import { namespaceOf } from "./names.js";
import { nestingFault } from "./nesting.js";
import type { PolicySet, SetPolicy } from "./source.js";

/** What Verified Permissions accepts, in bytes. */
export const STORE_LIMITS = { policyBytes: 10_000, schemaBytes: 100_000, unscopedBytes: 200_000 } as const;

/** All faults and warnings of a set made by `policySet` from the same contract. Empty when it may be deployed. */
export function checkPolicies(contract: Contract, set: PolicySet): readonly Fault[] {
  const faults: Fault[] = [];
  const report: Report = (code, policy, { value = "", rule, fix, line }) =>
    faults.push({ code, path: placeOf(contract, policy, line), rule, value, fix, file: policy.file ?? "" });
  const shallow = set.policies.filter((policy) => !tooDeep(policy, report));
  const parsed = shallow.flatMap((policy) => parse(policy, report));
  identities(contract, shallow, report);
  for (const one of parsed) {
    tiers(contract, one, report);
    features(one, report);
    scope(contract, one, report);
  }
  sizes(contract, set, parsed, report);
  const sound = typed(set, parsed, report);
  faults.push(...unreachable(contract, set, sound));
  return faults;
}

interface Told {
  readonly value?: string;
  readonly rule: string;
  readonly fix: string;
  /** in the policy's file; default: where the policy begins */
  readonly line?: number | undefined;
}
type Report = (code: PolicyErrorCode, policy: SetPolicy, told: Told) => void;
interface Parsed {
  readonly policy: SetPolicy;
  readonly json: PolicyJson;
}

/** `policies/refunds.cedar:12 @id("refund_threshold")`, relative to the workflow's folder. */
function placeOf(contract: Contract, policy: SetPolicy, line = policy.line): string {
  const name = policy.id === "" ? "" : ` @id(${JSON.stringify(policy.id)})`;
  if (policy.file === undefined) return `generated${name}`;
  return `${relative(dirname(contract.file), policy.file)}:${line ?? 1}${name}`;
}

/** The line in the file of a byte offset in the policy's text. */
function lineAt(policy: SetPolicy, error: DetailedError): number | undefined {
  const start = error.sourceLocations?.[0]?.start;
  if (start === undefined) return undefined;
  const before = Buffer.from(policy.text, "utf8").subarray(0, start).toString("utf8");
  return (policy.line ?? 1) + before.split("\n").length - 1;
}

/** Such a text is told before the engine has read it: it would end the engine. */
function tooDeep(policy: SetPolicy, report: Report): boolean {
  const rule = nestingFault(policy.text);
  if (rule === undefined) return false;
  report("CS-1101", policy, { rule, fix: "split it into several policies" });
  return true;
}

function parse(policy: SetPolicy, report: Report): readonly Parsed[] {
  const answer = policyToJson(policy.text);
  if (answer.type === "success") return [{ policy, json: answer.json }];
  if (templateToJson(policy.text).type === "success") {
    report("CS-1110", policy, {
      rule: "is a template (it has a ?slot)",
      fix: "name the principal and resource, or leave them open",
    });
    return [];
  }
  // A whole file that does not parse: its own errors have better places than those of a "policy" made of many.
  const whole = policySetTextToParts(policy.text);
  const errors = whole.type === "failure" ? whole.errors : answer.errors;
  for (const error of errors) {
    const label = error.sourceLocations?.[0]?.label;
    report("CS-1101", policy, {
      rule: `does not parse: ${error.message}`,
      fix: error.help ?? label ?? "correct the Cedar text",
      line: lineAt(policy, error),
    });
  }
  return [];
}

function identities(contract: Contract, policies: readonly SetPolicy[], report: Report): void {
  const seen = new Map<string, SetPolicy>();
  for (const policy of policies) {
    if (policy.source === "guardrail") continue;
    if (policyToJson(policy.text).type === "failure") continue;
    if (policy.id === "") {
      report("CS-1102", policy, {
        rule: "has no @id",
        fix: 'write @id("a_short_name") before it: people and records read it',
      });
    } else if (policy.id.startsWith(GUARDRAIL_PREFIX)) {
      report("CS-1104", policy, { rule: "is a name for generated guardrails", fix: "use another @id" });
    } else if (!/^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(policy.id)) {
      report("CS-1102", policy, {
        rule: "is not a usable @id",
        fix: "begin with a letter; use letters, digits, _ and -, at most 64",
      });
    }
    const first = seen.get(policy.id);
    if (first === undefined) seen.set(policy.id, policy);
    else if (policy.id !== "")
      report("CS-1103", policy, {
        rule: `has the @id of another policy (${placeOf(contract, { ...first, id: "" })})`,
        fix: "give each policy its own @id",
      });
  }
}

function tiers(contract: Contract, { policy, json }: Parsed, report: Report): void {
  for (const { found, rule, fix } of monotoneProblems(json)) {
    report("CS-1106", policy, { value: `\`${found}\``, rule, fix, line: lineOf(policy, found) });
  }
  if (policy.source === "team" && highestTier(json) > contract.approvers.first.length) {
    report("CS-1114", policy, {
      rule: "asks for two people, and the contract names one approver",
      fix: "name two in approvers.first",
    });
  }
}

/** The JSON form has no places: take the first line that holds the words, else the policy's. */
function lineOf(policy: SetPolicy, found: string): number | undefined {
  const index = policy.text.split("\n").findIndex((line) => line.includes(found));
  return index === -1 ? policy.line : (policy.line ?? 1) + index;
}

const FUNCTIONS = [
  "decimal",
  "lessThan",
  "lessThanOrEqual",
  "greaterThan",
  "greaterThanOrEqual",
  "ip",
  "isIpv4",
  "isIpv6",
  "isLoopback",
  "isMulticast",
  "isInRange",
];
const OPERATORS = [
  "Value",
  "Var",
  "!",
  "neg",
  "==",
  "!=",
  "in",
  "<",
  "<=",
  ">",
  ">=",
  "&&",
  "||",
  "+",
  "-",
  "*",
  "contains",
  "containsAll",
  "containsAny",
  ".",
  "has",
  "like",
  "is",
  "if-then-else",
  "Set",
  "Record",
];

/** Verified Permissions says "CEDAR_4" and no more: what came after Cedar 4.0 is refused rather than found out at deploy. */
function features({ policy, json }: Parsed, report: Report): void {
  const used = json.conditions
    .flatMap((clause) => nodesOf(clause.body))
    .flatMap(({ op, body }) => {
      if (op === "has" && Array.isArray(operand(body, "attr"))) return ["has with a path"];
      return OPERATORS.includes(op) || FUNCTIONS.includes(op) ? [] : [op];
    });
  for (const feature of new Set(used)) {
    const fix =
      feature === "has with a path" ? "write `a has b && a.b has c`" : "write it with the operators of Cedar 4.0";
    report("CS-1111", policy, { value: `\`${feature}\``, rule: "is newer than Verified Permissions promises", fix });
  }
}

function scope(contract: Contract, { policy, json }: Parsed, report: Report): void {
  if (json.effect !== "permit" || json.action.op !== "All") return;
  if (!contract.tools.some((tool) => tool.effect === "write")) return;
  report("CS-1112", policy, {
    rule: "permits every action at once, writes included",
    fix: `name the action, or its group: action in ${namespaceOf(contract)}::Action::"read"`,
  });
}

function sizes(contract: Contract, set: PolicySet, parsed: readonly Parsed[], report: Report): void {
  const bytes = (text: string) => Buffer.byteLength(text, "utf8");
  for (const policy of set.policies) {
    const size = bytes(policy.text);
    if (size <= STORE_LIMITS.policyBytes || !parsed.some((one) => one.policy === policy)) continue;
    report("CS-1107", policy, { rule: `has ${size} bytes of at most ${STORE_LIMITS.policyBytes}`, fix: "split it" });
  }
  const whole: SetPolicy = { id: "", text: "", reason: "", source: "team", file: contract.file, line: 1 };
  const schema = bytes(JSON.stringify(set.schema));
  if (schema > STORE_LIMITS.schemaBytes) {
    report("CS-1108", whole, {
      rule: `the Cedar schema has ${schema} bytes of at most ${STORE_LIMITS.schemaBytes}`,
      fix: "split the workflow: fewer tools or fields",
    });
  }
  const unscoped = parsed
    .filter(({ json }) => json.resource.op === "All")
    .reduce((sum, { policy }) => sum + bytes(policy.text), 0);
  if (unscoped > STORE_LIMITS.unscopedBytes) {
    report("CS-1109", whole, {
      rule: `policies without a resource scope have ${unscoped} bytes of at most ${STORE_LIMITS.unscopedBytes}`,
      fix: "shorten or split them",
    });
  }
}

/** Strict validation; answers with the policies that pass. */
function typed(set: PolicySet, parsed: readonly Parsed[], report: Report): readonly Parsed[] {
  // Numbered, because @ids may be missing or double here.
  const staticPolicies = Object.fromEntries(parsed.map(({ policy }, index) => [`p${index}`, policy.text]));
  const answer = validate({
    schema: engineSchema(set.schema),
    policies: { staticPolicies },
    validationSettings: { mode: "strict" },
  });
  if (answer.type === "failure") {
    const message = answer.errors.map((error) => error.message).join("; ");
    const [first] = parsed;
    if (first !== undefined)
      report("CS-1105", first.policy, {
        rule: `cannot be validated: ${message}`,
        fix: "correct the contract's schemas",
      });
    return [];
  }
  const bad = new Set<string>();
  const tell = (code: PolicyErrorCode, policyId: string, error: DetailedError, fix: string) => {
    const found = parsed[Number(policyId.slice(1))];
    if (found === undefined) return;
    bad.add(policyId);
    const rule = error.message.replace(/^for policy `[^`]*`, /, "");
    // The engine's own suggestion for an action is often a group; the nearest tool is what was meant.
    const action = /^unrecognized action `.*::Action::"(.+)"`$/.exec(rule)?.[1];
    const names = Object.values(set.schema).flatMap((namespace) => Object.keys(namespace.actions));
    const help = action === undefined ? error.help : suggest(action, names);
    report(code, found.policy, { rule, fix: help ?? fix, line: lineAt(found.policy, error) });
  };
  for (const { policyId, error } of answer.validationErrors)
    tell("CS-1105", policyId, error, "write what the schema has");
  // One mistake often gives several warnings; the error says more.
  for (const { policyId, error } of answer.validationWarnings) {
    if (!bad.has(policyId)) tell("CS-1113", policyId, error, "remove or correct it: it has no effect");
  }
  return parsed.filter((_, index) => !bad.has(`p${index}`));
}

function unreachable(contract: Contract, set: PolicySet, sound: readonly Parsed[]): readonly Fault[] {
  const permitted = new Set(
    sound.flatMap(({ policy, json }) => {
      if (json.effect !== "permit") return [];
      const answer = getValidRequestEnvsPolicy(policy.text, engineSchema(set.schema));
      return answer.type === "success" ? answer.actions : [];
    }),
  );
  const namespace = namespaceOf(contract);
  return contract.tools
    .filter(({ name }) => !permitted.has(`${namespace}::Action::${JSON.stringify(name)}`))
    .map(({ name }) => ({
      code: "CS-1119",
      path: "policies",
      rule: "is permitted by no policy: every call of it is denied",
      value: JSON.stringify(name),
      fix: `write permit (principal, action == ${namespace}::Action::${JSON.stringify(name)}, resource) when { … };, or drop the tool`,
      file: contract.file,
    }));
}
