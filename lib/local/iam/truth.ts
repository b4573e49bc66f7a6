/**
 * Three-valued logic. `unknown` means the check does not understand something: an Allow statement then does not match, a
 * Deny statement does.
 */
export type Truth = "yes" | "no" | "unknown";

/** `no` wins over `unknown`: what certainly does not match needs no understanding. */
export function and(...values: readonly Truth[]): Truth {
  if (values.includes("no")) return "no";
  return values.includes("unknown") ? "unknown" : "yes";
}

export function or(...values: readonly Truth[]): Truth {
  if (values.includes("yes")) return "yes";
  return values.includes("unknown") ? "unknown" : "no";
}

export function not(value: Truth): Truth {
  if (value === "unknown") return "unknown";
  return value === "yes" ? "no" : "yes";
}

export function truth(value: boolean): Truth {
  return value ? "yes" : "no";
}
