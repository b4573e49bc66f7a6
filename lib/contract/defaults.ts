import type { DurationSpec } from "./model.js";

/** What is used when a contract says nothing. */
export const DEFAULTS = {
  tenants: ["default"],
  timeZone: "UTC",
  outcomes: ["completed", "escalated"],
  /** the least bold: nothing that writes runs until a team decides otherwise */
  autonomy: "observe",
  approvalTimeLimitMs: 4 * 3_600_000,
  signIn: "code",
  remindAtPercent: [50, 90],
  toolTimeoutMs: 10_000,
  agentTimeoutMs: 60_000,
  maxTokens: 4096,
  temperature: 0,
  perRunUsd: 0.5,
  perDayUsd: 20,
  over: "escalate",
  steps: 20,
  toolCalls: 12,
  callsPerMinute: 30,
  invalidAnswers: 3,
  runTimeMs: 24 * 3_600_000,
  lowConfidencePercent: 70,
} as const;

/** Without keys that are there but undefined (which zod lets through). */
export function compact(spec: { readonly [unit in keyof DurationSpec]: number | undefined }): DurationSpec {
  return Object.fromEntries(Object.entries(spec).filter(([, count]) => count !== undefined));
}
