/** The Step Functions engine of the embedded cloud. */
import { unknownOperation } from "../services/support/request.js";
import type { AwsCall, AwsReply, CloudContext, Engine } from "../types.js";
import { Executions } from "./executions.js";
import { type StateMachine, StateMachines } from "./machines.js";
import { OPERATIONS } from "./operations.js";
import { createStateMachine } from "./resource.js";

/** The engine with its in-process side, for the console, scenarios and the command line. */
export interface StatesEngine extends Engine {
  /** start, describe, list, history, stop, completion, recover; task tokens in `executions.tokens` */
  readonly executions: Executions;
  stateMachines(): readonly StateMachine[];
}

/** Creates the engine for signing name `states`. Executions of an earlier process are there at once, if `dataDir` is set. */
export function createStatesEngine(context: CloudContext): StatesEngine {
  const machines = new StateMachines(context);
  const executions = new Executions(context, machines);
  const services = { context, machines, executions };
  return {
    service: "states",
    executions,
    stateMachines: () => machines.all(),
    async handle(call: AwsCall): Promise<AwsReply> {
      const operation = OPERATIONS.get(call.operation ?? "");
      if (operation === undefined) {
        throw unknownOperation("states", call.operation ?? "(none)", [...OPERATIONS.keys()]);
      }
      return { status: 200, body: operation(services, call) };
    },
    resources: {
      "AWS::StepFunctions::StateMachine": (request) => createStateMachine(request, machines),
    },
    async reset() {
      executions.reset();
    },
    async close() {
      executions.close();
    },
  };
}
