import { CountersignError } from "../errors.js";
import { ApiGatewayEngine } from "./apigateway/engine.js";
import { type HoldableClock, realClock } from "./clock.js";
import { CloudFormationEngine, StsEngine } from "./cloudformation.js";
import { Streams } from "./dynamodb/streams.js";
import { createEngines, type EngineOptions, type Engines } from "./engines.js";
import { EventsEngine } from "./events/engine.js";
import type { FaultSwitch } from "./faults.js";
import { createIamCheck, createIamRoles, type IamRoles } from "./iam/index.js";
import { type FunctionHost, LambdaEngine } from "./lambda/engine.js";
import { logFile } from "./log-file.js";
import { SchedulerEngine } from "./scheduler/engine.js";
import { type Assembly, readAssembly } from "./template/assembly.js";
import { type DeployedStack, deploy } from "./template/deploy.js";
import type { Caller, CloudContext, Engine, IamDirectory, PolicyDocument, ResourceFactory } from "./types.js";
import { type Credentials, Sessions } from "./wire/sessions.js";
import { type WebHandler, Wire } from "./wire/wire.js";

export interface CloudOptions extends EngineOptions {
  /** path of `cdk.out` */
  readonly assembly: string;
  /** stacks to deploy, with those they depend on; all when left out */
  readonly stacks?: readonly string[];
  /** 0, the default, takes any free port */
  readonly port?: number;
  /** folder for what outlives the process; without it everything stays in memory */
  readonly dataDir?: string;
  /** the machine's clock when left out */
  readonly clock?: HoldableClock;
  /** outside host → loopback base URL, for the functions' tools: `{"api.stripe.com": "http://127.0.0.1:4701"}` */
  readonly hosts?: Readonly<Record<string, string>>;
  /** variables added to a function's environment on this machine */
  readonly functionEnvironment?: (
    functionName: string,
    environment: Readonly<Record<string, string>>,
  ) => Readonly<Record<string, string>>;
  /** `false`: rules and schedules at a rate never fire, so that skipped time does not run them for hours on end */
  readonly schedules?: boolean;
  /** further engines, each for a signing name of its own */
  readonly engines?: (context: CloudContext) => readonly Engine[];
  /**
   * Roles outside the templates, by name, with their identity policies: a developer on this machine, as an administrator is on
   * an AWS account. Their ARN is `arn:aws:iam::<account>:role/<name>`.
   */
  readonly people?: Readonly<Record<string, readonly PolicyDocument[]>>;
  /** answers what no route of the templates' HTTP APIs answers */
  readonly console?: (cloud: Cloud) => WebHandler;
  /** makes calls fail on purpose, for tests */
  readonly faults?: FaultSwitch;
  /** runs functions elsewhere than in child processes, for tests */
  readonly host?: FunctionHost;
  /** takes the cloud's own log; the default is `<dataDir>/logs/cloud.log` */
  readonly log?: (line: string) => void;
}

/** A running embedded cloud. */
export interface Cloud extends Engines {
  /** `http://127.0.0.1:<port>`: AWS_ENDPOINT_URL for clients, and the root of HTTP API and console */
  readonly endpoint: string;
  readonly context: CloudContext;
  readonly roles: IamRoles;
  readonly lambda: LambdaEngine;
  readonly stacks: readonly DeployedStack[];
  /** the engine of a signing name, e.g. `states` */
  engine(service: string): Engine | undefined;
  /** output key → value. @throws CountersignError CS-4004 */
  outputs(stackName: string): Readonly<Record<string, string>>;
  /** new credentials of a role session. @throws CountersignError CS-4003 for a role that neither template nor `people` has */
  credentialsFor(roleArn: string, sessionName?: string): Credentials;
  /** drops all data and everything under way; resources stay */
  reset(): Promise<void>;
  /** ends every child process and closes the port; may be called again */
  close(): Promise<void>;
}

/**
 * Deploys a synthesised assembly on this machine.
 *
 * @throws CountersignError CS-12xx for an assembly or template it cannot run, CS-4001 for a taken port, and what an engine
 *   says of its stored data
 */
export async function startCloud(options: CloudOptions): Promise<Cloud> {
  const running = new RunningCloud(readAssembly(options.assembly, options.stacks), options);
  try {
    return await running.start();
  } catch (error) {
    await running.close();
    throw error;
  }
}

class RunningCloud {
  private readonly sessions = new Sessions();
  private readonly clock: HoldableClock;
  private readonly roles: IamRoles;
  private readonly context: CloudContext;
  private readonly wire: Wire;
  private readonly lambda: LambdaEngine;
  private readonly events: EventsEngine;
  private readonly scheduler: SchedulerEngine;
  private readonly streams: Streams;
  private readonly web: WebHandler[] = [];
  private readonly byService = new Map<string, Engine>();
  /** the engines that start work: they stop first */
  private workers: readonly Engine[];
  /** the engines that only answer */
  private servers: readonly Engine[] = [];
  private closing: Promise<void> | undefined;

  constructor(
    private readonly assembly: Assembly,
    private readonly options: CloudOptions,
  ) {
    const { accountId, region } = assembly;
    this.clock = options.clock ?? realClock();
    const environment = { accountId, region, now: () => this.clock.now() };
    this.roles = createIamRoles(environment);
    this.context = {
      accountId,
      region,
      clock: this.clock,
      iam: createIamCheck(directoryOf(this.roles, options.people ?? {}, accountId), environment),
      functions: { invoke: (functionArn, payload, caller) => this.lambda.invoke(functionArn, payload, caller) },
      endpoint: () => this.wire.endpoint,
      publish: (event) => this.events.publish(event),
      log: options.log ?? cloudLog(options.dataDir, this.clock),
      ...(options.dataDir === undefined ? {} : { dataDir: options.dataDir }),
    };
    const { port = 0, faults } = options;
    const log = (line: string) => this.context.log(line);
    this.wire = new Wire({
      port,
      region,
      clock: this.clock,
      sessions: this.sessions,
      engines: this.byService,
      web: this.web,
      ...(faults === undefined
        ? {}
        : { faults: { switch: faults, callerOf: (accessKeyId) => this.lambda.childOf(accessKeyId) } }),
      log,
    });
    this.streams = new Streams(this.clock, region);
    this.lambda = this.createLambda();
    const invokeLater = (arn: string, payload: unknown, caller: Caller) =>
      this.lambda.invokeLater(arn, payload, caller);
    this.events = new EventsEngine(this.context, invokeLater);
    this.scheduler = new SchedulerEngine(this.context, invokeLater, (roleArn, groupArn) =>
      this.roles.mayAssume(roleArn, "scheduler.amazonaws.com", groupArn),
    );
    this.workers = [this.events, this.scheduler, this.lambda];
  }

  async start(): Promise<Cloud> {
    // First of all the port: whoever finds it taken must not touch the data of the cloud that has it.
    await this.wire.listen();
    await this.lambda.start();
    const { context, options } = this;
    const named = await createEngines(context, options, this.streams);
    const api = new ApiGatewayEngine(context);
    const cloudFormation = new CloudFormationEngine(context);
    const extra = options.engines?.(context) ?? [];
    const { states, ...data } = named;
    this.workers = [states, this.events, this.scheduler, this.lambda];
    this.servers = [api, ...Object.values(data), ...extra, cloudFormation, new StsEngine()];
    for (const engine of this.engines()) this.byService.set(engine.service, engine);
    const stacks = await this.deploy();
    cloudFormation.show(stacks);
    const cloud = this.describe(named, stacks);
    this.web.push(api.web);
    if (options.console) this.web.push(options.console(cloud));
    if (options.schedules !== false) this.events.start();
    this.scheduler.start(options.schedules !== false);
    named.states.executions.recover();
    return cloud;
  }

  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  private createLambda(): LambdaEngine {
    return new LambdaEngine({
      context: this.context,
      clock: this.clock,
      clockStandsStill: "advanceTo" in this.clock,
      sessions: this.sessions,
      streams: this.streams,
      assetFolder: (bucket, key) => this.assembly.assetFolder(bucket, key),
      mayAssume: (roleArn, functionArn) => this.roles.mayAssume(roleArn, "lambda.amazonaws.com", functionArn),
      functionEnvironment: (name, environment) => functionEnvironment(this.options, name, environment),
      ...(this.options.faults === undefined ? {} : { faults: this.options.faults }),
      ...(this.options.host === undefined ? {} : { host: this.options.host }),
    });
  }

  private deploy(): Promise<DeployedStack[]> {
    const factories = new Map<string, ResourceFactory>(Object.entries(this.roles.resources));
    for (const engine of this.engines()) {
      for (const [type, factory] of Object.entries(engine.resources)) factories.set(type, factory);
    }
    return deploy(this.assembly, factories);
  }

  private describe(named: Engines, stacks: readonly DeployedStack[]): Cloud {
    const { context, roles, lambda, wire } = this;
    return {
      ...named,
      context,
      roles,
      lambda,
      stacks,
      endpoint: wire.endpoint,
      engine: (service) => this.byService.get(service),
      outputs: (stackName) => outputsOf(stacks, stackName),
      credentialsFor: (roleArn, sessionName = "local") => this.credentialsFor(roleArn, sessionName),
      reset: () => this.reset(),
      close: () => this.close(),
    };
  }

  private engines(): readonly Engine[] {
    return [...this.workers, ...this.servers];
  }

  private async reset(): Promise<void> {
    for (const engine of this.workers) await engine.reset();
    // What a function asked for before it was stopped must not be written after the data is gone.
    await this.wire.settled();
    for (const engine of this.servers) await engine.reset();
  }

  private async end(): Promise<void> {
    const stopped = await settleEach(this.workers, (engine) => engine.close());
    await this.wire.close();
    await this.wire.settled();
    const ended = await settleEach(this.servers, (engine) => engine.close());
    for (const result of [...stopped, ...ended]) if (result.status === "rejected") throw result.reason;
  }

  private credentialsFor(roleArn: string, sessionName: string): Credentials {
    const isPerson = Object.keys(this.options.people ?? {}).some(
      (name) => roleArn === personArn(name, this.context.accountId),
    );
    if (!isPerson && !this.roles.role(roleArn)) {
      throw new CountersignError(
        "CS-4003",
        `no deployed template has a role ${roleArn}; see the stacks' outputs for the roles of people`,
      );
    }
    return this.sessions.issue(roleArn, sessionName).credentials;
  }
}

function outputsOf(stacks: readonly DeployedStack[], stackName: string): Record<string, string> {
  const stack = stacks.find((each) => each.name === stackName);
  if (!stack) {
    const names = stacks.map((each) => each.name).join(", ");
    throw new CountersignError("CS-4004", `there is no stack ${stackName} in the local cloud; there is ${names}`);
  }
  return Object.fromEntries(stack.outputs.map((output) => [output.key, output.value]));
}

/** One after the other, and on to the next when one fails. */
async function settleEach(engines: readonly Engine[], act: (engine: Engine) => Promise<void>) {
  const results: PromiseSettledResult<void>[] = [];
  for (const engine of engines) results.push(...(await Promise.allSettled([act(engine)])));
  return results;
}

const personArn = (name: string, accountId: string): string => `arn:aws:iam::${accountId}:role/${name}`;

function directoryOf(roles: IamRoles, people: NonNullable<CloudOptions["people"]>, accountId: string): IamDirectory {
  const byArn = new Map(Object.entries(people).map(([name, policies]) => [personArn(name, accountId), policies]));
  return { policiesOf: (principalArn) => roles.directory.policiesOf(principalArn) ?? byArn.get(principalArn) };
}

function functionEnvironment(
  options: CloudOptions,
  name: string,
  environment: Readonly<Record<string, string>>,
): Record<string, string> {
  const hosts = options.hosts === undefined ? {} : { COUNTERSIGN_LOCAL_HOSTS: JSON.stringify(options.hosts) };
  return { ...hosts, ...options.functionEnvironment?.(name, environment) };
}

function cloudLog(dataDir: string | undefined, clock: HoldableClock): (line: string) => void {
  if (dataDir === undefined) return () => {};
  const write = logFile(dataDir, "cloud");
  return (line) => write(`${new Date(clock.now()).toISOString()} ${line}\n`);
}
