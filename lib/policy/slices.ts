/**
 * Which policies of a set can apply to a request. Cedar looks at every policy of the set it is given; one whose scope names another action, or
 * another resource, is passed over without an effect and without an error, so leaving it out changes no answer and costs nothing.
 */
import type { PolicyJson } from "@cedar-policy/cedar-wasm/nodejs";

export interface SlicePolicy {
  readonly id: string;
  readonly text: string;
  /** the policy as Cedar parsed it */
  readonly scope: Pick<PolicyJson, "action" | "resource">;
}
/** An action and the groups that it is directly in. */
export interface SliceAction {
  readonly uid: Uid;
  readonly parents: readonly Uid[];
}
export interface Uid {
  readonly type: string;
  readonly id: string;
}

export interface Slice {
  /** tells this slice from the others of its set */
  readonly name: string;
  /** id → text, as Cedar takes a policy set */
  readonly staticPolicies: Readonly<Record<string, string>>;
}

/** A slice is parsed and kept when it is first asked for. Beyond this many, requests share the slice of their action. */
const MAX_SLICES = 2000;

export class PolicySlices {
  private readonly groups: ReadonlyMap<string, readonly string[]>;
  /** action or group → the policies that name it; "" → those for every action */
  private readonly byAction = new Map<string, SlicePolicy[]>();
  private readonly slices = new Map<string, Slice>();

  constructor(policies: Iterable<SlicePolicy>, actions: Iterable<SliceAction>) {
    this.groups = new Map([...actions].map(({ uid, parents }) => [keyOf(uid), parents.map(keyOf)]));
    for (const policy of policies) {
      for (const action of actionsOf(policy)) {
        const found = this.byAction.get(action);
        if (found === undefined) this.byAction.set(action, [policy]);
        else if (found.at(-1) !== policy) found.push(policy);
      }
    }
  }

  /** The policies that can apply to this action on this resource. The same request gets the same slice. */
  for(action: Uid, resource: Uid): Slice {
    const key = keyOf(action);
    const own = `${key} ${keyOf(resource)}`;
    const known = this.slices.get(own);
    if (known !== undefined) return known;
    const candidates = this.candidates(key);
    const wanted = keyOf(resource);
    const named = candidates.filter((policy) => resourceOf(policy) === wanted);
    // Resources that no policy names share one slice, so hostile ids cannot fill the memory.
    if (named.length === 0) return this.slice(`${key} *`, candidates, (resource) => resource === undefined);
    if (this.slices.size >= MAX_SLICES) return this.slice(`${key} all`, candidates, () => true);
    return this.slice(own, candidates, (resource) => resource === undefined || resource === wanted);
  }

  private slice(name: string, candidates: readonly SlicePolicy[], fits: (resource: string | undefined) => boolean): Slice {
    const known = this.slices.get(name);
    if (known !== undefined) return known;
    const policies = candidates.filter((policy) => fits(resourceOf(policy)));
    const slice = { name, staticPolicies: Object.fromEntries(policies.map(({ id, text }) => [id, text])) };
    this.slices.set(name, slice);
    return slice;
  }

  /** Each policy once, also when it names the action and a group of it. */
  private candidates(action: string): readonly SlicePolicy[] {
    const names = new Set(["", action]);
    for (const name of names) for (const parent of this.groups.get(name) ?? []) names.add(parent);
    return [...new Set([...names].flatMap((name) => this.byAction.get(name) ?? []))];
  }
}

const keyOf = ({ type, id }: Uid): string => JSON.stringify([type, id]);

function actionsOf({ scope: { action } }: SlicePolicy): readonly string[] {
  switch (action.op) {
    case "All":
      return [""];
    case "==":
      return "entity" in action ? [entityKey(action.entity)] : [""];
    case "in":
      return "entities" in action ? action.entities.map(entityKey) : [entityKey(action.entity)];
  }
}

/** The one resource that a policy is about; undefined when its scope does not name one. */
function resourceOf({ scope: { resource } }: SlicePolicy): string | undefined {
  return resource.op === "==" && "entity" in resource ? entityKey(resource.entity) : undefined;
}

const entityKey = (entity: Uid | { readonly __entity: Uid }): string =>
  keyOf("__entity" in entity ? entity.__entity : entity);
