/** Finds the scenario whose input a conversation is about, so that a run started by hand is answered from its recorded turns. */
import { isDeepStrictEqual } from "node:util";
import * as z from "zod";
import type { ConverseRequest } from "../local/services/bedrock.js";
import { isTimePlaceholder } from "./format.js";
import type { NamedScenario } from "./load.js";

const jsonObject = z.record(z.string(), z.json());

/** The first scenario with this input, times aside. The agent states the input as JSON in its first message. */
export function scenarioFor(scenarios: readonly NamedScenario[], request: ConverseRequest): NamedScenario | undefined {
  const input = inputOf(request);
  if (input === undefined) return undefined;
  return scenarios.find(({ scenario }) => {
    const names = Object.keys(scenario.input);
    return (
      scenario.expect.refused === undefined &&
      names.length === Object.keys(input).length &&
      names.every(
        (name) => isTimePlaceholder(scenario.input[name]) || isDeepStrictEqual(scenario.input[name], input[name]),
      )
    );
  });
}

function inputOf(request: ConverseRequest): Record<string, unknown> | undefined {
  const [first] = request.messages;
  const text = (first?.content ?? []).map((block) => ("text" in block ? block.text : "")).join("\n");
  for (const match of text.matchAll(/\{[\s\S]*?\n?\}/g)) {
    const parsed = jsonObject.safeParse(parseOrUndefined(match[0]));
    if (parsed.success) return parsed.data;
  }
  return undefined;
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
