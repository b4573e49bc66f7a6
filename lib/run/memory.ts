/**
 * What this run knows in plain values: its admitted input and its calls. The plain values come from the context object, and
 * each is taken only if it hashes to what the log says: the log alone is trusted.
 */
import type { Contract, Tool } from "../contract/model.js";
import { valuesAt } from "../contract/schema-paths.js";
import { CountersignError } from "../errors.js";
import { hashJson, isJsonObject, type Json, type JsonObject } from "./canonical.js";
import type { RunContext, ToolAnswer } from "./protocol.js";
import { noncesOf, redact } from "./redact.js";
import type { Call, OpenRun } from "./state.js";

/** A call whose outcome is in the log. Plain values. */
export interface PastCall {
  readonly turn: number;
  readonly tool: Tool;
  readonly args: JsonObject;
  readonly status: "ok" | "error" | "unknown";
  /** null unless the status is ok */
  readonly output: JsonObject | null;
  readonly effectPossible: boolean;
  readonly untrusted: boolean;
  readonly at: string;
}
export interface Memory {
  readonly input: JsonObject;
  readonly calls: readonly PastCall[];
}

/**
 * @param told what the ledger says of the call whose outcome the context object does not have yet
 * @throws CountersignError CS-3014 when a plain value is not the one that was logged
 */
export function recall(
  contract: Contract,
  run: OpenRun,
  context: RunContext,
  runSecret: Uint8Array,
  told: { readonly turn: number; readonly answer: ToolAnswer } | null,
): Memory {
  const input = redact(context.input, contract.sensitive, noncesOf(runSecret, 0, "input")).redacted;
  if (hashJson(input) !== run.started.input_hash) throw differs("the input");
  const calls = run.calls.flatMap((call) => {
    const turn = context.turns.find((entry) => entry.turn === call.turn);
    const answer = told?.turn === call.turn ? told.answer : (turn?.result ?? null);
    return [pastCall(contract, call, turn?.proposed, answer, runSecret)].filter((past) => past !== undefined);
  });
  return { input: context.input, calls };
}

function pastCall(
  contract: Contract,
  call: Call,
  proposed: RunContext["turns"][number]["proposed"] | undefined,
  answer: ToolAnswer | null,
  runSecret: Uint8Array,
): PastCall | undefined {
  const { turn, returned } = call;
  const tool = contract.tools.find((candidate) => candidate.name === call.tool);
  if (returned === null || tool === undefined) return undefined;
  if (proposed?.kind !== "act") throw differs(`the arguments of turn ${turn}`);
  const { args } = proposed;
  verify(args, tool.sensitiveInput, runSecret, turn, "args", call.argsHash);
  const { status, untrusted, effect_possible: effectPossible, at } = returned;
  const base = { turn, tool, args, status, effectPossible, untrusted, at };
  if (returned.output_hash === null) return { ...base, output: null };
  const output: Json | undefined = answer?.output;
  if (!isJsonObject(output)) throw differs(`the result of turn ${turn}`);
  verify(output, tool.sensitiveOutput, runSecret, turn, "output", returned.output_hash);
  return { ...base, output };
}

function verify(
  value: Json,
  paths: readonly string[],
  runSecret: Uint8Array,
  turn: number,
  what: "args" | "output",
  hash: string,
): void {
  const { redacted } = redact(value, paths, noncesOf(runSecret, turn, what));
  if (hashJson(redacted) !== hash) throw differs(`${what === "args" ? "the arguments" : "the result"} of turn ${turn}`);
}

const differs = (what: string) =>
  new CountersignError(
    "CS-3014",
    `context: ${what} is not what the log recorded; nothing runs. Was the context object changed, or the contract deployed with other sensitive fields while the run was open?`,
  );

/** The newest successful call of a tool that passes the test. */
export function latest(
  memory: Memory,
  tool: string,
  fits: (call: PastCall) => boolean = () => true,
): PastCall | undefined {
  return memory.calls.findLast((call) => call.tool.name === tool && call.status === "ok" && fits(call));
}

/** Whether text written by outsiders has reached the agent in this run: with the input, or with a tool's output. */
export const readUntrusted = (contract: Contract, memory: Memory): boolean =>
  memory.calls.some((call) => call.untrusted) ||
  contract.untrusted.some((path) => valuesAt(memory.input, path).some((value) => value !== ""));
