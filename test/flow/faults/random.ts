/** Random numbers that a seed repeats: mulberry32. */
export interface Random {
  /** 0 ≤ x < 1 */
  next(): number;
  /** 0 … limit − 1 */
  below(limit: number): number;
  chance(probability: number): boolean;
  pick<T>(from: readonly T[]): T;
}

export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  return {
    next,
    below,
    chance: (probability) => next() < probability,
    pick(from) {
      const picked = from[below(from.length)];
      if (picked === undefined) throw new Error("there is nothing to pick from");
      return picked;
    },
  };
}

/** `count` of them, in their order; all when there are no more. */
export function sample<T>(from: readonly T[], count: number, random: Random): readonly T[] {
  const left = [...from.keys()];
  const chosen = new Set<number>();
  while (chosen.size < count && left.length > 0) chosen.add(left.splice(random.below(left.length), 1)[0] ?? 0);
  return from.filter((_, index) => chosen.has(index));
}
