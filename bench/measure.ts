/** What benchmarks share: medians of interleaved rounds, and figures with their aims. */

/** Bounds that the project has set itself; a missed one is reported and fails nothing. */
export type Aim = { readonly atMost: number } | { readonly atLeast: number };

export interface Figure {
  readonly name: string;
  readonly value: number;
  /** `ms`, `x` for a ratio, `/s`, `kB`, … */
  readonly unit: string;
  readonly aim?: Aim;
}

export interface Benchmark {
  /** for `--only` */
  readonly name: string;
  /** what is measured against what, in one sentence */
  readonly about: string;
  run(): Promise<readonly Figure[]>;
}

export interface Case {
  readonly name: string;
  run(): unknown;
}

export interface Rounds {
  /** measured rounds; one more goes before them and is not counted */
  readonly rounds: number;
  /** calls of each case in a round */
  readonly calls: number;
}

/**
 * Milliseconds a call, by case: the median over rounds in which the cases take turns, so that whatever else the machine does meets all of
 * them alike.
 */
export async function interleave(cases: readonly Case[], { rounds, calls }: Rounds): Promise<(name: string) => number> {
  const taken = new Map(cases.map(({ name }): [string, number[]] => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const { name, run } of cases) {
      const began = performance.now();
      for (let call = 0; call < calls; call++) await run();
      const ms = (performance.now() - began) / calls;
      if (round > 0) taken.get(name)?.push(ms);
    }
  }
  return (name) => median(taken.get(name) ?? []);
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low, high] = [sorted[middle - 1], sorted[middle]];
  if (high === undefined) return Number.NaN;
  return sorted.length % 2 === 0 && low !== undefined ? (low + high) / 2 : high;
}

/** undefined without an aim */
export function reached({ value, aim }: Figure): boolean | undefined {
  if (aim === undefined) return undefined;
  return "atMost" in aim ? value <= aim.atMost : value >= aim.atLeast;
}
