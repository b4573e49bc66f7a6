import { CountersignError } from "../../errors.js";
import type { HoldableClock } from "../clock.js";
import type { StreamSource } from "../dynamodb/streams.js";
import type { FaultSwitch, FaultyCaller } from "../faults.js";
import { logFile } from "../log-file.js";
import {
  type AwsCall,
  AwsFault,
  type AwsReply,
  type Caller,
  type CloudContext,
  type CreatedResource,
  type Engine,
  FunctionError,
  type FunctionInvoker,
  type PolicyStatement,
  type ResourceFactory,
  type ResourceRequest,
} from "../types.js";
import type { Sessions } from "../wire/sessions.js";
import { AsyncQueue } from "./async.js";
import { CodeStore } from "./code.js";
import { type FunctionConfiguration, functionConfiguration } from "./configuration.js";
import { childEnvironment } from "./environment.js";
import { EventSourcePoller, eventSource, READ_STREAM } from "./event-source.js";
import { functionName, notFound } from "./names.js";
import { type Outcome, runtimeFailed } from "./outcome.js";
import { type AsyncSettings, asyncSettings, DEFAULT_ASYNC_SETTINGS, permissionStatement } from "./permission.js";
import { FunctionPool } from "./pool.js";
import { MAX_ASYNC_PAYLOAD_BYTES, MAX_PAYLOAD_BYTES, RuntimeApi } from "./runtime-api.js";
import { Worker } from "./worker.js";

const DRAIN_POLL_MS = 20;

export interface LambdaOptions {
  readonly context: CloudContext;
  readonly clock: HoldableClock;
  readonly clockStandsStill: boolean;
  readonly sessions: Sessions;
  readonly streams: StreamSource;
  assetFolder(bucket: string, key: string): string;
  /** whether the role's trust policy lets Lambda assume it for this function */
  mayAssume(roleArn: string, functionArn: string): boolean;
  /** variables added to a function's environment on this machine */
  functionEnvironment(name: string, environment: Readonly<Record<string, string>>): Readonly<Record<string, string>>;
  readonly faults?: FaultSwitch;
  readonly host?: FunctionHost;
}

/** Where a function runs: in child processes, unless a host takes it. */
export type Runner = Pick<FunctionPool, "invoke" | "stopBusy" | "close">;
export type FunctionHost = (configuration: FunctionConfiguration) => Runner | undefined;

interface LocalFunction {
  readonly configuration: FunctionConfiguration;
  readonly pool: Runner;
  readonly policy: PolicyStatement[];
  asyncSettings: AsyncSettings;
}

/** AWS Lambda: the functions' real bundles in child processes. */
export class LambdaEngine implements Engine, FunctionInvoker {
  readonly service = "lambda";
  readonly resources: Readonly<Record<string, ResourceFactory>> = {
    "AWS::Lambda::Function": (request) => this.createFunction(request),
    "AWS::Lambda::Permission": (request) => this.createPermission(request),
    "AWS::Lambda::EventInvokeConfig": (request) => this.createEventInvokeConfig(request),
    "AWS::Lambda::EventSourceMapping": (request) => this.createEventSourceMapping(request),
  };
  private readonly functions = new Map<string, LocalFunction>();
  private readonly runtimeApi = new RuntimeApi();
  private readonly code = new CodeStore();
  private readonly asyncQueue: AsyncQueue;
  private readonly pollers: EventSourcePoller[] = [];
  /** invocations not yet answered */
  private underWay = 0;
  /** by the access key of its session */
  private readonly children = new Map<string, FaultyCaller>();

  constructor(private readonly options: LambdaOptions) {
    this.asyncQueue = new AsyncQueue(options.clock, (line) => options.context.log(line));
  }

  /** Opens the Runtime API; before the first invocation. */
  async start(): Promise<void> {
    await this.runtimeApi.listen();
  }

  async invoke(functionArn: string, payload: unknown, caller: Caller): Promise<unknown> {
    const found = this.authorized(functionArn, caller);
    const outcome = await this.run(found, JSON.stringify(payload ?? null), "refuse", caller);
    if (!outcome.ok) throw new FunctionError(outcome.errorType, outcome.errorMessage, outcome.json);
    return parseAnswer(outcome.json);
  }

  /** An asynchronous invocation, as events and `InvocationType: Event` make: accepted now, run and repeated later. */
  invokeLater(functionArn: string, payload: unknown, caller: Caller): void {
    const found = this.authorized(functionArn, caller);
    this.enqueue(found, JSON.stringify(payload ?? null), caller);
  }

  /** The running child with this access key. */
  childOf(accessKeyId: string): FaultyCaller | undefined {
    return this.children.get(accessKeyId);
  }

  async handle(call: AwsCall): Promise<AwsReply> {
    const reference = /^\/2015-03-31\/functions\/(.+)\/invocations$/.exec(call.path)?.[1];
    if (call.method !== "POST" || reference === undefined) {
      throw new AwsFault(
        "UnknownOperationException",
        `lambda: ${call.method} ${call.path} is not modelled; there is Invoke`,
        404,
      );
    }
    const qualifier = call.query.get("Qualifier");
    if (qualifier !== null && qualifier !== "$LATEST") throw notFound(`${reference}:${qualifier}`);
    if (call.headers["x-amz-log-type"] === "Tail")
      throw new AwsFault("InvalidParameterValueException", "LogType Tail is not modelled; see the function's log file");
    const found = this.authorized(reference, call.caller);
    if (call.body.length > MAX_PAYLOAD_BYTES)
      throw new AwsFault(
        "RequestTooLargeException",
        `Request must be smaller than ${MAX_PAYLOAD_BYTES} bytes for the InvokeFunction operation`,
        413,
      );
    const payload = requestPayload(call.body);
    const type = call.headers["x-amz-invocation-type"] ?? "RequestResponse";
    if (type === "DryRun") return { status: 204 };
    if (type === "Event") {
      this.enqueue(found, payload, call.caller);
      return { status: 202 };
    }
    if (type !== "RequestResponse")
      throw new AwsFault(
        "InvalidParameterValueException",
        `InvocationType ${type} is none of RequestResponse, Event, DryRun`,
      );
    const outcome = await this.run(found, payload, "refuse", call.caller);
    const headers: Record<string, string> = { "x-amz-executed-version": "$LATEST", "content-type": "application/json" };
    if (!outcome.ok) headers["x-amz-function-error"] = "Unhandled";
    return { status: 200, headers, body: outcome.json };
  }

  /** Drops invocations under way and waiting; idle children stay warm, as on Lambda. */
  async reset(): Promise<void> {
    this.asyncQueue.clear();
    for (const poller of this.pollers) poller.reset();
    for (const { pool } of this.functions.values()) pool.stopBusy();
  }

  async close(): Promise<void> {
    this.asyncQueue.clear();
    for (const poller of this.pollers) poller.close();
    await Promise.all([...this.functions.values()].map(({ pool }) => pool.close()));
    await this.runtimeApi.close();
    this.code.close();
  }

  private authorized(reference: string, caller: Caller): LocalFunction {
    const name = functionName(reference);
    const { region, accountId, iam } = this.options.context;
    const found = this.functions.get(name);
    const resource = found?.configuration.arn ?? `arn:aws:lambda:${region}:${accountId}:function:${name}`;
    const qualified = reference.endsWith(":$LATEST") ? `${resource}:$LATEST` : resource;
    const policy =
      found && found.policy.length > 0 ? { resourcePolicy: { Version: "2012-10-17", Statement: found.policy } } : {};
    iam.authorize({ caller, action: "lambda:InvokeFunction", resource: qualified, ...policy });
    if (!found) throw notFound(resource);
    return found;
  }

  /** Resolves when no invocation is under way or waiting, at the latest after `patienceMs` (real time). */
  async drained(patienceMs: number): Promise<void> {
    const giveUpAtMs = Date.now() + patienceMs;
    while (this.underWay > 0 && Date.now() < giveUpAtMs)
      await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
  }

  private run(
    found: LocalFunction,
    payload: string,
    whenFull: "refuse" | "wait",
    { service, principalArn }: Pick<Caller, "service" | "principalArn">,
  ): Promise<Outcome> {
    const { clock, faults } = this.options;
    const work = async () => {
      const release = clock.hold();
      this.underWay++;
      try {
        return await found.pool.invoke(payload, whenFull);
      } finally {
        this.underWay--;
        release();
      }
    };
    if (faults === undefined) return work();
    const from = service ?? principalArn.slice(principalArn.lastIndexOf("/") + 1);
    return faults.invocation(from, found.configuration.name, clock, work);
  }

  private enqueue(found: LocalFunction, payload: string, caller: Caller): void {
    const sizeBytes = Buffer.byteLength(payload);
    if (sizeBytes > MAX_ASYNC_PAYLOAD_BYTES)
      throw new AwsFault(
        "RequestTooLargeException",
        `${sizeBytes} byte payload is too large for the Event invocation type (limit ${MAX_ASYNC_PAYLOAD_BYTES} bytes)`,
        413,
      );
    this.asyncQueue.add({
      name: found.configuration.name,
      settings: found.asyncSettings,
      attempt: () => this.run(found, payload, "wait", caller),
    });
  }

  private createFunction(request: ResourceRequest): CreatedResource {
    const { context, assetFolder } = this.options;
    const where = { region: context.region, accountId: context.accountId, assetFolder };
    const configuration = functionConfiguration(request, where);
    const { name, arn } = configuration;
    if (this.functions.has(name))
      throw new CountersignError("CS-4012", `there are two functions with the name ${name}; names must differ`);
    if (!this.options.mayAssume(configuration.roleArn, arn)) {
      throw new CountersignError(
        "CS-4013",
        `function ${name}: the role ${configuration.roleArn} cannot be assumed by Lambda; trust lambda.amazonaws.com in it`,
      );
    }
    const taskRoot = this.code.taskRoot(configuration);
    const output = this.outputOf(name);
    const pool =
      this.options.host?.(configuration) ??
      new FunctionPool(
        (exited) => this.startWorker(configuration, taskRoot, output, exited),
        configuration.reservedConcurrency,
      );
    this.functions.set(name, { configuration, pool, policy: [], asyncSettings: DEFAULT_ASYNC_SETTINGS });
    return { ref: name, attributes: { Arn: arn } };
  }

  private startWorker(
    configuration: FunctionConfiguration,
    taskRoot: string,
    output: (text: string) => void,
    exited: (worker: Worker) => void,
  ): Worker {
    const { context, clock, clockStandsStill, sessions, functionEnvironment } = this.options;
    const { credentials } = sessions.issue(configuration.roleArn, configuration.name);
    const environment = childEnvironment({
      configuration,
      credentials,
      region: context.region,
      endpoint: context.endpoint(),
      taskRoot,
      extra: functionEnvironment(configuration.name, configuration.environment),
    });
    const worker = new Worker({
      configuration,
      runtimeApi: this.runtimeApi,
      clock,
      clockStandsStill,
      taskRoot,
      environment,
      output,
      ended: () => {
        sessions.revoke(credentials.accessKeyId);
        this.children.delete(credentials.accessKeyId);
      },
      exited,
    });
    this.children.set(credentials.accessKeyId, {
      functionName: configuration.name,
      kill: () => worker.stop(runtimeFailed("Runtime.ExitError", "Error: Runtime exited with error: signal: killed")),
    });
    return worker;
  }

  /** What a function prints: a file per function in the data folder, else the cloud's log. */
  private outputOf(name: string): (text: string) => void {
    const { dataDir, log } = this.options.context;
    return dataDir === undefined ? (text) => log(`[${name}] ${text.trimEnd()}`) : logFile(dataDir, name);
  }

  private createPermission(request: ResourceRequest): CreatedResource {
    const { functionReference, statement } = permissionStatement(
      request,
      (reference) => this.named(reference, request).configuration.arn,
    );
    this.named(functionReference, request).policy.push(statement);
    return { ref: request.defaultName, attributes: { Id: request.defaultName } };
  }

  private createEventInvokeConfig(request: ResourceRequest): CreatedResource {
    const { functionReference, settings } = asyncSettings(request);
    this.named(functionReference, request).asyncSettings = settings;
    return { ref: request.defaultName, attributes: {} };
  }

  /** Lambda reads the stream in the function's own name and invokes it in its own. */
  private createEventSourceMapping(request: ResourceRequest): CreatedResource {
    const { streams, clock, context } = this.options;
    const source = eventSource(request, streams);
    const found = this.named(source.functionReference, request);
    const { roleArn, name } = found.configuration;
    const caller = { principalArn: roleArn, sessionArn: roleArn, accountId: context.accountId };
    const missing = READ_STREAM.filter(
      (action) => !context.iam.evaluate({ caller, action: `dynamodb:${action}`, resource: source.streamArn }).allowed,
    );
    if (missing.length > 0)
      throw new CountersignError(
        "CS-4014",
        `${request.stackName}/${request.logicalId}: the role of function ${name} lacks dynamodb:${missing.join(", dynamodb:")} on ${source.streamArn}; grant them, and let the mapping depend on the policy`,
      );
    const invoke = (payload: string) =>
      this.run(found, payload, "wait", { service: "lambda.amazonaws.com", principalArn: "" });
    this.pollers.push(new EventSourcePoller(source, streams, clock, invoke, (line) => context.log(line)));
    return { ref: request.defaultName, attributes: { Id: request.defaultName } };
  }

  private named(reference: string, request: ResourceRequest): LocalFunction {
    const found = this.functions.get(functionName(reference));
    if (found) return found;
    throw new CountersignError(
      "CS-4011",
      `${request.stackName}/${request.logicalId}: there is no function ${reference}`,
    );
  }
}

function requestPayload(body: Buffer): string {
  const text = body.length === 0 ? "{}" : body.toString("utf8");
  try {
    JSON.parse(text);
  } catch (error) {
    throw new AwsFault("InvalidRequestContentException", `Could not parse request body into json: ${String(error)}`);
  }
  return text;
}

function parseAnswer(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    const errorMessage = "the function's answer is no JSON";
    throw new FunctionError(
      "Runtime.MarshalError",
      errorMessage,
      JSON.stringify({ errorType: "Runtime.MarshalError", errorMessage }),
    );
  }
}
