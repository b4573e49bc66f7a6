/** The operations of Step Functions' wire protocol (AWS JSON 1.0, `AWSStepFunctions.*`). */
import * as z from "zod";
import { epochSeconds, parseRequest } from "../services/support/request.js";
import { type AwsCall, AwsFault, type Caller, type CloudContext } from "../types.js";
import { checkDefinition } from "./definition.js";
import type { Executions } from "./executions.js";
import { wireEvent } from "./history.js";
import { exceedsBytes, MAX_DEFINITION_BYTES, MAX_PAYLOAD_BYTES } from "./limits.js";
import { definitionFault, type StateMachine, type StateMachines } from "./machines.js";
import { page } from "./paging.js";
import { EXECUTION_STATUSES, type ExecutionRecord } from "./store.js";

export interface StatesServices {
  readonly context: CloudContext;
  readonly machines: StateMachines;
  readonly executions: Executions;
}
type Operation = (services: StatesServices, call: AwsCall) => object;

/** An operation: its request's shape, the resource it needs permission for, and what it does. */
function operation<T extends z.ZodType>(
  action: string,
  schema: T,
  resource: (request: z.output<T>, services: StatesServices) => string,
  perform: (request: z.output<T>, services: StatesServices, caller: Caller) => object,
): Operation {
  return (services, { caller, body }) => {
    const request = parseRequest("states", body, schema);
    services.context.iam.authorize({ caller, action: `states:${action}`, resource: resource(request, services) });
    return perform(request, services, caller);
  };
}

const stateMachineArn = z.string().regex(/^arn:aws[a-z-]*:states:[a-z0-9-]+:\d{12}:stateMachine:[^:]{1,80}$/);
const executionArn = z.string().regex(/^arn:aws[a-z-]*:states:[a-z0-9-]+:\d{12}:execution:[^:]{1,80}:[^:]{1,80}$/);
/** AWS counts characters here; what has more bytes than characters is found later. */
const longest = (limit: number) => z.string().max(limit, `Member must have length less than or equal to ${limit}`);
const payload = longest(MAX_PAYLOAD_BYTES);
const error = z.string().max(256).optional();
const cause = z.string().max(32_768).optional();
const paging = {
  maxResults: z.int().min(0).max(1000).optional(),
  nextToken: z.string().min(1).max(1024).optional(),
};
const ofMachine = (request: { readonly stateMachineArn: string }): string => request.stateMachineArn;
const ofExecution = (request: { readonly executionArn: string }): string => request.executionArn;
/** no resource-level permission: FACTS, and the service authorization reference */
const anyResource = (): string => "*";

const StartExecution = operation(
  "StartExecution",
  z.strictObject({ stateMachineArn, name: z.string().optional(), input: payload.optional() }),
  ofMachine,
  (request, { executions }) => {
    const record = executions.start(request);
    return { executionArn: record.executionArn, startDate: epochSeconds(record.startDateMs) };
  },
);

const StopExecution = operation(
  "StopExecution",
  z.strictObject({ executionArn, error, cause }),
  ofExecution,
  (request, { executions }) => {
    const record = executions.stop(request.executionArn, request.error, request.cause);
    return { stopDate: epochSeconds(record.stopDateMs ?? record.startDateMs) };
  },
);

const DescribeExecution = operation(
  "DescribeExecution",
  z.strictObject({ executionArn, includedData: z.enum(["ALL_DATA", "METADATA_ONLY"]).optional() }),
  ofExecution,
  (request, { executions }) => {
    const record = executions.describe(request.executionArn);
    const withData = request.includedData !== "METADATA_ONLY";
    const { input, output, error: failure, cause: reason } = record;
    return {
      ...listItem(record),
      ...(withData ? { input, inputDetails: { included: true } } : {}),
      ...(withData && output !== undefined ? { output, outputDetails: { included: true } } : {}),
      ...(failure === undefined ? {} : { error: failure }),
      ...(reason === undefined ? {} : { cause: reason }),
      redriveStatus: "NOT_REDRIVABLE",
      redriveStatusReason: "The embedded cloud does not redrive executions",
    };
  },
);

function listItem(record: ExecutionRecord): Record<string, unknown> {
  return {
    executionArn: record.executionArn,
    stateMachineArn: record.stateMachineArn,
    name: record.name,
    status: record.status,
    startDate: epochSeconds(record.startDateMs),
    ...(record.stopDateMs === undefined ? {} : { stopDate: epochSeconds(record.stopDateMs) }),
    redriveCount: 0,
  };
}

const ListExecutions = operation(
  "ListExecutions",
  z.strictObject({ stateMachineArn, statusFilter: z.enum(EXECUTION_STATUSES).optional(), ...paging }),
  ofMachine,
  (request, { executions, machines }) => {
    machines.get(request.stateMachineArn);
    const all = executions.list(request.stateMachineArn);
    const { statusFilter } = request;
    const wanted = statusFilter === undefined ? all : all.filter((record) => record.status === statusFilter);
    const { items, ...more } = page(wanted, request);
    return { executions: items.map(listItem), ...more };
  },
);

const GetExecutionHistory = operation(
  "GetExecutionHistory",
  z.strictObject({
    executionArn,
    reverseOrder: z.boolean().optional(),
    includeExecutionData: z.boolean().optional(),
    ...paging,
  }),
  ofExecution,
  (request, { executions }) => {
    const events = executions.history(request.executionArn);
    const { items, ...more } = page(request.reverseOrder === true ? events.toReversed() : events, request);
    return { events: items.map((event) => wireEvent(event, request.includeExecutionData ?? true)), ...more };
  },
);

const DescribeStateMachine = operation(
  "DescribeStateMachine",
  z.strictObject({ stateMachineArn, includedData: z.enum(["ALL_DATA", "METADATA_ONLY"]).optional() }),
  ofMachine,
  (request, { machines }) => {
    const found = machines.get(request.stateMachineArn);
    return {
      ...machineItem(found),
      status: "ACTIVE",
      ...(request.includedData === "METADATA_ONLY" ? {} : { definition: found.definition }),
      roleArn: found.roleArn,
      loggingConfiguration: { level: "ALL", includeExecutionData: true },
      tracingConfiguration: { enabled: false },
    };
  },
);

function machineItem(machine: StateMachine): Record<string, unknown> {
  return {
    stateMachineArn: machine.arn,
    name: machine.name,
    type: "STANDARD",
    creationDate: epochSeconds(machine.creationDateMs),
  };
}

const ListStateMachines = operation(
  "ListStateMachines",
  z.strictObject(paging),
  anyResource,
  (request, { machines }) => {
    const { items, ...more } = page(machines.all(), request);
    return { stateMachines: items.map(machineItem), ...more };
  },
);

const CreateStateMachine = operation(
  "CreateStateMachine",
  z.strictObject({
    name: z.string().regex(/^[A-Za-z0-9_-]{1,80}$/),
    definition: longest(MAX_DEFINITION_BYTES),
    roleArn: z.string().min(1),
    type: z.literal("STANDARD").optional(),
    tags: z.array(z.strictObject({ key: z.string(), value: z.string() })).optional(),
  }),
  (request, { machines }) => machines.arnOf(request.name),
  (request, { machines, context }, caller) => {
    const { name, definition, roleArn } = request;
    // The machine acts as this role: who may create machines is not thereby every role.
    const passed = { "iam:PassedToService": "states.amazonaws.com" };
    context.iam.authorize({ caller, action: "iam:PassRole", resource: roleArn, context: passed });
    const existing = machines.find(machines.arnOf(name));
    if (existing !== undefined) {
      if (existing.definition === definition && existing.roleArn === roleArn) return creation(existing);
      throw new AwsFault("StateMachineAlreadyExists", `State Machine Already Exists: '${existing.arn}'`);
    }
    const tags = Object.fromEntries((request.tags ?? []).map(({ key, value }) => [key, value]));
    try {
      return creation(machines.create({ name, definition, roleArn, tags }));
    } catch (fault) {
      throw definitionFault(fault);
    }
  },
);

function creation(machine: StateMachine): object {
  return { stateMachineArn: machine.arn, creationDate: epochSeconds(machine.creationDateMs) };
}

const ValidateStateMachineDefinition = operation(
  "ValidateStateMachineDefinition",
  z.strictObject({ definition: longest(MAX_DEFINITION_BYTES), type: z.literal("STANDARD").optional() }),
  anyResource,
  (request) => {
    const diagnostics = checkDefinition(request.definition).map((fault) => ({
      severity: "ERROR",
      code: fault.code,
      message: fault.message,
      location: fault.state === undefined ? "/" : `/States/${fault.state}/${fault.field}`,
    }));
    return { result: diagnostics.length === 0 ? "OK" : "FAIL", diagnostics, truncated: false };
  },
);

const SendTaskSuccess = operation(
  "SendTaskSuccess",
  z.strictObject({ taskToken: z.string().min(1).max(2048), output: payload }),
  anyResource,
  (request, { executions }) => {
    assertOutput(request.output);
    executions.tokens.settle(request.taskToken, { kind: "success", outputJson: request.output });
    return {};
  },
);

function assertOutput(output: string): void {
  const invalid = (why: string): AwsFault => new AwsFault("InvalidOutput", `Invalid Output: '${why}'`);
  if (exceedsBytes(output, MAX_PAYLOAD_BYTES)) throw invalid(`larger than ${MAX_PAYLOAD_BYTES} bytes`);
  try {
    JSON.parse(output);
  } catch (fault) {
    throw invalid(fault instanceof Error ? fault.message : String(fault));
  }
}

const SendTaskFailure = operation(
  "SendTaskFailure",
  z.strictObject({ taskToken: z.string().min(1).max(2048), error, cause }),
  anyResource,
  (request, { executions }) => {
    executions.tokens.settle(request.taskToken, { kind: "failure", error: request.error, cause: request.cause });
    return {};
  },
);

const SendTaskHeartbeat = operation(
  "SendTaskHeartbeat",
  z.strictObject({ taskToken: z.string().min(1).max(2048) }),
  anyResource,
  (request, { executions }) => {
    executions.tokens.heartbeat(request.taskToken);
    return {};
  },
);

/** Every modelled operation by name. */
export const OPERATIONS: ReadonlyMap<string, Operation> = new Map(
  Object.entries({
    StartExecution,
    StopExecution,
    DescribeExecution,
    ListExecutions,
    GetExecutionHistory,
    DescribeStateMachine,
    ListStateMachines,
    CreateStateMachine,
    ValidateStateMachineDefinition,
    SendTaskSuccess,
    SendTaskFailure,
    SendTaskHeartbeat,
  }),
);
