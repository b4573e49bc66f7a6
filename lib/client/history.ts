/** An execution's history as Step Functions tells it, without what must not leave the account. */
import { GetExecutionHistoryCommand, type HistoryEvent, type SFNClient } from "@aws-sdk/client-sfn";

/** Every history event of the execution, oldest first, with task tokens blanked: whoever holds one could wake the execution. */
export async function executionHistory(
  client: SFNClient,
  stateMachineArn: string,
  runId: string,
): Promise<HistoryEvent[]> {
  const executionArn = `${stateMachineArn.replace(":stateMachine:", ":execution:")}:${runId}`;
  const events: HistoryEvent[] = [];
  let next: string | undefined;
  do {
    const page = await client.send(
      new GetExecutionHistoryCommand({
        executionArn,
        maxResults: 1000,
        ...(next === undefined ? {} : { nextToken: next }),
      }),
    );
    events.push(...(page.events ?? []));
    next = page.nextToken;
  } while (next !== undefined);
  return events.map(blankTaskTokens);
}

/** A copy in which the value of every `task_token` is blanked, also inside the JSON texts that history events carry. */
export function blankTaskTokens<T extends object>(event: T): T {
  const copy = structuredClone(event);
  blankWithin(copy);
  return copy;
}

function blankWithin(node: object): void {
  for (const [key, member] of Object.entries(node)) {
    if (key === "task_token" || key === "taskToken") Reflect.set(node, key, "…");
    else if (typeof member === "string") Reflect.set(node, key, blankText(member));
    else if (typeof member === "object" && member !== null && !(member instanceof Date)) blankWithin(member);
  }
}

/** JSON texts may be nested: a quote may be escaped once or more often. */
function blankText(text: string): string {
  return text.replace(/((\\*")task_token\2\s*:\s*\2)(?:(?!\2).)*(\2)/g, "$1…$3");
}

/** Whether the last event ends the execution. */
export function hasEnded(events: readonly HistoryEvent[]): boolean {
  return /^Execution(?!Started)/.test(events.at(-1)?.type ?? "");
}

/** States entered: what Step Functions charges for. */
export function statesEntered(events: readonly HistoryEvent[]): number {
  return events.filter((event) => event.type?.endsWith("StateEntered") === true).length;
}
