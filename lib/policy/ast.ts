/** Walking Cedar's JSON policy format: an expression is an object with one key, the operator, over its operands. */

export interface Node {
  readonly op: string;
  /** the operands, by their names in the format */
  readonly body: unknown;
}

export function nodeOf(expression: unknown): Node | undefined {
  if (typeof expression !== "object" || expression === null) return undefined;
  const [entry] = Object.entries(expression);
  return entry === undefined ? undefined : { op: entry[0], body: entry[1] };
}

/** An operand or field of a node's body. */
export function operand(body: unknown, name: string): unknown {
  return typeof body === "object" && body !== null && Object.hasOwn(body, name) ? Reflect.get(body, name) : undefined;
}

/** The expressions directly inside a node. Literals, entity names and patterns are no expressions. */
export function innerOf({ op, body }: Node): readonly unknown[] {
  if (op === "Value" || op === "Var" || op === "Slot" || typeof body !== "object" || body === null) return [];
  if (op === "Record") return Object.values(body);
  if (Array.isArray(body)) return body; // Set, and the arguments of extension functions
  return ["left", "right", "arg", "if", "then", "else", "in"].flatMap((name) => {
    const inner = operand(body, name);
    return inner === undefined ? [] : [inner];
  });
}

/** Every node of an expression, outermost first. */
export function nodesOf(expression: unknown): readonly Node[] {
  const node = nodeOf(expression);
  return node === undefined ? [] : [node, ...innerOf(node).flatMap(nodesOf)];
}

export function isContext(expression: unknown): boolean {
  const node = nodeOf(expression);
  return node?.op === "Var" && node.body === "context";
}

/** `context.approvals` */
export function isApprovals(expression: unknown): boolean {
  const node = nodeOf(expression);
  return node?.op === "." && operand(node.body, "attr") === "approvals" && isContext(operand(node.body, "left"));
}

/** The integer a literal is. */
export function integerOf(expression: unknown): number | undefined {
  const node = nodeOf(expression);
  return node?.op === "Value" && typeof node.body === "number" && Number.isInteger(node.body) ? node.body : undefined;
}
