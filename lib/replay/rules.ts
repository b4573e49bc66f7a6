/** What a recorded run is judged by, then or now: a contract, a policy set, and the engine that answers by it. */
import type { Authorizer } from "../aws/authorizer.js";
import { contractHash, toolSchemaHash } from "../contract/hash.js";
import type { Contract } from "../contract/model.js";
import { createAuthorizer } from "../policy/local-authorizer.js";
import { authorizationRequest, type PolicyFacts } from "../policy/request.js";
import { type PolicySource, policySet, type SetPolicy } from "../policy/source.js";
import { isJson, isJsonObject } from "../run/canonical.js";
import type { DeployedHashes } from "../run/types.js";
import { holdsCommitment } from "./recorded.js";
import { redactedContract } from "./redacted-contract.js";

export interface Rules {
  /** as written: the policies' schema comes from it */
  readonly contract: Contract;
  /** as a recorded run is read by it */
  readonly redacted: Contract;
  readonly hashes: DeployedHashes;
  readonly policies: readonly SetPolicy[];
  readonly authorizer: Authorizer;
}

/** @throws CountersignError CS-1130 when the policies do not parse */
export function rulesOf(contract: Contract, sources: readonly PolicySource[]): Rules {
  const set = policySet(contract, sources);
  const engine = createAuthorizer(set, set.schema);
  const byId = new Map(set.policies.map((policy) => [policy.id, policy]));
  return {
    contract,
    redacted: redactedContract(contract),
    hashes: {
      contractHash: contractHash(contract),
      policySetHash: set.hash,
      toolSchemaHashes: Object.fromEntries(contract.tools.map((tool) => [tool.name, toolSchemaHash(tool)])),
    },
    policies: set.policies,
    authorizer: {
      async ask(request) {
        const { decision, determining, errors } = engine(request);
        const told = determining.map((id) => ({
          id,
          reason: byId.get(id)?.reason ?? "",
          text: byId.get(id)?.text ?? "",
        }));
        return { allowed: decision === "allow", determining: told, errors };
      },
    },
  };
}

/** The same at another level of autonomy: the guardrails are made anew. */
export const atAutonomy = (contract: Contract, autonomy: Contract["autonomy"]): Contract => ({ ...contract, autonomy });

/**
 * The question to the policies about a recorded action: a value that is in the log as a commitment only has none, and a plain one of its type
 * stands for it.
 */
export function questionOf({ contract }: Rules, facts: PolicyFacts) {
  const tool = contract.tools.find(({ name }) => name === facts.tool.name) ?? facts.tool;
  const args = Object.fromEntries(Object.entries(facts.args).map(([name, value]) => [name, standIn(value)]));
  return authorizationRequest(contract, { ...facts, tool, args });
}

function standIn(value: unknown): unknown {
  if (!isJson(value) || !holdsCommitment(value)) return value;
  if (isJsonObject(value) && typeof value.$commitment === "string") return "";
  if (Array.isArray(value)) return value.map(standIn);
  return isJsonObject(value)
    ? Object.fromEntries(Object.entries(value).map(([key, member]) => [key, standIn(member)]))
    : value;
}

/** Policies that read an argument which is in the log as a commitment only: what they say about it cannot be found out again. */
export function unreadable({ policies }: Rules, sensitive: readonly string[]): readonly string[] {
  return policies
    .filter(({ text }) =>
      sensitive.some((path) =>
        new RegExp(`context\\.input\\.${path.replace(/\[\].*$/, "").replaceAll(".", "\\.")}\\b`).test(text),
      ),
    )
    .map(({ id }) => id);
}
