/**
 * One random schedule: several runs at once, requests that are repeated, people who approve, reject, decide twice or do not answer, an operator
 * who stops and resumes, executions that are ended from outside, and faults anywhere. All of it follows from the seed; what runs at the same
 * time may still change places from one replay to the next, as on AWS.
 */
import { createHash } from "node:crypto";
import { CALL_FAULTS, type FaultPlan, type FaultPoint, INVOKE_FAULTS } from "../../../lib/local/faults.js";
import { violations } from "./invariants.js";
import type { Asked, Lab } from "./lab.js";
import { KINDS } from "./matrix.js";
import type { Plan } from "./model.js";
import { type Random, randomOf } from "./random.js";

const PEOPLE = ["ana@example.com", "bo@example.com"] as const;
const MINUTE = 60_000;
/** After this many steps nothing fails any more and the brake is off, so that everything can end. */
const CALM_AFTER = 30;

export interface Happened {
  readonly runs: number;
  readonly effects: number;
  readonly faults: readonly string[];
  readonly outcomes: readonly string[];
  readonly wrong: readonly string[];
}

export async function playSchedule(lab: Lab, seed: number): Promise<Happened> {
  await lab.begin(seed);
  const random = randomOf(seed);
  const storm = new Storm(seed, random);
  lab.faults.arm(storm.plan);
  const orders = Array.from({ length: 1 + random.below(3) }, () => lab.newOrder(planFrom(random)));
  const clients = orders.flatMap((order) => {
    const attempts = random.chance(0.8) ? 4 : 1;
    const times = random.chance(0.2) ? 2 : 1;
    return Array.from({ length: times }, () => () => lab.start(order, attempts));
  });
  const operator = new Operator(lab, random);
  const people = new People(lab, random);
  const first = clients.splice(0, 1 + random.below(clients.length));
  await Promise.all(first.map((start) => start()));
  let steps = 0;
  await lab.drive(
    (asked) => people.answer(asked),
    async () => {
      steps += 1;
      if (steps > CALM_AFTER) {
        storm.over = true;
        await operator.resume();
      } else await operator.act();
      await clients.shift()?.();
    },
  );
  storm.over = true;
  await operator.resume();
  await lab.drive((asked) => people.answer(asked));
  await lab.clock.advance(6 * MINUTE);
  const faults = [...lab.faults.fired];
  const world = await lab.world();
  const ends = [...world.runs.values()].map((events) => events.at(-1));
  return {
    runs: world.runs.size,
    effects: world.entries.length,
    faults,
    outcomes: ends.map((last) =>
      last?.type === "RunClosed" ? `${last.data.outcome.status} ${last.data.outcome.reason}` : (last?.type ?? "none"),
    ),
    wrong: [...(await violations(world, lab.contract)), ...world.afterStop],
  };
}

function planFrom(random: Random): Plan {
  const tools = Object.values(KINDS);
  const writes = Array.from({ length: random.chance(0.25) ? 2 : 1 }, () => ({
    tool: random.pick(tools),
    amountCents: random.pick([500, 5000]),
  }));
  return { account: random.pick(["acc_1", "acc_2"]), looks: random.chance(0.3), writes };
}

/** Faults at points that follow from the seed and the point alone, so that a replay strikes the same ones. */
class Storm {
  over = false;
  private readonly density: number;

  constructor(
    private readonly seed: number,
    random: Random,
  ) {
    this.density = random.pick([0, 0.01, 0.03, 0.08]);
  }

  readonly plan: FaultPlan = {
    call: (point) => this.faultAt(point, CALL_FAULTS, 1),
    // There are fewer invocations, and each carries more.
    invoke: (point) => this.faultAt(point, INVOKE_FAULTS, 3),
  };

  private faultAt<F>(point: FaultPoint, faults: readonly F[], weight: number): F | undefined {
    if (this.over) return undefined;
    const { kind, from, to, nth } = point;
    const role = from.replace(/-[A-Z0-9]+$/, "");
    const bytes = createHash("sha256").update(`${this.seed} ${kind} ${role} ${to} ${nth}`).digest();
    if (bytes.readUInt32BE(0) / 2 ** 32 >= this.density * weight) return undefined;
    return faults[bytes.readUInt32BE(4) % faults.length];
  }
}

/** Stops and resumes the workflow, and now and then ends an execution. */
class Operator {
  private stopped = false;
  private readonly stops: number;

  constructor(
    private readonly lab: Lab,
    private readonly random: Random,
  ) {
    this.stops = random.pick([0, 0, 0.05, 0.15]);
  }

  async act(): Promise<void> {
    if (this.stopped) {
      if (this.random.chance(0.3)) await this.resume();
      return;
    }
    if (this.random.chance(this.stops)) {
      this.stopped = true;
      await this.lab.brake(true);
    } else if (this.random.chance(this.stops / 3)) {
      const runs = [...(await this.lab.runs()).keys()];
      if (runs.length > 0) this.lab.stopExecution(this.random.pick(runs));
    }
  }

  async resume(): Promise<void> {
    if (!this.stopped) return;
    this.stopped = false;
    await this.lab.brake(false);
  }
}

/** Answers each question in one way, chosen when it is first seen. */
class People {
  private readonly done = new Set<string>();
  private readonly ways = new Map<string, string>();

  constructor(
    private readonly lab: Lab,
    private readonly random: Random,
  ) {}

  async answer(asked: Asked): Promise<void> {
    const { approval_id: id } = asked.data;
    if (this.done.has(id)) return;
    const way =
      this.ways.get(id) ??
      this.random.pick(["approve", "approve", "approve", "reject", "twice", "both", "later", "never"]);
    this.ways.set(id, way);
    const [ana, bo] = PEOPLE;
    const decide = (person: string, decision: "approve" | "reject") =>
      this.lab.decide(asked, person, decision, this.random.chance(0.8) ? 4 : 1);
    switch (way) {
      case "approve":
      case "reject":
        if (await decide(ana, way)) this.done.add(id);
        return;
      case "twice":
        if ((await Promise.all([decide(ana, "approve"), decide(ana, "approve")])).includes(true)) this.done.add(id);
        return;
      case "both":
        if ((await Promise.all([decide(ana, "approve"), decide(bo, "reject")])).includes(true)) this.done.add(id);
        return;
      case "later":
        this.ways.set(id, "approve");
        return;
      default:
        this.done.add(id);
    }
  }
}
