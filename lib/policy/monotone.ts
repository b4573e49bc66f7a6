/**
 * Tiers are monotone: what n people may allow, n + 1 may. The gate relies on it, since the first number of approvals that is allowed *is* the
 * tier. It holds when `context.approvals` occurs only as `context.approvals >= N`, in a permit's `when` or a forbid's `unless`, under nothing but `&&`, `||`
 * and the branches of an `if`. Checked on the syntax tree; anything else is refused, even where it would happen to be monotone.
 */
import type { Clause, PolicyJson } from "@cedar-policy/cedar-wasm/nodejs";
import { innerOf, integerOf, isApprovals, isContext, nodeOf, operand } from "./ast.js";

export interface NotMonotone {
  /** as code, for the message */
  readonly found: string;
  readonly rule: string;
  readonly fix: string;
}

const LAST_TIER = 2;

export function monotoneProblems(policy: PolicyJson): readonly NotMonotone[] {
  return policy.conditions.flatMap((clause) => {
    const grows =
      (policy.effect === "permit" && clause.kind === "when") ||
      (policy.effect === "forbid" && clause.kind === "unless");
    return walk(clause.body, grows ? "grows" : "other", misplaced(policy.effect, clause.kind));
  });
}

/** The number of people the policy asks for at most; 0 when it does not mention approvals. */
export function highestTier(policy: PolicyJson): number {
  const tiers = (expression: unknown): readonly number[] => {
    const node = nodeOf(expression);
    if (node === undefined) return [];
    const own =
      node.op === ">=" && isApprovals(operand(node.body, "left")) ? integerOf(operand(node.body, "right")) : undefined;
    return [...(own === undefined ? [] : [own]), ...innerOf(node).flatMap(tiers)];
  };
  return Math.max(0, ...policy.conditions.flatMap((clause) => tiers(clause.body)));
}

/** Where an expression stands: `grows` means that its becoming true can only allow more. */
type Place = "grows" | "other";

function walk(expression: unknown, place: Place, elsewhere: NotMonotone): readonly NotMonotone[] {
  const node = nodeOf(expression);
  if (node === undefined) return [];
  const { op, body } = node;
  const inside = (inner: unknown, at: Place) => walk(inner, at, elsewhere);
  if (isContext(expression)) return [WHOLE];
  switch (op) {
    case "&&":
    case "||":
      return [...inside(operand(body, "left"), place), ...inside(operand(body, "right"), place)];
    case "if-then-else":
      return [
        ...inside(operand(body, "if"), "other"),
        ...inside(operand(body, "then"), place),
        ...inside(operand(body, "else"), place),
      ];
    case ".":
      if (isApprovals(expression)) return [BARE];
      return isContext(operand(body, "left")) ? [] : inside(operand(body, "left"), "other");
    case "has":
      if (!isContext(operand(body, "left"))) return inside(operand(body, "left"), "other");
      return [operand(body, "attr")].flat()[0] === "approvals" ? [PRESENCE] : [];
    case "==":
    case "!=":
    case "<":
    case "<=":
    case ">":
    case ">=": {
      const [left, right] = [operand(body, "left"), operand(body, "right")];
      const count = isApprovals(left) ? integerOf(right) : undefined;
      if (count !== undefined) return comparison(op, count, place, elsewhere);
      const turned = isApprovals(right) ? integerOf(left) : undefined;
      if (turned !== undefined) return mirrored(op, turned);
      return [...inside(left, "other"), ...inside(right, "other")];
    }
    default:
      return innerOf(node).flatMap((inner) => inside(inner, "other"));
  }
}

function comparison(op: string, count: number, place: Place, elsewhere: NotMonotone): readonly NotMonotone[] {
  const found = `context.approvals ${op} ${count}`;
  if (op === ">=" && (count < 0 || count > LAST_TIER)) {
    return [
      {
        found,
        rule: "is no tier",
        fix: `write \`>= 0\`, \`>= 1\` or \`>= ${LAST_TIER}\`: no more than ${LAST_TIER} people are asked`,
      },
    ];
  }
  if (op === ">=") return place === "grows" ? [] : [{ ...elsewhere, found }];
  return [{ found, rule: "is not monotone", fix: `write \`>= ${tierFor(op, count)}\`` }];
}

function mirrored(op: string, count: number): readonly NotMonotone[] {
  const found = `${count} ${op} context.approvals`;
  const turned: Readonly<Record<string, string>> = { "<=": ">=", "<": ">" };
  const fix = `write \`context.approvals >= ${tierFor(turned[op] ?? op, count)}\``;
  return [{ found, rule: op === "<=" ? "is the wrong way round" : "is not monotone", fix }];
}

/** The tier that was probably meant. */
function tierFor(op: string, count: number): number {
  return Math.min(LAST_TIER, Math.max(0, op === ">" ? count + 1 : count));
}

const ONLY = "use it only as `context.approvals >= 1` or `>= 2`";
const WHOLE: NotMonotone = {
  found: "context",
  rule: "is used as a whole, approvals included",
  fix: "name the fields you mean: context.input.…",
};
const BARE: NotMonotone = { found: "context.approvals", rule: "is not compared with a number", fix: ONLY };
const PRESENCE: NotMonotone = { found: "context has approvals", rule: "says nothing: it always has", fix: ONLY };

function misplaced(effect: string, kind: Clause["kind"]): NotMonotone {
  const right = effect === "permit" ? "when" : "unless";
  const rule =
    kind === right
      ? "stands under a negation, condition or comparison, where more approvals could allow less"
      : `stands in the \`${kind}\` of a ${effect}, where more approvals could allow less`;
  return { found: "", rule, fix: `move it into \`${right} { … }\`, joined by && and ||` };
}
