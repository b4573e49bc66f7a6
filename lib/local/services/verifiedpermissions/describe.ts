/** What the API says about a policy. */
import type { PolicyJson } from "@cedar-policy/cedar-wasm/nodejs";
import type { PolicyStore, StoredPolicy } from "./store.js";

/** What all answers about a policy share. */
export function describeItem(store: PolicyStore, policy: StoredPolicy): object {
  return {
    policyStoreId: store.options.id,
    policyId: policy.id,
    policyType: "STATIC",
    createdDate: iso(policy.createdAtMs),
    lastUpdatedDate: iso(policy.createdAtMs),
    ...(policy.name !== undefined && { name: policy.name }),
  };
}

/** The policy with its effect and scope. */
export function describePolicy(store: PolicyStore, policy: StoredPolicy): object {
  const actions = actionsOf(policy.json);
  return {
    ...describeItem(store, policy),
    effect: policy.json.effect === "permit" ? "Permit" : "Forbid",
    ...scopeOf("principal", policy.json.principal),
    ...scopeOf("resource", policy.json.resource),
    ...(actions.length > 0 && { actions }),
  };
}

export function definitionOf(policy: StoredPolicy, withStatement: boolean): object {
  return {
    static: {
      ...(policy.description !== undefined && { description: policy.description }),
      ...(withStatement && { statement: policy.statement }),
    },
  };
}

type UidJson = { type: string; id: string } | { __entity: { type: string; id: string } };
function identifierOf(uid: UidJson): { type: string; id: string } {
  return "__entity" in uid ? uid.__entity : uid;
}

/** The scope's entity (`==` or `in`), the only one the API reports. */
function scopeOf(name: "principal" | "resource", scope: PolicyJson["principal"]): object {
  if (scope.op === "All" || scope.op === "is" || !("entity" in scope)) return {};
  const { type, id } = identifierOf(scope.entity);
  return { [name]: { entityType: type, entityId: id } };
}

function actionsOf(policy: PolicyJson): object[] {
  const scope = policy.action;
  if (scope.op === "All") return [];
  const uids = "entities" in scope ? scope.entities : "entity" in scope ? [scope.entity] : [];
  return uids.map(identifierOf).map(({ type, id }) => ({ actionType: type, actionId: id }));
}

/** `2026-11-21T09:00:00.000Z`, as the API writes times. */
export function iso(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
