/** Numbers, lengths of time, money, outcomes, time zone, price: what must lie within bounds. */
import { CountersignError } from "../../errors.js";
import { compact, DEFAULTS } from "../defaults.js";
import type { Draft } from "../draft.js";
import { at, type Faults, type Where } from "../faults.js";
import type { DurationSpec } from "../model.js";
import { knownPrice, PRICES_AS_OF } from "../prices.js";
import { MAX_FUNCTION_MS } from "../shape.js";
import { durationMs, durationText, microUsd } from "../units.js";

/** Outcomes that only the machinery may give. */
export const RESERVED_OUTCOMES: readonly string[] = ["stopped", "failed", "expired", "refused"];

export function checkLimits(draft: Draft, faults: Faults): void {
  const { fields, where } = draft;
  knownTimeZone(fields.timeZone, at(where, "timeZone"), faults);
  distinct(fields.tenants, at(where, "tenants"), faults);
  outcomes(draft, faults);
  budget(draft, faults);
  times(draft, faults);
  price(draft, faults);
  const calls = fields.limits?.toolCalls;
  const steps = fields.limits?.steps ?? DEFAULTS.steps;
  if (calls !== undefined && calls > steps) {
    const rule = `is more than the ${steps} steps a run may take`;
    faults.add("CS-1012", at(where, "limits", "toolCalls"), {
      value: calls,
      rule,
      fix: "raise limits.steps or lower it",
    });
  }
}

export function knownTimeZone(name: string | undefined, where: Where, faults: Faults): void {
  if (name === undefined) return;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
  } catch {
    faults.add("CS-1004", where, { value: name, rule: "is not a time zone", fix: 'use an IANA name: "Europe/Berlin"' });
  }
}

function distinct(values: readonly string[] | undefined, where: Where, faults: Faults): void {
  for (const [index, value] of (values ?? []).entries()) {
    if (values?.indexOf(value) === index) continue;
    faults.add("CS-1005", at(where, index), { value, rule: "is there twice", fix: "name it once" });
  }
}

function outcomes({ fields, where }: Draft, faults: Faults): void {
  for (const [index, outcome] of (fields.outcomes ?? []).entries()) {
    if (!RESERVED_OUTCOMES.includes(outcome)) continue;
    const rule = "is an outcome that only Countersign itself gives";
    faults.add("CS-1013", at(where, "outcomes", index), { value: outcome, rule, fix: "use a word of your own" });
  }
  distinct(fields.outcomes, at(where, "outcomes"), faults);
}

function budget({ fields, where }: Draft, faults: Faults): void {
  const { perRunUsd, perDayUsd } = fields.budget ?? {};
  const exact = [perRunUsd, perDayUsd].map((usd, index) => {
    try {
      return usd === undefined ? undefined : microUsd(usd);
    } catch (error) {
      if (!(error instanceof CountersignError)) throw error;
      const field = index === 0 ? "perRunUsd" : "perDayUsd";
      faults.add("CS-1012", at(where, "budget", field), {
        value: usd,
        rule: "is finer than a micro-USD",
        fix: "use at most six decimals",
      });
      return undefined;
    }
  });
  const [perRun = microUsd(DEFAULTS.perRunUsd), perDay = microUsd(DEFAULTS.perDayUsd)] = exact;
  if (perRun <= perDay) return;
  const [field, value] = perRunUsd === undefined ? ["perDayUsd", perDayUsd] : ["perRunUsd", perRunUsd];
  const rule = `leaves no room for one run a day (${perRun / 1e6} USD per run, ${perDay / 1e6} per day)`;
  faults.add("CS-1012", at(where, "budget", String(field)), {
    value,
    rule,
    fix: "raise budget.perDayUsd or lower budget.perRunUsd",
  });
}

function times({ fields, where }: Draft, faults: Faults): void {
  const year = 365 * 86_400_000;
  const limit = at(where, "approvers", "timeLimit");
  const runTime = durationBetween(
    fields.limits?.runTime,
    at(where, "limits", "runTime"),
    { minMs: 60_000, maxMs: year },
    faults,
  );
  const approval = durationBetween(fields.approvers?.timeLimit, limit, { minMs: 60_000, maxMs: year }, faults);
  const [run, wait] = [runTime ?? DEFAULTS.runTimeMs, approval ?? DEFAULTS.approvalTimeLimitMs];
  if (wait > run) {
    const rule = `(${durationText(wait)}) is longer than a run may take (${durationText(run)})`;
    faults.add("CS-1012", limit, { rule, fix: "raise limits.runTime or lower it" });
  }
  for (const [field, spec] of Object.entries(fields.freshness ?? {})) {
    durationBetween(spec, at(where, "freshness", field), { minMs: 1000, maxMs: 100 * year }, faults);
  }
  if (fields.agent?.kind === "lambda") {
    durationBetween(
      fields.agent.timeout,
      at(where, "agent", "timeout"),
      { minMs: 1000, maxMs: MAX_FUNCTION_MS },
      faults,
    );
  }
}

/** The length in ms, or undefined when it is not given or was reported. */
export function durationBetween(
  spec: { readonly [unit in keyof DurationSpec]: number | undefined } | undefined,
  where: Where,
  bounds: { readonly minMs: number; readonly maxMs: number },
  faults: Faults,
): number | undefined {
  if (spec === undefined) return undefined;
  const fix = `use ${durationText(bounds.minMs)} to ${durationText(bounds.maxMs)}, e.g. { minutes: 5 }`;
  let ms: number;
  try {
    ms = durationMs(compact(spec));
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error;
    faults.add("CS-1012", where, { value: spec, rule: "is no length of time", fix });
    return undefined;
  }
  if (ms >= bounds.minMs && ms <= bounds.maxMs) return ms;
  faults.add("CS-1012", where, { value: spec, rule: ms < bounds.minMs ? "is too short" : "is too long", fix });
  return undefined;
}

function price({ fields, where }: Draft, faults: Faults): void {
  const { agent } = fields;
  if (agent?.kind !== "bedrock") return;
  if (agent.price === undefined && knownPrice(agent.model) === undefined) {
    faults.add("CS-1016", at(where, "agent", "model"), {
      value: agent.model,
      rule: `has no price in the built-in table (${PRICES_AS_OF})`,
      fix: "give agent.price { inputPerMillionUsd, outputPerMillionUsd }, or use a model that is in lib/contract/prices.ts",
    });
  }
}
