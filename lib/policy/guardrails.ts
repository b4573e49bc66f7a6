/**
 * Policies that every workflow has and no team can leave out: `forbid`s generated from the contract. Each names itself and says why,
 * because people read both when they are asked. `observe` has none: tiers are computed as usual, and the gate records instead of running.
 */
import type { Contract } from "../contract/model.js";
import { lookedUpFacts } from "./cedar-schema.js";
import { namespaceOf } from "./names.js";

export const GUARDRAIL_PREFIX = "guardrail:";

export interface Guardrail {
  /** `guardrail:irreversible` */
  readonly id: string;
  readonly reason: string;
  readonly text: string;
}

const WIDE = '["tenant", "account"].contains(context.blast_radius)';

export function guardrails(contract: Contract): readonly Guardrail[] {
  const namespace = namespaceOf(contract);
  const facts = lookedUpFacts(contract);
  const every = [
    rule("over-budget", "the run's budget is used up", "action", "when { context.budget_left_micro_usd <= 0 }"),
    rule(
      "tenant",
      "agent, resource and run belong to one tenant",
      "action",
      "unless { principal.tenant == context.tenant && resource.tenant == context.tenant }",
    ),
  ];
  // A policy about a group without members is one that can never apply.
  if (!contract.tools.some((tool) => tool.effect === "write")) return every;

  const write = (name: string, reason: string, when: string | undefined, unless: string) => {
    const clause = when === undefined ? "" : `when { ${when} }\n`;
    return rule(name, reason, `action in ${namespace}::Action::"write"`, `${clause}unless { ${unless} }`);
  };
  const one = "context.approvals >= 1";
  const confident = `context.confidence < ${contract.lowConfidencePercent}`;
  return [
    ...every,
    write("irreversible", "what cannot be undone needs one person", 'context.reversibility == "irreversible"', one),
    write(
      "irreversible-wide",
      "what cannot be undone and reaches a whole tenant or account needs two people",
      `context.reversibility == "irreversible" && ${WIDE}`,
      "context.approvals >= 2",
    ),
    write(
      "redirected",
      "the run has read text from outside, and the destination is not one that the requester named: one person looks first",
      "context.untrusted && !context.destination_from_requester",
      one,
    ),
    write(
      "low-confidence",
      `the agent is less than ${contract.lowConfidencePercent} percent sure: one person looks first`,
      confident,
      one,
    ),
    write(
      "approve-all",
      "at autonomy approve-all every write needs one person",
      'context.autonomy == "approve-all"',
      one,
    ),
    write(
      "routine",
      "at autonomy routine a write that reaches a whole tenant or account needs one person",
      `context.autonomy == "routine" && ${WIDE}`,
      one,
    ),
    ...(facts.length === 0
      ? []
      : [
          write(
            "facts",
            `nothing is written before ${facts.join(", ")} of the ${contract.resource.type} ${facts.length === 1 ? "is" : "are"} known`,
            undefined,
            facts.map((fact) => `resource has ${attribute(fact)}`).join(" && "),
          ),
        ]),
  ];
}

/** Cedar's own words are attributes too, in quotes. */
function attribute(name: string): string {
  return ["true", "false", "if", "then", "else", "in", "is", "like", "has"].includes(name) ? `"${name}"` : name;
}

function rule(name: string, reason: string, action: string, clauses: string): Guardrail {
  const id = `${GUARDRAIL_PREFIX}${name}`;
  const text = `@id("${id}")\n@reason("${reason}")\nforbid (principal, ${action}, resource)\n${clauses};`;
  return { id, reason, text };
}
