/** Whether the run log holds a permit for exactly this call. Pure: the log and the time are arguments. */
import type { Tool } from "../../lib/contract/model.js";
import { CountersignError } from "../../lib/errors.js";
import { hashJson } from "../../lib/run/canonical.js";
import type { EventOf, RecordedEvent } from "../../lib/run/events.js";
import type { Action, ToolRequest } from "../../lib/run/protocol.js";
import { redactWithNonces } from "../../lib/run/redact.js";
import { isoTime } from "../../lib/run/time.js";

export type Permit = EventOf<"ActionPermitted">;

/** The hash that the gate wrote down for these arguments. @throws CS-3204 when a nonce is missing or too many */
export function argsHashOf(tool: Tool, { args, nonces }: Pick<Action, "args" | "nonces">): string {
  try {
    return hashJson(redactWithNonces(args, tool.sensitiveInput, nonces));
  } catch (error) {
    if (error instanceof CountersignError && error.code === "CS-3021")
      throw new CountersignError(
        "CS-3204",
        `${tool.name}: the arguments do not match their nonces; only what the gate put out may run`,
      );
    throw error;
  }
}

/**
 * `log` is the run's log from `permit_seq` on, read consistently. Nothing may stand after the permit: an outcome means it is
 * used, anything else that the gate or close-run went on without it.
 * @throws CountersignError CS-3203, CS-3204, CS-3206
 */
export function findPermit(tool: Tool, request: ToolRequest, argsHash: string, log: readonly RecordedEvent[]): Permit {
  const where = `${tool.name}: run ${request.run_id}, record ${request.permit_seq}`;
  const [permit, later] = log;
  if (permit === undefined || permit.type !== "ActionPermitted" || permit.seq !== request.permit_seq)
    throw new CountersignError("CS-3203", `${where} is no permit; a tool acts only on what the gate wrote down`);
  const { data } = permit;
  if (
    data.tool !== tool.name ||
    request.action.tool !== tool.name ||
    data.turn !== request.turn ||
    data.args_hash !== argsHash
  )
    throw new CountersignError("CS-3204", `${where} permits another call; tool, turn and arguments must be the same`);
  if (later !== undefined)
    throw new CountersignError(
      "CS-3206",
      `${where}: the permit is used or the run is closed (${later.type} follows it)`,
    );
  return permit;
}

/** @throws CountersignError CS-3205; a call that began in time may end later */
export function checkInTime(tool: Tool, permit: Permit, untilMs: number, nowMs: number): void {
  if (nowMs > untilMs)
    throw new CountersignError(
      "CS-3205",
      `${tool.name}: run ${permit.run_id}, record ${permit.seq}: the permit could be used until ${isoTime(untilMs)}; propose again`,
    );
}
