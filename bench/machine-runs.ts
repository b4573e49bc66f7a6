/** Reference runs in process: the synthesised definition, executed with functions that answer at once. */
import { realClock } from "../lib/local/clock.js";
import { parseDefinition } from "../lib/local/states/definition.js";
import { startRun } from "../lib/local/states/interpreter.js";
import { compileMachine } from "../lib/local/states/machine.js";
import { payloadOf } from "../lib/local/states/payload.js";
import { createTaskTokens } from "../lib/local/states/tokens.js";
import { type Benchmark, interleave } from "./measure.js";
import { type FunctionCall, type Recording, recordReference } from "./recording.js";

const RUNS = 50;

export const machineRuns: Benchmark = {
  name: "machine-runs",
  about:
    "reference runs of the synthesised JSONata definition with recorded answers, against the same calls without it",
  async run() {
    const recording = await recordReference();
    const run = replay(recording);
    const calls = recording.functions.length;
    const median = await interleave(
      [
        { name: "machine", run },
        {
          name: "calls",
          run: async () => {
            for (const { answer } of recording.functions) await Promise.resolve(JSON.parse(JSON.stringify(answer)));
          },
        },
      ],
      { rounds: 15, calls: RUNS },
    );
    return [
      { name: "reference runs in process", value: 1000 / median("machine"), unit: "/s", aim: { atLeast: 1000 } },
      { name: "one run", value: median("machine"), unit: "ms" },
      { name: `its ${calls} answers, copied without the machine`, value: median("calls"), unit: "ms" },
    ];
  },
};

/** Executes the definition once, with its own task tokens and each function's recorded answers in their order. */
function replay({ machine: { definition, arn, name, roleArn }, input, functions }: Recording): () => Promise<void> {
  const machine = compileMachine(parseDefinition(definition));
  const value: unknown = JSON.parse(input);
  let count = 0;
  return async () => {
    count += 1;
    const answers = answersByFunction(functions);
    const tokens = createTaskTokens();
    const run = startRun({
      machine,
      input: { value, json: input },
      identity: {
        executionArn: `${arn.replace(":stateMachine:", ":execution:")}:run-${count}`,
        executionName: `run-${count}`,
        stateMachineArn: arn,
        stateMachineName: name,
        roleArn,
        region: "eu-central-1",
        accountId: "111111111111",
      },
      seams: {
        clock: realClock(),
        tokens,
        functions: {
          async invoke(functionArn, payload) {
            const token = taskTokenOf(payload);
            if (token !== undefined) tokens.settle(token, { kind: "success", outputJson: payloadOf({}).json });
            return answers.get(functionArn)?.shift();
          },
        },
        random: Math.random,
        uuid: () => "00000000-0000-4000-8000-000000000000",
        log: () => {},
      },
      onEvent: () => {},
    });
    const outcome = await run.done;
    if (outcome.status !== "SUCCEEDED") throw new Error(`the replayed run ended as ${JSON.stringify(outcome)}`);
  };
}

function answersByFunction(functions: readonly FunctionCall[]): Map<string, unknown[]> {
  const answers = new Map<string, unknown[]>();
  for (const { functionArn, answer } of functions) {
    const list = answers.get(functionArn);
    if (list === undefined) answers.set(functionArn, [answer]);
    else list.push(answer);
  }
  return answers;
}

function taskTokenOf(payload: unknown): string | undefined {
  if (typeof payload !== "object" || payload === null || !("task_token" in payload)) return undefined;
  return typeof payload.task_token === "string" ? payload.task_token : undefined;
}
