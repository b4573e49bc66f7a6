/** Plays one scenario: the requester starts the run, people answer over the approval desk's own HTTP, time skips where nobody does. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { dynamoControl } from "../aws/control.js";
import type { Connection } from "../client/connection.js";
import { startRun } from "../client/front-door.js";
import { type RunReader, runReader } from "../client/runs.js";
import { CountersignError } from "../errors.js";
import type { SkippingClock } from "../local/clock.js";
import type { EventOf, RecordedEvent } from "../run/events.js";
import type { RunRef } from "../run/keys.js";
import { actAs } from "./act-as.js";
import { type Observed, of } from "./compare.js";
import { fillTimes, type Scenario } from "./format.js";
import { type NamedScenario, overlaySeeds } from "./load.js";
import type { Session } from "./session.js";
import { sessionConnection } from "./session-connection.js";

/** Longer than any scenario can need: steps are limited to 100 a run. */
const MAX_WAITS = 400;

type Answered = Scenario["approvals"][number];

export async function playScenario(
  session: Session,
  { workflow, scenario }: NamedScenario,
  clock: SkippingClock,
): Promise<Observed> {
  await session.cloud.reset();
  const seeds = overlaySeeds(session.workflows.get(workflow)?.seeds ?? {}, scenario.sandbox);
  session.sandboxes.reset(workflow, seeds);
  session.script(workflow, scenario.turns);
  clock.setMode("manual");
  clock.restart(Date.parse(scenario.at));
  const connection = sessionConnection(session);
  const play = new Play(session, connection, await runReader(connection), clock, workflow, seeds);
  const request = {
    input: fillTimes(scenario.input, clock.now()),
    ...(scenario.tenant === undefined ? {} : { tenant: scenario.tenant }),
  };
  try {
    const { run_id, tenant } = await startRun(connection, workflow, request);
    return await play.finish({ workflow, tenant, runId: run_id }, scenario.approvals);
  } catch (error) {
    if (!(error instanceof CountersignError) || error.details.status === undefined) throw error;
    return { events: [], refused: error.code, sandbox: session.sandboxes.states(workflow) };
  } finally {
    session.script(workflow, undefined);
  }
}

class Play {
  private answered = 0;

  constructor(
    private readonly session: Session,
    private readonly connection: Connection,
    private readonly reader: RunReader,
    private readonly clock: SkippingClock,
    private readonly workflow: string,
    private readonly seeds: Parameters<typeof overlaySeeds>[0],
  ) {}

  /** Waits, answers and skips until the run is closed. */
  async finish(run: RunRef, approvals: readonly Answered[]): Promise<Observed> {
    for (let wait = 0; wait < MAX_WAITS; wait++) {
      await this.clock.settled();
      const events = await this.reader.events(run);
      const last = events.at(-1);
      if (last?.type === "RunClosed") return this.observed(events);
      if (last?.type === "ApprovalRequested" && of(events, "ApprovalRequested").length > this.answered) {
        await this.answer(last, approvals[this.answered] ?? { answers: [], stop: false });
        this.answered++;
        continue;
      }
      const next = this.clock.nextTimerMs();
      if (next === undefined) return this.observed(events); // nothing will happen any more: the comparison says what is missing
      await this.clock.advanceTo(next);
    }
    return this.observed(await this.reader.events(run));
  }

  private observed(events: readonly RecordedEvent[]): Observed {
    return { events, sandbox: this.session.sandboxes.states(this.workflow) };
  }

  private async answer(asked: EventOf<"ApprovalRequested">, how: Answered): Promise<void> {
    if (how.meanwhile !== undefined)
      this.session.sandboxes.reset(this.workflow, overlaySeeds(this.seeds, how.meanwhile));
    if (how.stop) await this.stop();
    for (const person of how.answers) {
      await actAs(this.session, this.connection, asked, person);
      // What it sends to others is there before they act.
      await this.clock.settled();
    }
    const approvals = how.answers.filter(({ decision }) => decision === "approve").length;
    const ended = how.answers.some(({ decision }) => decision === "reject" || decision === "edit");
    if (!ended && approvals < asked.data.needed) await this.clock.advanceTo(Date.parse(asked.data.deadline));
  }

  private async stop(): Promise<void> {
    const { ControlTable } = await this.connection.controlPlane();
    const control = dynamoControl({
      client: new DynamoDBClient(this.connection.client("operator")),
      table: ControlTable,
    });
    await control.writeBrake(this.workflow, {
      on: true,
      by: "operator",
      at: new Date(this.clock.now()).toISOString(),
      reason: "scenario",
    });
  }
}
