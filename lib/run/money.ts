/** Money: integer micro-USD inside, USD numbers only in the run record, minor units of a currency in tool arguments. */

/** Micro-USD → USD, the nearest number to the exact decimal: 17,400 → 0.0174. */
export const usdOf = (microUsd: number): number => Number(`${microUsd}e-6`);

/** `0.0174`: at least two decimals, at most six, no rounding. */
export function usdText(microUsd: number): string {
  const sign = microUsd < 0 ? "-" : "";
  const digits = String(Math.abs(microUsd)).padStart(7, "0");
  const decimals = digits.slice(-6).replace(/0+$/, "").padEnd(2, "0");
  return `${sign}${digits.slice(0, -6)}.${decimals}`;
}

/** What tokens cost: one USD per million tokens is one micro-USD per token. Rounded up. */
export function tokenCostMicroUsd(
  promptTokens: number,
  completionTokens: number,
  price: { readonly inputPerMillionUsd: number; readonly outputPerMillionUsd: number },
): number {
  return Math.ceil(promptTokens * price.inputPerMillionUsd + completionTokens * price.outputPerMillionUsd);
}

/** 42000, `EUR` → `€420.00`. `minor` counts the currency's smallest unit. */
export function moneyText(minor: number, currency: string): string {
  return new Intl.NumberFormat("en", { style: "currency", currency }).format(Number(amountText(minor, currency)));
}

/** 42000, `EUR` → `420.00`: what is typed to confirm. */
export function amountText(minor: number, currency: string): string {
  const { maximumFractionDigits: digits = 2 } = new Intl.NumberFormat("en", {
    style: "currency",
    currency,
  }).resolvedOptions();
  const sign = minor < 0 ? "-" : "";
  const text = String(Math.abs(minor)).padStart(digits + 1, "0");
  return digits === 0 ? sign + text : `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`;
}
