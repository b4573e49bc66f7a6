/** One reference run on the embedded cloud with everything that passed between its functions and services. */
import { createSkippingClock } from "../lib/local/clock.js";
import type { Cloud } from "../lib/local/cloud.js";
import type { HistoryEvent } from "../lib/local/states/history.js";
import type { StateMachine } from "../lib/local/states/machines.js";
import type { AwsCall, AwsReply } from "../lib/local/types.js";
import { playScenario } from "../lib/scenario/play.js";
import { openSession } from "../lib/scenario/session.js";
import { referenceScenario, root, WORKFLOW, withAssembly } from "./reference.js";

export interface ServiceCall {
  readonly service: string;
  readonly call: AwsCall;
  readonly reply: AwsReply;
}
export interface FunctionCall {
  readonly functionArn: string;
  readonly answer: unknown;
  readonly ms: number;
}
export interface Recording {
  readonly machine: StateMachine;
  /** JSON text */
  readonly input: string;
  readonly history: readonly HistoryEvent[];
  /** through Step Functions and the HTTP API, in order of their answers */
  readonly functions: readonly FunctionCall[];
  readonly services: readonly ServiceCall[];
}

const SERVICES = [
  "dynamodb",
  "verifiedpermissions",
  "s3",
  "kms",
  "lambda",
  "secretsmanager",
  "ses",
  "states",
  "bedrock",
];

export async function recordReference(): Promise<Recording> {
  const clock = createSkippingClock(Date.now(), "manual");
  return withAssembly(async (assembly) => {
    const session = await openSession({ root, stage: "dev", assembly, workflows: [WORKFLOW], clock, schedules: false });
    try {
      const scenario = await referenceScenario();
      const seen = watch(session.cloud);
      const { events } = await playScenario(session, scenario, clock);
      const last = events.at(-1);
      if (last?.type !== "RunClosed" || last.data.outcome.status !== "refunded")
        throw new Error(`the reference run ended with ${last?.type}, not as refunded`);
      const { states } = session.cloud;
      const [machine] = states.stateMachines();
      const [execution] = states.executions.list();
      if (machine === undefined || execution === undefined) throw new Error("no execution was started");
      const history = states.executions.history(execution.executionArn);
      return { machine, input: execution.input, history, ...seen };
    } finally {
      await session.close();
      clock.close();
    }
  });
}

/** Puts itself before the engines of a running cloud; nothing that they are asked or answer changes. */
function watch(cloud: Cloud): { readonly functions: FunctionCall[]; readonly services: ServiceCall[] } {
  const functions: FunctionCall[] = [];
  const services: ServiceCall[] = [];
  const invoker = cloud.context.functions;
  const invoke = invoker.invoke.bind(invoker);
  invoker.invoke = async (functionArn, payload, caller) => {
    const began = performance.now();
    const answer = await invoke(functionArn, payload, caller);
    functions.push({ functionArn, answer, ms: performance.now() - began });
    return answer;
  };
  for (const service of SERVICES) {
    const engine = cloud.engine(service);
    if (engine === undefined) continue;
    const handle = engine.handle.bind(engine);
    engine.handle = async (call) => {
      const reply = await handle(service === "dynamodb" ? withCapacity(call) : call);
      services.push({ service, call, reply });
      return reply;
    };
  }
  return { functions, services };
}

const MEASURABLE = new Set(["GetItem", "Query", "PutItem", "UpdateItem", "DeleteItem"]);

/** Asks what it consumed, where DynamoDB's emulator says so; of PartiQL it does not. */
function withCapacity(call: AwsCall): AwsCall {
  if (!MEASURABLE.has(call.operation ?? "")) return call;
  const request: unknown = JSON.parse(call.body.toString("utf8"));
  if (typeof request !== "object") return call;
  return { ...call, body: Buffer.from(JSON.stringify({ ...request, ReturnConsumedCapacity: "TOTAL" })) };
}
