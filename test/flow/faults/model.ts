/** The laboratory's agent: works through its steps, does one again that failed, and gives up after that. */

import { answerOf } from "../../../lib/local/services/bedrock/converse.js";
import type { ConverseModel, ConverseRequest } from "../../../lib/local/services/bedrock.js";
import { type ExpandedTurn, expandTurn, toConverseToolName } from "../../../lib/local/services/turns.js";
import { AwsFault } from "../../../lib/local/types.js";

export type WriteTool = "book.post_with_key" | "book.post_with_lookup" | "book.post_once";
/** What one run is to do: look or not, enter these amounts, finish. */
export interface Plan {
  readonly account: string;
  /** whether the agent looks the account up first; the policies do not ask for it */
  readonly looks: boolean;
  readonly writes: readonly { readonly tool: WriteTool; readonly amountCents: number }[];
}

const MAX_TRIES = 2;

/** `planOf` finds the plan by the order's id, which is in the conversation's opening. */
export function labModel(planOf: (orderId: string) => Plan | undefined): ConverseModel {
  return {
    async converse(request) {
      const orderId = /"order_id": "(or_[a-z0-9]+)"/.exec(
        JSON.stringify(request.messages[0]).replaceAll('\\"', '"'),
      )?.[1];
      const plan = planOf(orderId ?? "");
      if (plan === undefined || orderId === undefined)
        throw new AwsFault("ValidationException", `no plan for order ${orderId ?? "(none)"}`);
      const { content, stopReason } = nextTurn(plan, orderId, triesOf(request));
      return answerOf(content, stopReason, { inputTokens: 100, outputTokens: 20 }, 0);
    },
  };
}

interface Try {
  readonly tool: string;
  readonly succeeded: boolean;
}

function triesOf({ messages }: ConverseRequest): readonly Try[] {
  const results = new Map<string, boolean>();
  const calls: { readonly id: string; readonly tool: string }[] = [];
  for (const { content } of messages) {
    for (const block of content) {
      if ("toolUse" in block && block.toolUse !== undefined)
        calls.push({ id: block.toolUse.toolUseId, tool: block.toolUse.name });
      if ("toolResult" in block && block.toolResult !== undefined)
        results.set(block.toolResult.toolUseId, block.toolResult.status !== "error");
    }
  }
  return calls.map(({ id, tool }) => ({ tool, succeeded: results.get(id) ?? false }));
}

/** Each try of a write has arguments of its own, so that books and log can be compared try by try. */
function nextTurn(plan: Plan, orderId: string, tries: readonly Try[]): ExpandedTurn {
  const steps = [
    ...(plan.looks
      ? [
          {
            tool: "book.look",
            args: (): Record<string, string | number> => ({ account: plan.account }),
            confidence: {},
          },
        ]
      : []),
    ...plan.writes.map(({ tool, amountCents }, index) => ({
      tool,
      confidence: { confidence: 95 },
      args: (attempt: number): Record<string, string | number> => ({
        account: plan.account,
        ref: `${orderId.slice(3)}-${index}-${attempt}`,
        amount_cents: amountCents,
      }),
    })),
  ];
  let at = 0;
  let attempt = 1;
  for (const { tool, succeeded } of tries) {
    if (tool !== toConverseToolName(steps[at]?.tool ?? "")) continue;
    if (succeeded) {
      at += 1;
      attempt = 1;
    } else attempt += 1;
  }
  const step = steps[at];
  if (step === undefined) return expandTurn({ finish: { outcome: "entered" } }, tries.length);
  if (attempt > MAX_TRIES) return expandTurn({ finish: { outcome: "escalated" } }, tries.length);
  return expandTurn({ tool: step.tool, args: step.args(attempt), ...step.confidence }, tries.length);
}
