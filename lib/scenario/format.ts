/**
 * A scenario: one run as data. What comes in, what the model says (recorded), what the outside systems hold, how people
 * answer — and what must come of it. `workflows/<name>/scenarios/*.json`.
 */
import * as z from "zod";
import { recordedTurn } from "../local/services/turns.js";
import { CHECK_NAMES } from "../run/events.js";

const by = z.string();
const comment = z.string().default("");

/** What one person does about a question. */
const person = z.discriminatedUnion("decision", [
  z.strictObject({ by, decision: z.enum(["approve", "reject"]), comment }),
  /** a question to the run's owner, and the owner's answer to the newest question */
  z.strictObject({ by, decision: z.enum(["ask", "answer"]), comment: z.string().min(1) }),
  z.strictObject({ by, decision: z.literal("delegate"), to: z.string(), comment }),
  /** `args`: the page's fields with what is typed into them; people are asked again then, which is the next entry of `approvals` */
  z.strictObject({
    by,
    decision: z.literal("edit"),
    args: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  }),
]);
export type Person = z.output<typeof person>;

/** How one request for approval is answered: by people in order, or by silence (time skips past the deadline). */
const answered = z.strictObject({
  answers: z.array(person).default([]),
  /** an operator stops the workflow before anyone answers; approving is refused from then on */
  stop: z.boolean().default(false),
  /** what changes outside before people answer: replaces top-level keys of the sandboxes' seeds */
  meanwhile: z.record(z.string(), z.record(z.string(), z.json())).optional(),
});

const expectedDecision = z.strictObject({
  turn: z.int().positive(),
  tool: z.string(),
  /** the decisions of this turn in order, e.g. `ask` then `permit` */
  decision: z.enum(["permit", "ask", "deny", "recommend"]),
  determining: z.array(z.string()).optional(),
  denied_by: z.array(z.string()).optional(),
  /** the check that failed */
  failed: z.enum(CHECK_NAMES).optional(),
});

export const scenarioFile = z.strictObject({
  description: z.string().min(1),
  /** when it happens, on the cloud's clock */
  at: z.iso.datetime().default("2026-05-02T16:30:00.000Z"),
  tenant: z.string().optional(),
  /** `{{now-2d}}`, `{{now-3h}}` stand for a time before `at` */
  input: z.record(z.string(), z.json()),
  /** replaces top-level keys of the workflow's `sandbox/seed.json`, per host */
  sandbox: z.record(z.string(), z.record(z.string(), z.json())).default({}),
  turns: z.array(recordedTurn).default([]),
  approvals: z.array(answered).default([]),
  expect: z.strictObject({
    /** not admitted: the error's code */
    refused: z.string().optional(),
    /** every decision of the run, in order */
    decisions: z.array(expectedDecision).default([]),
    /** proposals that were no valid action */
    invalid: z.array(z.strictObject({ turn: z.int().positive(), reason: z.string() })).default([]),
    approvals: z
      .array(
        z.strictObject({
          type: z.string(),
          result: z.enum(["approved", "rejected", "expired", "edited", "voided", "stopped"]),
        }),
      )
      .default([]),
    tools: z.array(z.strictObject({ tool: z.string(), status: z.enum(["ok", "error", "unknown"]) })).optional(),
    outcome: z.strictObject({ status: z.string(), reason: z.string().optional() }).optional(),
    /** per host: what the sandbox holds in the end, exactly */
    sandbox: z.record(z.string(), z.json()).default({}),
  }),
});
export type Scenario = z.output<typeof scenarioFile>;

const PLACEHOLDER = /^\{\{now-(\d{1,4})([dhm])\}\}$/;
const UNIT_MS = { d: 86_400_000, h: 3_600_000, m: 60_000 };

/** True for `{{now-2d}}`: a value that depends on when the run starts. */
export function isTimePlaceholder(value: unknown): boolean {
  return typeof value === "string" && PLACEHOLDER.test(value);
}

/** Fills `{{now-2d}}` (days, hours, minutes) with a UTC ISO time, at the top level of an input. */
export function fillTimes(
  input: Readonly<Record<string, z.core.util.JSONType>>,
  nowMs: number,
): Record<string, z.core.util.JSONType> {
  return Object.fromEntries(
    Object.entries(input).map(([name, value]) => {
      const match = typeof value === "string" ? PLACEHOLDER.exec(value) : null;
      const unit = match?.[2];
      if (match?.[1] === undefined || (unit !== "d" && unit !== "h" && unit !== "m")) return [name, value];
      return [name, new Date(nowMs - Number(match[1]) * UNIT_MS[unit]).toISOString()];
    }),
  );
}
