/** The call as the gate put it out for this tool: the state machine carries only its redacted form. */
import type { CallStore } from "../../lib/aws/call-store.js";
import type { Tool } from "../../lib/contract/model.js";
import { CountersignError } from "../../lib/errors.js";
import { hashJson } from "../../lib/run/canonical.js";
import type { RunRef } from "../../lib/run/keys.js";
import type { ToolRequest } from "../../lib/run/protocol.js";
import type { CallSeal } from "../../lib/run/sealing.js";
import { argsHashOf } from "./permit.js";

export interface TakenCall {
  /** plain */
  readonly args: ToolRequest["action"]["args"];
  /** of the redacted form, as the permit names it */
  readonly argsHash: string;
  readonly seal: CallSeal;
}

/** @throws CountersignError CS-3203 when nothing was put out, CS-3204 when it is not what the request names */
export async function takeCall(
  calls: Pick<CallStore, "read">,
  tool: Tool,
  run: RunRef,
  request: ToolRequest,
): Promise<TakenCall> {
  const { turn, action } = request;
  const call = await calls.read({ run, tool: tool.name, turn });
  if (call === undefined)
    throw new CountersignError(
      "CS-3203",
      `${tool.name}: run ${run.runId}, turn ${turn}: the gate put out no call; a tool acts only on a permit of the gate`,
    );
  const { args, nonces } = call;
  const argsHash = argsHashOf(tool, { args, nonces });
  if (hashJson(action.args) !== argsHash || Object.keys(action.nonces).length > 0)
    throw new CountersignError(
      "CS-3204",
      `${tool.name}: run ${run.runId}, turn ${turn}: the gate put out another call; tool, turn and arguments must be the same`,
    );
  return { args, argsHash, seal: { key: Buffer.from(call.key, "base64"), runId: run.runId, turn } };
}
