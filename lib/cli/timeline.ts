/** A run as it goes on, one line a step, for people at a terminal. Pure: recorded events in, lines out. */
import * as z from "zod";
import type { Contract } from "../contract/model.js";
import type { EventOf, RecordedEvent } from "../run/events.js";
import { renderTitle } from "../run/title.js";
import { of } from "../scenario/compare.js";
import { printable } from "./io.js";

const resourceRef = z.object({ id: z.string() });
const COLUMNS = { turn: 3, tool: 20, subject: 36, decision: 14, policy: 20 };

/** The line of the newest event, or nothing when that event is told by a later one. `before` is what came earlier. */
export function timelineLine(
  event: RecordedEvent,
  before: readonly RecordedEvent[],
  contract: Contract,
): string | undefined {
  switch (event.type) {
    case "ProposalInvalid":
      return row(event.data.turn, "no valid action", event.data.reason, "denied", "", usd(event.data.cost_micro_usd));
    case "ActionDecided":
      return decisionLine(event, before, contract);
    case "ApprovalDecided":
      return `  ${event.data.decision === "approve" ? "✔ approved" : "✘ rejected"} by ${printable(event.data.approver)}${event.data.comment === "" ? "" : `: "${printable(event.data.comment)}"`}`;
    case "ApprovalExpired":
      return "  ✘ expired: nobody decided in time, so the answer is no";
    case "ApprovalVoided":
      return `  ✘ the approval is void: ${event.data.reason}`;
    case "ToolReturned":
      return `${" ".repeat(COLUMNS.turn)}→ ${event.data.tool} ${event.data.status}${event.data.error === null ? "" : ` (${printable(event.data.error.code)})`} in ${event.data.latency_ms} ms${event.data.untrusted ? ", untrusted text read" : ""}`;
    default:
      return undefined;
  }
}

function decisionLine(event: EventOf<"ActionDecided">, before: readonly RecordedEvent[], contract: Contract): string {
  const { turn, tool, decision, tier, policy, reasons } = event.data;
  const proposed = of(before, "ActionProposed").findLast((one) => one.data.turn === turn);
  const determining = policy?.determining.join(", ") ?? "";
  const cost = proposed === undefined || event.data.approvals > 0 ? "" : usd(proposed.data.cost_micro_usd);
  const said = {
    permit: "permitted",
    ask: tier === 2 ? "needs 2 people" : "needs 1 person",
    deny: "denied",
    recommend: "recommended",
  }[decision];
  const why = decision === "deny" ? printable(reasons.join("; ")) : determining;
  return row(turn, tool, subjectOf(event, proposed?.data.args, contract), said, why, cost);
}

const argsObject = z.record(z.string(), z.json());

/** A write's title (`Refund €420.00 to cus_9`); for a read the first argument with a plain value. */
function subjectOf(event: EventOf<"ActionDecided">, args: unknown, contract: Contract): string {
  const tool = contract.tools.find((one) => one.name === event.data.tool);
  const parsed = argsObject.safeParse(args);
  const resource = resourceRef.safeParse(event.data.policy?.resource);
  if (tool?.effect === "write" && parsed.success) return renderTitle(tool, parsed.data, resource.data?.id ?? "");
  const values = typeof args === "object" && args !== null ? Object.values(args) : [];
  const first = values.find((value) => typeof value === "string" || typeof value === "number");
  return first === undefined ? "" : printable(String(first)).slice(0, COLUMNS.subject);
}

function row(turn: number, tool: string, subject: string, decision: string, why: string, cost: string): string {
  const cells = [
    String(turn).padStart(COLUMNS.turn),
    tool.padEnd(COLUMNS.tool),
    subject.padEnd(COLUMNS.subject),
    decision.padEnd(COLUMNS.decision),
    why.padEnd(COLUMNS.policy),
    cost,
  ];
  return cells.join("  ").trimEnd();
}

/** Micro-USD as USD with four places: `0.0166 USD`. */
export function usd(microUsd: number): string {
  return `${(microUsd / 1_000_000).toFixed(4)} USD`;
}

export function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}
