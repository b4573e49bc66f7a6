/** A cycle: the ids on it, in order. */
export interface Cycle {
  readonly cycle: readonly string[];
}

/**
 * The ids so that each comes after everything it depends on; among equals, in the order given.
 * Dependencies on ids that are not in the map are left out (the caller has reported them).
 */
export function inDependencyOrder(dependencies: ReadonlyMap<string, readonly string[]>): readonly string[] | Cycle {
  const ordered: string[] = [];
  const state = new Map<string, "open" | "done">();
  const visit = (id: string, trail: readonly string[]): Cycle | undefined => {
    if (state.get(id) === "done") return undefined;
    if (state.get(id) === "open") return { cycle: [...trail.slice(trail.indexOf(id)), id] };
    state.set(id, "open");
    for (const needed of dependencies.get(id) ?? []) {
      const found = dependencies.has(needed) ? visit(needed, [...trail, id]) : undefined;
      if (found) return found;
    }
    state.set(id, "done");
    ordered.push(id);
    return undefined;
  };
  for (const id of dependencies.keys()) {
    const found = visit(id, []);
    if (found) return found;
  }
  return ordered;
}
