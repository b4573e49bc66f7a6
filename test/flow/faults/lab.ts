/** The laboratory: the embedded cloud with the fault switch, and the people around it, who ask again when nothing answers. */
import { join } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { inject } from "vitest";
import { dynamoControl } from "../../../lib/aws/control.js";
import type { Connection } from "../../../lib/client/connection.js";
import { type DeskDecision, decide, readChallenge } from "../../../lib/client/desk.js";
import { startRun } from "../../../lib/client/front-door.js";
import { loadWorkflow } from "../../../lib/contract/load.js";
import type { Contract } from "../../../lib/contract/model.js";
import { CountersignError } from "../../../lib/errors.js";
import { createSkippingClock, type SkippingClock } from "../../../lib/local/clock.js";
import { type Cloud, type CloudOptions, startCloud } from "../../../lib/local/cloud.js";
import { FaultSwitch } from "../../../lib/local/faults.js";
import type { EventOf, RecordedEvent } from "../../../lib/run/events.js";
import { type Sandboxes, startSandboxes } from "../../../lib/scenario/sandboxes.js";
import { sessionConnection } from "../../../lib/scenario/session-connection.js";
import { type Acknowledged, bookState, readBudgets, readEffects, readRuns, readWorld, type World } from "./books.js";
import { entryHash } from "./invariants.js";
import { labModel, type Plan } from "./model.js";
import { FIXTURES, STAGE } from "./places.js";

export const WORKFLOW = "fault-lab";
const START = Date.parse("2026-05-04T06:00:00.000Z");
const HOUR = 3_600_000;
/** Whatever is not over after this is stuck: a run may take six hours. */
const HORIZON_MS = 8 * HOUR;
/** As often as people and clients ask again for an answer that they did not get. */
const ATTEMPTS = 4;

export type Host = NonNullable<CloudOptions["host"]>;
export interface HostParts {
  readonly contract: Contract;
  readonly faults: FaultSwitch;
  readonly clock: SkippingClock;
  readonly cloud: () => Cloud;
  /** value of COUNTERSIGN_LOCAL_HOSTS */
  readonly hosts: string;
}
/** Makes where functions run, other than child processes. */
export type HostFactory = (parts: HostParts) => Host;
export type Asked = EventOf<"ApprovalRequested">;

interface Parts {
  readonly cloud: Cloud;
  readonly contract: Contract;
  readonly clock: SkippingClock;
  readonly faults: FaultSwitch;
  readonly sandboxes: Sandboxes;
  readonly connection: Connection;
  readonly plans: Map<string, Plan>;
}

export class Lab {
  private orders = 0;
  private epoch = 0;
  private stop: { readonly claims: ReadonlySet<string>; readonly entries: number } | undefined;
  private readonly afterStop: string[] = [];
  private readonly admitted = new Set<string>();
  private readonly acknowledged: Acknowledged[] = [];
  private mostHeld = 0;

  private constructor(private readonly parts: Parts) {}

  static async open(host?: HostFactory): Promise<Lab> {
    const { contract } = await loadWorkflow(join(FIXTURES, "workflows", WORKFLOW));
    if (contract === undefined) throw new Error("the laboratory's contract has faults");
    const clock = createSkippingClock(START, "manual");
    const faults = new FaultSwitch();
    const plans = new Map<string, Plan>();
    const sandboxes = await startSandboxes([{ contract, seeds: {} }], () => clock.now());
    const hosts = JSON.stringify(sandboxes.hosts(WORKFLOW));
    let started: Cloud | undefined;
    const there = (): Cloud => {
      if (started === undefined) throw new Error("the cloud is still starting");
      return started;
    };
    const cloud = await startCloud({
      assembly: inject("assembly"),
      clock,
      faults,
      model: labModel((orderId) => plans.get(orderId)),
      people: { examiner: [{ Statement: { Effect: "Allow", Action: "*", Resource: "*" } }] },
      functionEnvironment: (_, environment) =>
        environment.WORKFLOW === undefined ? {} : { COUNTERSIGN_LOCAL_HOSTS: hosts },
      ...(host === undefined ? {} : { host: host({ contract, faults, clock, cloud: there, hosts }) }),
    });
    started = cloud;
    const session = { cloud, stage: STAGE, sandboxes, workflows: new Map(), script: () => {}, close: async () => {} };
    return new Lab({ cloud, contract, clock, faults, sandboxes, plans, connection: sessionConnection(session) });
  }

  get faults(): FaultSwitch {
    return this.parts.faults;
  }
  get contract(): Contract {
    return this.parts.contract;
  }
  get clock(): SkippingClock {
    return this.parts.clock;
  }

  async close(): Promise<void> {
    const { cloud, sandboxes, clock } = this.parts;
    await cloud.close();
    await sandboxes.close();
    clock.close();
  }

  /**
   * Everything empty and nothing failing; hours after the last time, so that what functions keep for minutes is stale. With an `epoch` of its own
   * a schedule has the same times whenever it is played.
   */
  async begin(epoch = this.epoch + 1): Promise<void> {
    const { cloud, sandboxes, clock, plans, faults } = this.parts;
    faults.arm();
    this.epoch = epoch;
    this.orders = 0;
    clock.restart(START + this.epoch * HOUR);
    await cloud.reset();
    sandboxes.reset(WORKFLOW, {});
    plans.clear();
    this.stop = undefined;
    this.afterStop.length = 0;
    this.admitted.clear();
    this.acknowledged.length = 0;
    this.mostHeld = 0;
  }

  /** An order that nobody had before in these books. */
  newOrder(plan: Plan): string {
    this.orders += 1;
    const orderId = `or_${this.orders}`;
    this.parts.plans.set(orderId, plan);
    return orderId;
  }

  /** Starts the run of an order; `attempts` 1 is a client that gives up at once. Answers whether it was admitted. */
  async start(orderId: string, attempts = ATTEMPTS): Promise<boolean> {
    const account = this.parts.plans.get(orderId)?.account ?? "acc_1";
    const request = { input: { order_id: orderId, account }, request_id: orderId };
    const answer = await persist(attempts, () => startRun(this.parts.connection, WORKFLOW, request));
    if (answer !== undefined) this.admitted.add(answer.run_id);
    return answer !== undefined;
  }

  /** Decides as this person; answers false when there is no mail yet. */
  async decide(
    asked: Asked,
    person: string,
    decision: DeskDecision["decision"],
    attempts = ATTEMPTS,
  ): Promise<boolean> {
    const mail = this.parts.cloud.ses.mailbox
      .list()
      .findLast(
        ({ to, text }) =>
          to.includes(person) &&
          text.includes(`run ${asked.run_id}, step ${asked.data.turn}`) &&
          text.includes("Code: "),
      );
    const challenge = readChallenge(mail?.text ?? "");
    if (challenge === undefined) return false;
    const { link, code } = challenge;
    const answer = await persist(attempts, () => decide(link, { decision, code, comment: "as the plan says" }));
    const { approval_id } = asked.data;
    if (answer !== undefined) this.acknowledged.push({ approval_id, approver: person, decision });
    return true;
  }

  /** Sets or lifts the brake. From the moment this resolves nothing may be claimed. */
  async brake(on: boolean): Promise<void> {
    const { connection, clock, cloud } = this.parts;
    if (!on) await this.checkStop();
    const { ControlTable } = await connection.controlPlane();
    const client = new DynamoDBClient(connection.client("operator"));
    const row = { on, by: "operator", at: new Date(clock.now()).toISOString(), reason: "test" };
    await dynamoControl({ client, table: ControlTable }).writeBrake(WORKFLOW, row);
    client.destroy();
    if (!on || this.stop !== undefined) return;
    const claims = new Set((await readEffects(cloud)).map(({ args_hash }) => args_hash));
    this.stop = { claims, entries: this.entries().length };
  }

  /** Names of all functions that are deployed. */
  get functions(): readonly string[] {
    const resources = this.parts.cloud.stacks.flatMap((stack) => stack.resources);
    return resources.flatMap(({ type, physicalId }) => (type === "AWS::Lambda::Function" ? [physicalId] : []));
  }

  runs(): Promise<World["runs"]> {
    return readRuns(this.parts.cloud);
  }

  /** Ends the execution of an open run from outside, as an operator or a redrive gone wrong would. */
  stopExecution(runId: string): void {
    const { executions } = this.parts.cloud.states;
    const found = executions.list().find(({ executionArn }) => executionArn.endsWith(`:${runId}`));
    if (found?.status === "RUNNING") executions.stop(found.executionArn, "stopped", "by the schedule");
  }

  /**
   * Lets everything happen that will: answers what is asked with `answer`, moves time on, until all runs are closed and swept. `meanwhile`
   * happens beside each step.
   */
  async drive(answer: (asked: Asked) => Promise<void>, meanwhile?: () => Promise<void>): Promise<void> {
    const { clock, cloud } = this.parts;
    const endMs = clock.now() + HORIZON_MS;
    let isWaitedOut = false;
    for (;;) {
      await Promise.all([clock.settled(), meanwhile?.()]);
      await clock.settled();
      const runs = [...(await this.runs()).values()];
      for (const events of runs) {
        const last = events.at(-1);
        if (last?.type === "ApprovalRequested") await answer(last);
      }
      await clock.settled();
      const { open, held } = await readBudgets(cloud);
      this.mostHeld = Math.max(this.mostHeld, held);
      const isOver = runs.every(isClosed) && open.length === 0;
      if (isOver && (await this.faults.delivered())) continue;
      const next = clock.nextTimerMs();
      // What was delivered late may begin a run of its own.
      if (isOver && !isWaitedOut && this.faults.fired.some((fired) => fired.endsWith("late"))) {
        isWaitedOut = true;
        await clock.advance(HOUR + 10 * 60_000);
      } else if (isOver || next === undefined || next > endMs) break;
      else await clock.advanceTo(next);
    }
  }

  /** Everything there is now, and what happened after a stop. */
  async world(): Promise<World & { readonly afterStop: readonly string[] }> {
    await this.checkStop();
    const { admitted, acknowledged, mostHeld } = this;
    const witnessed = { admitted: [...admitted], acknowledged: [...acknowledged], mostHeld };
    return { ...(await readWorld(this.parts.cloud, this.book(), witnessed)), afterStop: [...this.afterStop] };
  }

  /** Where the book answers. */
  bookUrl(path: string): URL {
    return new URL(path, this.parts.sandboxes.hosts(WORKFLOW)["book.example.com"]);
  }

  private async checkStop(): Promise<void> {
    const { stop } = this;
    if (stop === undefined) return;
    for (const entry of this.entries().slice(stop.entries)) {
      if (!stop.claims.has(entryHash(entry))) this.afterStop.push(`effect ${entry.ref}: it was claimed after the stop`);
    }
    this.stop = undefined;
  }

  private entries() {
    return bookState.parse(this.book()).entries;
  }
  private book(): unknown {
    return this.parts.sandboxes.states(WORKFLOW)["book.example.com"];
  }
}

const isClosed = (events: readonly RecordedEvent[]): boolean =>
  events.some(({ type }) => type === "RunClosed" || type === "RunRefused");

/** Asks again where the answer is missing or a server's fault; a refusal is an answer. */
async function persist<T>(attempts: number, ask: () => Promise<T>): Promise<T | undefined> {
  for (let attempt = 1; attempt <= attempts; attempt++) {
    try {
      return await ask();
    } catch (error) {
      const status = error instanceof CountersignError ? error.details.status : undefined;
      if (!(error instanceof CountersignError) && !(error instanceof TypeError)) throw error;
      const isMoot =
        error instanceof CountersignError && error.code === "CS-3015"
          ? false
          : typeof status === "number" && status < 500;
      if (isMoot) return undefined;
    }
  }
  return undefined;
}
