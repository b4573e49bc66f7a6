/** What a tool's or preview's own code gets. */
import type { Tool, ToolContext } from "../contract/model.js";
import { CountersignError } from "../errors.js";
import { baseUrlOf, type LocalHosts } from "./hosts.js";

export interface ToolContextParts {
  readonly tool: Tool;
  readonly runId: string;
  readonly step: string;
  readonly tenant: string;
  readonly idempotencyKey: string;
  readonly repeated: boolean;
  readonly signal: AbortSignal;
  readonly local: LocalHosts;
  /** reads a secret by its name in the contract */
  readonly secret: (name: string) => Promise<string>;
}

export function makeToolContext({ tool, local, secret, ...parts }: ToolContextParts): ToolContext {
  return {
    ...parts,
    async secret(name) {
      if (!tool.secrets.includes(name))
        throw new CountersignError(
          "CS-3208",
          `${tool.name}: secret ${name} is not in its contract; it has ${tool.secrets.join(", ") || "none"}`,
        );
      return secret(name);
    },
    baseUrl: (host) => baseUrlOf(tool.name, tool.hosts, local, host),
  };
}

/** Runs a team's code with a time limit. Rejects with CS-3213 when it is over; the code may still be running then. */
export async function withTimeLimit<T>(
  what: string,
  timeoutMs: number,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      const error = new CountersignError(
        "CS-3213",
        `${what}: no answer within ${timeoutMs} ms; raise its \`timeout\` or look at the outside system`,
      );
      reject(error);
      controller.abort(error);
    }, timeoutMs);
  });
  try {
    return await Promise.race([(async () => run(controller.signal))(), limit]);
  } finally {
    clearTimeout(timer);
  }
}
