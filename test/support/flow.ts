/** What whole-run tests share: a session on the synthesised template with skipped time, and short names for what people do. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { inject } from "vitest";
import { dynamoControl } from "../../lib/aws/control.js";
import { consoleData } from "../../lib/cli/console-data.js";
import type { Connection } from "../../lib/client/connection.js";
import { type DeskDecision, decide, type MailedChallenge, readChallenge } from "../../lib/client/desk.js";
import { startRun } from "../../lib/client/front-door.js";
import { type RunReader, runReader } from "../../lib/client/runs.js";
import { createSkippingClock, type SkippingClock } from "../../lib/local/clock.js";
import { consoleHandler } from "../../lib/local/console/app.js";
import type { Script } from "../../lib/local/services/turns.js";
import type { RecordedEvent } from "../../lib/run/events.js";
import type { RunRef } from "../../lib/run/keys.js";
import { overlaySeeds, type Seeds } from "../../lib/scenario/load.js";
import { openSession, type Session } from "../../lib/scenario/session.js";
import { sessionConnection } from "../../lib/scenario/session-connection.js";
import { root } from "../../scripts/ensure.mjs";

export const AT = Date.parse("2026-05-02T16:30:00.000Z");
export const DISPUTE = {
  dispute_id: "dp_118",
  charge_id: "ch_77",
  customer_id: "cus_9",
  ticket_id: "4411",
  opened_at: "2026-05-01T09:00:00Z",
  claim: "I was charged twice for the same order.",
};
export const LOOKUP = { tool: "stripe.lookup_charge", args: { charge_id: "ch_77" } };
export const REFUND = {
  tool: "stripe.refund",
  args: { charge_id: "ch_77", amount_cents: 42_000, reason: "duplicate" },
};
export const FINISH = { finish: { outcome: "escalated", summary: "done" } };

const WORKFLOW = "billing-dispute";

/** Files of a worker share their modules, and this with them. */
let ofThisWorker: Promise<Flow> | undefined;

export class Flow {
  private constructor(
    readonly session: Session,
    readonly connection: Connection,
    readonly reader: RunReader,
    readonly clock: SkippingClock,
  ) {}

  /**
   * The one of this worker, empty: a cloud of its own for every file would deploy the template and start every function's process again. It ends with
   * the worker. For files that change nothing but data.
   */
  static async shared(): Promise<Flow> {
    ofThisWorker ??= Flow.open();
    const flow = await ofThisWorker;
    await flow.begin([]);
    return flow;
  }

  /**
   * @param assembly another one than the project's own, e.g. with functions that tests replaced
   * @param dataDir where the cloud keeps all that it keeps; default: in memory
   */
  static async open(assembly: string = inject("assembly"), schedules = false, dataDir?: string): Promise<Flow> {
    const clock = createSkippingClock(AT, "manual");
    let opened: Session | undefined;
    const through = async (momentsMs: readonly number[]) => {
      for (const ms of momentsMs) await clock.advanceTo(ms);
    };
    const session = await openSession({
      root,
      stage: "dev",
      assembly,
      workflows: [WORKFLOW],
      clock,
      schedules,
      console: () => consoleHandler(consoleData(root, "dev", () => opened, { aheadMs: () => 0, through })),
      ...(dataDir === undefined ? {} : { dataDir }),
    });
    opened = session;
    const connection = sessionConnection(session);
    return new Flow(session, connection, await runReader(connection), clock);
  }

  async close(): Promise<void> {
    await this.session.close();
    this.clock.close();
  }

  /** Everything empty, time back at `AT`, the model saying these turns. */
  async begin(turns: Script, seeds: Seeds = {}): Promise<void> {
    await this.session.cloud.reset();
    this.session.slack?.workspace.reset();
    this.seed(seeds);
    this.session.script(WORKFLOW, turns);
    this.clock.restart(AT);
  }

  /** The systems that the tools call begin anew, with these data over the workflow's own. */
  seed(seeds: Seeds): void {
    this.session.sandboxes.reset(WORKFLOW, overlaySeeds(this.session.workflows.get(WORKFLOW)?.seeds ?? {}, seeds));
  }

  async start(input: Readonly<Record<string, string>> = DISPUTE, requestId?: string): Promise<RunRef> {
    const request = { input: { ...input }, ...(requestId === undefined ? {} : { request_id: requestId }) };
    const { run_id, tenant } = await startRun(this.connection, WORKFLOW, request);
    return { workflow: WORKFLOW, tenant, runId: run_id };
  }

  /** What is recorded once nothing moves any more without people or time. */
  async settled(run: RunRef): Promise<readonly RecordedEvent[]> {
    await this.clock.settled();
    return this.reader.events(run);
  }

  /** Skips to the next timers until the run is closed or `until` holds. */
  async play(
    run: RunRef,
    until: (events: readonly RecordedEvent[]) => boolean = () => false,
  ): Promise<readonly RecordedEvent[]> {
    for (;;) {
      const events = await this.settled(run);
      const next = this.clock.nextTimerMs();
      if (events.at(-1)?.type === "RunClosed" || until(events) || next === undefined) return events;
      await this.clock.advanceTo(next);
    }
  }

  /** Plays until people are asked. */
  asked(run: RunRef): Promise<readonly RecordedEvent[]> {
    return this.play(run, (events) => events.at(-1)?.type === "ApprovalRequested");
  }

  challenge(approver: string): MailedChallenge {
    const challenge = this.session.cloud.ses.mailbox
      .list()
      .filter((one) => one.to.includes(approver))
      .flatMap((mail) => readChallenge(mail.text ?? "") ?? [])
      .at(-1);
    if (challenge === undefined) throw new Error(`${approver} has no approval mail`);
    return challenge;
  }

  decide(approver: string, decision: Omit<DeskDecision, "code"> & { readonly code?: string }): Promise<string> {
    const { link, code } = this.challenge(approver);
    return decide(link, { code, ...decision });
  }

  async brake(on: boolean): Promise<void> {
    const { ControlTable } = await this.connection.controlPlane();
    const control = dynamoControl({
      client: new DynamoDBClient(this.connection.client("operator")),
      table: ControlTable,
    });
    await control.writeBrake(WORKFLOW, {
      on,
      by: "operator",
      at: new Date(this.clock.now()).toISOString(),
      reason: "test",
    });
  }

  refunds(): unknown {
    return this.session.sandboxes.states(WORKFLOW)["api.stripe.com"];
  }

  /** ARN of the one role below this path, by a part of its name where there are several. */
  roleOf(path: string, part = ""): string {
    const found = this.session.cloud.roles
      .list()
      .map((role) => role.arn)
      .filter((arn) => arn.includes(path) && arn.toLowerCase().includes(part));
    if (found.length !== 1 || found[0] === undefined)
      throw new Error(`${found.length} roles below ${path} with ${part}: ${found.join(", ")}`);
    return found[0];
  }

  /** Credentials and endpoint of any role of the template, for calls that should be refused. */
  as(roleArn: string) {
    const { cloud } = this.session;
    return {
      region: cloud.context.region,
      endpoint: cloud.endpoint,
      credentials: cloud.credentialsFor(roleArn, "test"),
      maxAttempts: 1,
    };
  }
}
