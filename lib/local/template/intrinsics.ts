/** Resolution of CloudFormation's intrinsic functions against what is already created. */

/** What names mean in one stack while it is being created. Each throws `Unresolved` when it has no answer. */
export interface Scope {
  ref(name: string): unknown;
  getAtt(logicalId: string, attribute: string): unknown;
  importValue(exportName: string): unknown;
  condition(name: string): boolean;
  findInMap(map: string, top: string, second: string): unknown;
}
/** A reference or function without an answer; `resolve` notes it with its path. */
export class Unresolved extends Error {
  constructor(
    message: string,
    /** the consequence of another problem, which has been reported already */
    readonly followsFromAnother = false,
  ) {
    super(message);
  }
}

/** `Ref: AWS::NoValue`: the property is left out. */
export const NO_VALUE = Symbol("AWS::NoValue");

export interface Resolver {
  readonly scope: Scope;
  /** called for everything that cannot be resolved; resolution goes on, so that all of it is found */
  note(path: string, unresolved: Unresolved): void;
}

type IntrinsicFunction = (argument: unknown, path: string, resolver: Resolver) => unknown;

const FUNCTIONS: Readonly<Record<string, IntrinsicFunction>> = {
  Ref: (argument, _path, { scope }) => scope.ref(text(argument, "Ref")),
  "Fn::GetAtt": (argument, path, resolver) => {
    const parts = typeof argument === "string" ? splitAttribute(argument) : list(argument, "Fn::GetAtt");
    const [logicalId, ...attribute] = parts.map((part) => text(resolve(part, path, resolver), "Fn::GetAtt"));
    return resolver.scope.getAtt(logicalId ?? "", attribute.join("."));
  },
  "Fn::Sub": substitute,
  "Fn::Join": (argument, path, resolver) => {
    const [separator, values] = resolvedList(argument, path, resolver, "Fn::Join");
    return list(values, "Fn::Join")
      .map((value) => text(value, "Fn::Join"))
      .join(text(separator, "Fn::Join"));
  },
  "Fn::Split": (argument, path, resolver) => {
    const [separator, value] = resolvedList(argument, path, resolver, "Fn::Split");
    return text(value, "Fn::Split").split(text(separator, "Fn::Split"));
  },
  "Fn::Select": (argument, path, resolver) => {
    const [index, values] = resolvedList(argument, path, resolver, "Fn::Select");
    const chosen = list(values, "Fn::Select")[Number(index)];
    if (chosen === undefined) throw new Unresolved(`Fn::Select has no element ${String(index)}`);
    return chosen;
  },
  "Fn::FindInMap": (argument, path, resolver) => {
    const [map, top, second] = resolvedList(argument, path, resolver, "Fn::FindInMap").map((key) =>
      text(key, "Fn::FindInMap"),
    );
    return resolver.scope.findInMap(map ?? "", top ?? "", second ?? "");
  },
  "Fn::ImportValue": (argument, path, resolver) =>
    resolver.scope.importValue(text(resolve(argument, path, resolver), "Fn::ImportValue")),
  "Fn::If": (argument, path, resolver) => {
    const [condition, whenTrue, whenFalse] = list(argument, "Fn::If");
    return resolve(resolver.scope.condition(text(condition, "Fn::If")) ? whenTrue : whenFalse, path, resolver);
  },
};
const CONDITION_FUNCTIONS: Readonly<Record<string, (argument: unknown, path: string, resolver: Resolver) => boolean>> =
  {
    "Fn::Equals": (argument, path, resolver) => {
      const [left, right] = resolvedList(argument, path, resolver, "Fn::Equals");
      return text(left, "Fn::Equals") === text(right, "Fn::Equals");
    },
    "Fn::And": (argument, path, resolver) =>
      list(argument, "Fn::And").every((part) => resolveCondition(part, path, resolver)),
    "Fn::Or": (argument, path, resolver) =>
      list(argument, "Fn::Or").some((part) => resolveCondition(part, path, resolver)),
    "Fn::Not": (argument, path, resolver) => !resolveCondition(list(argument, "Fn::Not")[0], path, resolver),
    Condition: (argument, _path, { scope }) => scope.condition(text(argument, "Condition")),
  };

/** The intrinsic function an object stands for: its name and argument; undefined for plain data. */
export function intrinsicOf(value: unknown): { name: string; argument: unknown } | undefined {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return undefined;
  const [entry, ...more] = Object.entries(value);
  if (!entry || more.length > 0) return undefined;
  const [name, argument] = entry;
  return name === "Ref" || name.startsWith("Fn::") ? { name, argument } : undefined;
}
export const isModelledFunction = (name: string, insideCondition: boolean): boolean =>
  Object.hasOwn(FUNCTIONS, name) || (insideCondition && Object.hasOwn(CONDITION_FUNCTIONS, name));

/** `value` with every intrinsic function replaced by what it stands for. */
export function resolve(value: unknown, path: string, resolver: Resolver): unknown {
  if (Array.isArray(value)) {
    return value.map((item, index) => resolve(item, `${path}.${index}`, resolver)).filter((item) => item !== NO_VALUE);
  }
  if (value === null || typeof value !== "object") return value;
  const intrinsic = intrinsicOf(value);
  if (!intrinsic) {
    const entries = Object.entries(value).map(
      ([key, item]) => [key, resolve(item, `${path}.${key}`, resolver)] as const,
    );
    return Object.fromEntries(entries.filter(([, item]) => item !== NO_VALUE));
  }
  try {
    const run = Object.hasOwn(FUNCTIONS, intrinsic.name) ? FUNCTIONS[intrinsic.name] : undefined;
    if (!run) throw new Unresolved(`${intrinsic.name} is not modelled`);
    return run(intrinsic.argument, path, resolver);
  } catch (error) {
    if (!(error instanceof Unresolved)) throw error;
    resolver.note(path, error);
    return "";
  }
}

/** The value of a condition of the template's `Conditions`. */
export function resolveCondition(value: unknown, path: string, resolver: Resolver): boolean {
  const [entry, ...more] = value !== null && typeof value === "object" ? Object.entries(value) : [];
  const run =
    entry && more.length === 0 && Object.hasOwn(CONDITION_FUNCTIONS, entry[0])
      ? CONDITION_FUNCTIONS[entry[0]]
      : undefined;
  if (!entry || !run)
    throw new Unresolved(
      `${JSON.stringify(value)} is no condition; allowed: ${Object.keys(CONDITION_FUNCTIONS).join(", ")}`,
    );
  return run(entry[1], path, resolver);
}

/** The names in a `Fn::Sub` text: `${A}`, `${A.B}`; `${!A}` is a literal. */
export function placeholders(template: string): string[] {
  return [...template.matchAll(/\$\{([^!}][^}]*)\}/g)].map((match) => (match[1] ?? "").trim());
}

function substitute(argument: unknown, path: string, resolver: Resolver): string {
  const [template, given] = typeof argument === "string" ? [argument, {}] : list(argument, "Fn::Sub");
  const variables = resolve(given ?? {}, path, resolver);
  const own = new Map(variables !== null && typeof variables === "object" ? Object.entries(variables) : []);
  const value = (name: string): unknown => {
    if (own.has(name)) return own.get(name);
    const [logicalId, attribute] = splitAttribute(name);
    return attribute === undefined ? resolver.scope.ref(name) : resolver.scope.getAtt(logicalId, attribute);
  };
  return text(template, "Fn::Sub")
    .replaceAll(/\$\{([^!}][^}]*)\}/g, (_whole, name: string) => text(value(name.trim()), "Fn::Sub"))
    .replaceAll("${!", "${");
}

/** `Id.A.B` → `["Id", "A.B"]`; `AWS::Region` and `Id` → one element. */
export function splitAttribute(name: string): [string, string?] {
  const dot = name.indexOf(".");
  return dot < 0 ? [name] : [name.slice(0, dot), name.slice(dot + 1)];
}

function resolvedList(argument: unknown, path: string, resolver: Resolver, name: string): readonly unknown[] {
  return list(resolve(argument, path, resolver), name);
}
function list(value: unknown, name: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new Unresolved(`${name} needs a list, got ${JSON.stringify(value)}`);
}
function text(value: unknown, name: string): string {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  throw new Unresolved(`${name} needs text, got ${JSON.stringify(value) ?? String(value)}`);
}
