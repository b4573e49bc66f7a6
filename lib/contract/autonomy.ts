/**
 * How much autonomy a tool deserves, with the reasons: financial impact, reversibility, reach, data, whether mistakes show,
 * maturity. Each trait caps the level; the lowest cap is the recommendation, and a workflow's is the lowest of its writes.
 */
import {
  AUTONOMY_LEVELS,
  type Autonomy,
  type BlastRadius,
  type DataClass,
  type ErrorDetectability,
  type Maturity,
  type Reversibility,
} from "./model.js";

/** What the recommendation looks at: a checked `Tool`, or as much of a definition as is right. */
export interface AutonomyTraits {
  readonly name?: string | undefined;
  readonly effect?: "read" | "write" | undefined;
  readonly reversibility?: Reversibility | undefined;
  readonly blastRadius?: BlastRadius | undefined;
  readonly dataClass?: DataClass | undefined;
  readonly errorDetectability?: ErrorDetectability | undefined;
  readonly maturity?: Maturity | undefined;
  readonly exposure?: { readonly amount: string } | undefined;
}

export interface AutonomyReason {
  readonly factor:
    | "effect"
    | "financial impact"
    | "reversibility"
    | "blast radius"
    | "data"
    | "error detectability"
    | "maturity";
  /** the value in the contract, for short lists: `irreversible` */
  readonly value: string;
  /** no more than this, because of it */
  readonly cap: Autonomy;
  readonly text: string;
}

export interface AutonomyRecommendation {
  readonly tool: string;
  readonly level: Autonomy;
  /** every trait, the most limiting first */
  readonly reasons: readonly AutonomyReason[];
}

export interface WorkflowRecommendation {
  /** the lowest over the tools that write; `bounded` when none does */
  readonly level: Autonomy;
  readonly tools: readonly AutonomyRecommendation[];
}

const rank = (level: Autonomy) => AUTONOMY_LEVELS.indexOf(level);
export const isBolder = (level: Autonomy, than: Autonomy): boolean => rank(level) > rank(than);
const lowest = (levels: readonly Autonomy[]): Autonomy =>
  levels.reduce<Autonomy>((low, level) => (isBolder(low, level) ? level : low), "bounded");

/** Recommendation for one tool, or for a workflow with one for each of its tools. */
export function recommendAutonomy(subject: { readonly tools: readonly AutonomyTraits[] }): WorkflowRecommendation;
export function recommendAutonomy(subject: AutonomyTraits): AutonomyRecommendation;
export function recommendAutonomy(
  subject: AutonomyTraits | { readonly tools: readonly AutonomyTraits[] },
): AutonomyRecommendation | WorkflowRecommendation {
  if (!("tools" in subject)) return forTool(subject);
  const tools = subject.tools.map(forTool);
  return { level: lowest(tools.map((tool) => tool.level)), tools };
}

function forTool(tool: AutonomyTraits): AutonomyRecommendation {
  const reasons = (tool.effect === "read" ? [READ] : reasonsOf(tool)).toSorted((a, b) => rank(a.cap) - rank(b.cap));
  return { tool: tool.name ?? "", level: lowest(reasons.map((reason) => reason.cap)), reasons };
}

const READ: AutonomyReason = { factor: "effect", value: "read", cap: "bounded", text: "changes nothing" };

function reasonsOf(tool: AutonomyTraits): readonly AutonomyReason[] {
  const reasons: AutonomyReason[] = [];
  const { reversibility, blastRadius, dataClass, errorDetectability, maturity } = tool;
  const wide = blastRadius === "tenant" || blastRadius === "account";
  if (reversibility !== undefined) {
    const caps = {
      reversible: "bounded",
      compensable: "bounded",
      irreversible: wide ? "approve-all" : "routine",
    } as const;
    const texts = {
      reversible: "can be undone",
      compensable: "another tool undoes it",
      irreversible: "cannot be undone",
    };
    reasons.push({
      factor: "reversibility",
      value: reversibility,
      cap: caps[reversibility],
      text: texts[reversibility],
    });
  }
  if (dataClass === "financial" || tool.exposure !== undefined) {
    const text = tool.exposure === undefined ? "touches money" : `moves money (${tool.exposure.amount})`;
    reasons.push({ factor: "financial impact", value: "financial", cap: "routine", text });
  }
  if (blastRadius !== undefined) {
    const caps = { record: "bounded", customer: "bounded", tenant: "routine", account: "approve-all" } as const;
    reasons.push({
      factor: "blast radius",
      value: blastRadius,
      cap: caps[blastRadius],
      text: `a mistake reaches one ${blastRadius}`,
    });
  }
  if (dataClass !== undefined && dataClass !== "financial") {
    const cap = dataClass === "personal" ? "routine" : "bounded";
    reasons.push({ factor: "data", value: dataClass, cap, text: `handles ${dataClass} data` });
  }
  if (errorDetectability !== undefined) {
    const caps = { immediate: "bounded", delayed: "routine", hidden: "approve-all" } as const;
    const texts = {
      immediate: "mistakes show at once",
      delayed: "mistakes show late",
      hidden: "mistakes may never show",
    };
    reasons.push({
      factor: "error detectability",
      value: errorDetectability,
      cap: caps[errorDetectability],
      text: texts[errorDetectability],
    });
  }
  if (maturity !== undefined) {
    const caps = { "stable-api": "bounded", "beta-api": "approve-all", experimental: "observe" } as const;
    const texts = {
      "stable-api": "a stable interface",
      "beta-api": "an interface in beta",
      experimental: "an experiment",
    };
    reasons.push({ factor: "maturity", value: maturity, cap: caps[maturity], text: texts[maturity] });
  }
  return reasons;
}
