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

/** A caller keeps a slice parsed once it has asked for it. Beyond this many, resources share the slice of their action. */
const MAX_SLICES = 2000;

/** The policies that can apply to one action. */
interface Candidates {
  readonly all: readonly SlicePolicy[];
  /** those that name no single resource */
  readonly general: readonly SlicePolicy[];
  readonly byResource: ReadonlyMap<string, readonly SlicePolicy[]>;
}

export class PolicySlices {
  private readonly groups: ReadonlyMap<string, readonly string[]>;
  /** action or group → the policies that name it */
  private readonly byAction: ReadonlyMap<string, readonly SlicePolicy[]>;
  private readonly known = new Map<string, Candidates>();
  private readonly slices = new Map<string, Slice>();

  constructor(policies: readonly SlicePolicy[], actions: readonly SliceAction[]) {
    this.groups = new Map(actions.map(({ uid, parents }) => [keyOf(uid), parents.map(keyOf)]));
    this.byAction = grouped(policies, actionsOf);
  }

  /** The policies that can apply to this action on this resource. */
  for(action: Uid, resource: Uid): Slice {
    const name = keyOf(action);
    // Actions and resources that nothing names share a slice each, so hostile ids fill no memory.
    const key = this.groups.has(name) || this.byAction.has(name) ? name : EVERY_ACTION;
    const candidates = this.candidates(key);
    const own = keyOf(resource);
    const named = candidates.byResource.get(own);
    if (named === undefined) return this.slice(`${key} *`, () => candidates.general);
    const full = this.slices.size >= MAX_SLICES && !this.slices.has(`${key} ${own}`);
    return full
      ? this.slice(`${key} all`, () => candidates.all)
      : this.slice(`${key} ${own}`, () => [...candidates.general, ...named]);
  }

  private slice(name: string, policies: () => readonly SlicePolicy[]): Slice {
    const known = this.slices.get(name);
    if (known !== undefined) return known;
    const slice = { name, staticPolicies: Object.fromEntries(policies().map(({ id, text }) => [id, text])) };
    this.slices.set(name, slice);
    return slice;
  }

  private candidates(action: string): Candidates {
    const known = this.known.get(action);
    if (known !== undefined) return known;
    const names = new Set([EVERY_ACTION, action]);
    for (const name of names) for (const parent of this.groups.get(name) ?? []) names.add(parent);
    // a policy may name both an action and a group of it
    const all = [...new Set([...names].flatMap((name) => this.byAction.get(name) ?? []))];
    const found = {
      all,
      general: all.filter((policy) => resourceOf(policy) === undefined),
      byResource: grouped(all, (policy) => [resourceOf(policy)].filter((each) => each !== undefined)),
    };
    this.known.set(action, found);
    return found;
  }
}

function grouped<T>(items: readonly T[], keysOf: (item: T) => readonly string[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    for (const key of keysOf(item)) {
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [item]);
      else group.push(item);
    }
  }
  return groups;
}

const EVERY_ACTION = "";
const keyOf = ({ type, id }: Uid): string => JSON.stringify([type, id]);

function actionsOf({ scope: { action } }: SlicePolicy): readonly string[] {
  switch (action.op) {
    case "All":
      return [EVERY_ACTION];
    case "==":
      return "entity" in action ? [entityKey(action.entity)] : [EVERY_ACTION];
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
