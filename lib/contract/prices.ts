/**
 * On-demand prices of models on Amazon Bedrock in USD per million tokens, compiled from published price lists on the day below; they
 * differ a little between regions. They feed budgets, not invoices: a contract may always give its own (`agent.price`), and must for a model
 * that is not here.
 */
export const PRICES_AS_OF = "2026-11-21";

export interface ModelPrice {
  readonly inputPerMillionUsd: number;
  readonly outputPerMillionUsd: number;
}
const price = (inputPerMillionUsd: number, outputPerMillionUsd: number): ModelPrice => ({
  inputPerMillionUsd,
  outputPerMillionUsd,
});

interface Listed {
  /** in one region, or through an inference profile of a continent (`us.`, `eu.`, …) */
  readonly regional: ModelPrice;
  /** through the `global.` profile, where there is one */
  readonly global?: ModelPrice;
}
// Claude models since 4.5 cost 10 % more when they must stay in a region.
const LISTED: Readonly<Record<string, Listed>> = {
  "anthropic.claude-opus-4-6-v1": { regional: price(5.5, 27.5), global: price(5, 25) },
  "anthropic.claude-opus-4-5-20251101-v1:0": { regional: price(5.5, 27.5), global: price(5, 25) },
  "anthropic.claude-sonnet-4-6": { regional: price(3.3, 16.5), global: price(3, 15) },
  "anthropic.claude-sonnet-4-5-20250929-v1:0": { regional: price(3.3, 16.5), global: price(3, 15) },
  "anthropic.claude-haiku-4-5-20251001-v1:0": { regional: price(1.1, 5.5), global: price(1, 5) },
  "anthropic.claude-sonnet-4-20250514-v1:0": { regional: price(3, 15), global: price(3, 15) },
  "amazon.nova-premier-v1:0": { regional: price(2.5, 12.5) },
  "amazon.nova-pro-v1:0": { regional: price(0.8, 3.2) },
  "amazon.nova-lite-v1:0": { regional: price(0.06, 0.24) },
  "amazon.nova-micro-v1:0": { regional: price(0.035, 0.14) },
};

/** Price of a model id or inference profile id (`eu.anthropic.…`, `global.…`); undefined when the table does not have it. */
export function knownPrice(model: string): ModelPrice | undefined {
  const profile = /^(us|eu|apac|jp|au|global)\.(.+)$/.exec(model);
  const id = profile?.[2] ?? model;
  if (!Object.hasOwn(LISTED, id)) return undefined;
  const listed = LISTED[id];
  return profile?.[1] === "global" ? listed?.global : listed?.regional;
}
