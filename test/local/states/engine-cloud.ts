import * as z from "zod";
import { createSkippingClock, type SkippingClock } from "../../../lib/local/clock.js";
import { createStatesEngine, type StatesEngine } from "../../../lib/local/states/engine.js";
import {
  type AccessQuestion,
  AwsFault,
  type BusEvent,
  type Caller,
  type CloudContext,
} from "../../../lib/local/types.js";
import { machine, START, waitForToken } from "./support.js";

export const MACHINE = "arn:aws:states:us-east-1:111111111111:stateMachine:orders";
export const EXECUTION = "arn:aws:states:us-east-1:111111111111:execution:orders";
export const ROLE = "arn:aws:iam::111111111111:role/orders-machine";
export const operator: Caller = {
  principalArn: "arn:aws:iam::111111111111:role/operator",
  sessionArn: "arn:aws:sts::111111111111:assumed-role/operator/me",
  accountId: "111111111111",
};

export interface Cloud {
  readonly engine: StatesEngine;
  readonly clock: SkippingClock;
  readonly published: BusEvent[];
  readonly asked: AccessQuestion[];
  readonly log: string[];
  call(operation: string, request: object): Promise<Record<string, unknown>>;
}
export interface CloudOptions {
  readonly dataDir?: string;
  readonly work?: (payload: unknown) => unknown;
  readonly allow?: (question: AccessQuestion) => boolean;
  readonly publish?: (event: BusEvent) => void;
}

export const Body = z.record(z.string(), z.unknown());

export function cloud(options: CloudOptions = {}): Cloud {
  const clock = createSkippingClock(Date.parse(START), "manual");
  const published: BusEvent[] = [];
  const asked: AccessQuestion[] = [];
  const log: string[] = [];
  const evaluate = (question: AccessQuestion) => {
    asked.push(question);
    return { allowed: options.allow?.(question) ?? true, message: `not allowed: ${question.action}` };
  };
  const context: CloudContext = {
    region: "us-east-1",
    accountId: "111111111111",
    clock,
    iam: {
      evaluate,
      authorize(question) {
        const answer = evaluate(question);
        if (!answer.allowed) throw new AwsFault("AccessDeniedException", answer.message, 403);
      },
    },
    functions: { invoke: async (_, payload) => options.work?.(payload) ?? null },
    endpoint: () => "http://127.0.0.1:1",
    publish: options.publish ?? ((event) => published.push(event)),
    log: (line) => log.push(line),
    ...(options.dataDir === undefined ? {} : { dataDir: options.dataDir }),
  };
  const engine = createStatesEngine(context);
  return {
    engine,
    clock,
    published,
    asked,
    log,
    async call(operation, request) {
      const reply = await engine.handle({
        service: "states",
        caller: operator,
        method: "POST",
        path: "/",
        query: new URLSearchParams(),
        headers: {},
        body: Buffer.from(JSON.stringify(request)),
        operation,
      });
      return Body.parse(reply.body);
    },
  };
}

export const waiting = machine({ Ask: waitForToken({ End: true }) });
export const passing = machine({ Pass: { Type: "Pass", Output: "{% $states.input.n %}", End: true } });

export async function withMachine(definition: object, options: CloudOptions = {}): Promise<Cloud> {
  const made = cloud(options);
  await made.call("CreateStateMachine", { name: "orders", definition: JSON.stringify(definition), roleArn: ROLE });
  return made;
}

export const create = (engine: StatesEngine, properties: Record<string, unknown>) =>
  engine.resources["AWS::StepFunctions::StateMachine"]?.({
    type: "AWS::StepFunctions::StateMachine",
    logicalId: "Machine",
    stackName: "orders-dev",
    defaultName: "orders-dev-Machine-1",
    metadata: {},
    properties,
  });
