/**
 * Faults on purpose, at every call between functions and engines: a test arms the switch, the embedded cloud asks it. Nothing in
 * the product knows of it; without a switch the cloud behaves as always.
 *
 * A point is one call of a run: who calls, what is called, and the how manieth such call it is. So a clean run gives the list of
 * points, and each can then fail on its own.
 */
import { type Outcome, runtimeFailed } from "./lambda/outcome.js";
import { type AwsCall, AwsFault, type AwsReply, type Clock } from "./types.js";

/** Faults of a call that a function makes to an engine. */
export const CALL_FAULTS = [
  /** the function dies; the engine never sees the call */
  "crash-before",
  /** the engine has done it; the function dies before it hears of it */
  "crash-after",
  /** the engine gets the request twice */
  "twice",
  /** the answer comes late, so that what was asked beside it comes first */
  "delay",
  /** the engine is too busy, once: the SDK asks again */
  "throttle",
  /** the connection breaks before the engine sees the call: the SDK asks again */
  "reset-before",
  /** the connection breaks after the engine has done it: the SDK asks again */
  "reset-after",
  /** an error that no SDK repeats, with nothing done */
  "fail-before",
  /** an error that no SDK repeats, though the engine has done it */
  "fail-after",
] as const;
/** Faults of a function's invocation. */
export const INVOKE_FAULTS = [
  /** the function dies before it begins */
  "crash-before",
  /** the function has done its work; its answer is lost with its process */
  "crash-after",
  /** delivered, and once more after its answer; the caller hears the second */
  "twice",
  /** delivered two times at once; the caller hears the first that was delivered */
  "twice-at-once",
  /** the answer comes late */
  "delay",
  /** the caller gives up at once, the function runs ten seconds later */
  "late",
  /** the caller gives up at once, the function runs an hour later */
  "very-late",
  /** Lambda answers 429 */
  "throttle",
  /** the caller's connection breaks before the function begins */
  "reset-before",
  /** the caller's connection breaks after the function has done its work */
  "reset-after",
] as const;
export type CallFault = (typeof CALL_FAULTS)[number];
export type InvokeFault = (typeof INVOKE_FAULTS)[number];

export interface FaultPoint {
  readonly kind: "call" | "invoke";
  /** function name; for invocations also the name of a role or service */
  readonly from: string;
  /** `dynamodb.GetItem`, or a function's name */
  readonly to: string;
  /** from 1 */
  readonly nth: number;
}
/** Answers the fault of a point; undefined lets it pass. */
export interface FaultPlan {
  call(point: FaultPoint): CallFault | undefined;
  invoke(point: FaultPoint): InvokeFault | undefined;
}
/** The running function that makes a call. */
export interface FaultyCaller {
  readonly functionName: string;
  /** ends its process: what it asks for from now on is not granted */
  kill(): void;
}

/** Nobody is left to answer, or the way back is cut. */
export class ConnectionLost extends Error {
  override readonly name = "ConnectionLost";
}

const DELAY_MS = 25;
const LATE_MS = { late: 10_000, "very-late": 3_600_000 } as const;
const NO_FAULTS: FaultPlan = { call: () => undefined, invoke: () => undefined };

export class FaultSwitch {
  private plan = NO_FAULTS;
  private readonly counts = new Map<string, number>();
  private readonly points: FaultPoint[] = [];
  private readonly struck: string[] = [];
  private readonly delays = new Set<Promise<void>>();

  /** Counts points anew, with this plan; without one nothing fails. */
  arm(plan: FaultPlan = NO_FAULTS): void {
    this.plan = plan;
    this.counts.clear();
    this.points.length = 0;
    this.struck.length = 0;
  }

  /** What was called since `arm`, in order. */
  get seen(): readonly FaultPoint[] {
    return this.points;
  }

  /** What failed since `arm`: `<point>: <fault>`. */
  get fired(): readonly string[] {
    return this.struck;
  }

  /** Resolves when no answer is held back any more; false when none was. A clock that skips time does not see them. */
  async delivered(): Promise<boolean> {
    if (this.delays.size === 0) return false;
    await Promise.all(this.delays);
    return true;
  }

  /** A function's call to an engine. @throws ConnectionLost when nobody is to be answered */
  async call(caller: FaultyCaller, call: AwsCall, work: () => Promise<AwsReply>): Promise<AwsReply> {
    const point = this.point("call", caller.functionName, operationOf(call));
    const fault = this.strike(point, this.plan.call(point));
    switch (fault) {
      case undefined:
        return work();
      case "crash-before":
        caller.kill();
        throw new ConnectionLost();
      case "crash-after":
        await work().finally(() => caller.kill());
        throw new ConnectionLost();
      case "twice": {
        const first = await work();
        await work().catch(ignoreFault);
        return first;
      }
      case "delay":
        return work().finally(() => this.delay());
      case "throttle":
        throw throttled(call.service);
      case "reset-before":
        throw new ConnectionLost();
      case "reset-after":
        await work().catch(ignoreFault);
        throw new ConnectionLost();
      case "fail-before":
        throw failed();
      case "fail-after":
        await work().catch(ignoreFault);
        throw failed();
    }
  }

  /** A function's invocation, whoever makes it. `clock` counts the lateness. */
  async invocation(from: string, to: string, clock: Clock, work: () => Promise<Outcome>): Promise<Outcome> {
    const point = this.point("invoke", from, to);
    const fault = this.strike(point, this.plan.invoke(point));
    switch (fault) {
      case undefined:
        return work();
      case "crash-before":
        return crashed();
      case "crash-after":
        await work();
        return crashed();
      case "twice":
        await work();
        return work();
      case "twice-at-once": {
        const [first] = await Promise.all([work(), work()]);
        return first;
      }
      case "delay":
        return work().finally(() => this.delay());
      case "late":
      case "very-late":
        clock.at(clock.now() + LATE_MS[fault], () => void work().catch(ignoreFault));
        throw unreachable();
      case "throttle":
        throw new AwsFault("TooManyRequestsException", "Rate Exceeded.", 429);
      case "reset-before":
        throw unreachable();
      case "reset-after":
        await work();
        throw unreachable();
    }
  }

  private async delay(): Promise<void> {
    const over = new Promise<void>((done) => setTimeout(done, DELAY_MS));
    this.delays.add(over);
    await over;
    this.delays.delete(over);
  }

  private point(kind: FaultPoint["kind"], from: string, to: string): FaultPoint {
    const key = `${kind} ${from} ${to}`;
    const nth = (this.counts.get(key) ?? 0) + 1;
    this.counts.set(key, nth);
    const point = { kind, from, to, nth };
    this.points.push(point);
    return point;
  }

  private strike<F extends string>(point: FaultPoint, fault: F | undefined): F | undefined {
    if (fault !== undefined) this.struck.push(`${pointName(point)}: ${fault}`);
    return fault;
  }
}

/** `decide → dynamodb.GetItem #2` */
export const pointName = ({ from, to, nth }: FaultPoint): string => `${from} → ${to} #${nth}`;

/** What an operation is called where the protocol does not say it: REST services name it by method and path. */
export function operationOf({ service, operation, method, path }: AwsCall): string {
  if (operation !== undefined) return `${service}.${operation}`;
  const [, functionName] = /\/functions\/([^/]+)\/invocations$/.exec(path) ?? [];
  if (functionName !== undefined) return `lambda.Invoke ${functionName}`;
  if (service === "s3") return `s3.${method === "PUT" ? "PutObject" : method === "GET" ? "GetObject" : method}`;
  // A schedule is named by its path, and each question's is another.
  if (service === "scheduler") return `${service}.${method}`;
  return `${service}.${path.split("/").at(-1) ?? method}`;
}

/** As each service says that it has too much to do. */
function throttled(service: string): AwsFault {
  switch (service) {
    case "dynamodb":
      return new AwsFault("ProvisionedThroughputExceededException", "The level of configured throughput was exceeded.");
    case "s3":
      return new AwsFault("SlowDown", "Please reduce your request rate.", 503);
    case "lambda":
    case "ses":
      return new AwsFault("TooManyRequestsException", "Rate Exceeded.", 429);
    default:
      return new AwsFault("ThrottlingException", "Rate exceeded", 400);
  }
}

const failed = () => new AwsFault("FaultInjected", "a fault on purpose", 400);
/** As Step Functions names a call to Lambda that had no answer. */
const unreachable = () => new AwsFault("SdkClientException", "Unable to execute HTTP request: Connection reset", 500);
const crashed = () => runtimeFailed("Runtime.ExitError", "Error: Runtime exited with error: signal: killed");

/** The second delivery's answer goes nowhere; an error that no service answers with is still one. */
function ignoreFault(error: unknown): void {
  if (!(error instanceof AwsFault)) throw error;
}
