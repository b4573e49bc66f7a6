/** Whole reference runs: front door, state machine, functions in child processes, every service over the wire, a person's approval. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Connection } from "../lib/client/connection.js";
import { decide, readChallenge } from "../lib/client/desk.js";
import { startRun } from "../lib/client/front-door.js";
import { type ConverseRequest, recordedModel } from "../lib/local/services/bedrock.js";
import type { Script } from "../lib/local/services/turns.js";
import { wantedConfirmation } from "../lib/scenario/act-as.js";
import type { Session } from "../lib/scenario/session.js";
import { sessionConnection } from "../lib/scenario/session-connection.js";
import { type Benchmark, median } from "./measure.js";
import { referenceScenario, WORKFLOW, withSession } from "./reference.js";

/** Runs of a round, each of a customer, charge and ticket of its own. */
const RUNS = 20;
const IN_FLIGHT = 6;
const ROUNDS = 3;

export const wholeRuns: Benchmark = {
  name: "whole-runs",
  about: `whole reference runs through wire and child processes, ${IN_FLIGHT} in flight and one alone`,
  async run() {
    const { turns } = (await referenceScenario()).scenario;
    return withSession(
      measure,
      recordedModel((request) => scriptOf(turns, request)),
    );
  },
};

async function measure(session: Session) {
  const connection = sessionConnection(session);
  const [together, alone]: [number[], number[]] = [[], []];
  for (let round = 0; round <= ROUNDS; round++) {
    const ms = [await timed(session, connection, RUNS), await timed(session, connection, 1)] as const;
    // the first round starts the child processes
    if (round === 0) continue;
    together.push(ms[0]);
    alone.push(ms[1]);
  }
  return [
    {
      name: `whole runs, ${IN_FLIGHT} in flight`,
      value: (RUNS * 1000) / median(together),
      unit: "/s",
      aim: { atLeast: 20 },
    },
    { name: "one whole run alone", value: median(alone), unit: "ms" },
  ];
}

/** Milliseconds from the first request to the end of the last run. */
async function timed(session: Session, connection: Connection, runs: number): Promise<number> {
  await session.cloud.reset();
  session.sandboxes.reset(WORKFLOW, seeds(runs));
  const { states } = session.cloud;
  const [machine] = states.stateMachines();
  if (machine === undefined) throw new Error("the template has no state machine");
  const executions = machine.arn.replace(":stateMachine:", ":execution:");
  const began = performance.now();
  let [next, open] = [0, runs];
  const worker = async (): Promise<void> => {
    for (let n = next++; n < runs; n = next++) {
      const { run_id } = await startRun(connection, WORKFLOW, { input: inputOf(n) });
      const { status } = await states.executions.completion(`${executions}:${run_id}`);
      open -= 1;
      if (status !== "SUCCEEDED") throw new Error(`run ${run_id} ended as ${status}`);
    }
  };
  const ends = Array.from({ length: IN_FLIGHT }, worker);
  const people = approveAll(session, () => open > 0);
  await Promise.all(ends);
  const ms = performance.now() - began;
  await people;
  checkRefunds(session, runs);
  return ms;
}

/** Ana approves whatever she gets mail about, from the mail and the page alone. */
async function approveAll(session: Session, going: () => boolean): Promise<void> {
  const answered = new Set<string>();
  while (going()) {
    const mails = session.cloud.ses.mailbox.list().filter((mail) => mail.to.includes("ana@example.com"));
    const fresh = mails.filter((mail) => !answered.has(mail.id));
    for (const mail of fresh) answered.add(mail.id);
    await Promise.all(
      fresh.map(async (mail) => {
        const challenge = readChallenge(mail.text);
        if (challenge === undefined) return;
        const confirmation = await wantedConfirmation(challenge.link);
        await decide(challenge.link, { decision: "approve", code: challenge.code, comment: "seen", confirmation });
      }),
    );
    await sleep(2);
  }
}

/** A faster run that refunds nothing would be no run. */
function checkRefunds(session: Session, runs: number): void {
  const state = session.sandboxes.states(WORKFLOW)["api.stripe.com"];
  const refunds = typeof state === "object" && state !== null && "refunds" in state ? state.refunds : undefined;
  if (!Array.isArray(refunds) || refunds.length !== runs)
    throw new Error(`${runs} runs left ${JSON.stringify(refunds)}`);
}

function inputOf(n: number): Record<string, string> {
  return {
    dispute_id: `dp_${500 + n}`,
    charge_id: `ch_b${n}`,
    customer_id: `cus_b${n}`,
    ticket_id: String(7000 + n),
    opened_at: new Date(Date.now() - 86_400_000).toISOString(),
    claim: "I was charged twice for the same order.",
  };
}

function seeds(runs: number) {
  const all = Array.from({ length: runs }, (_, n) => inputOf(n));
  const comment = { author_id: 501, public: true, body: "The order was charged twice, on the same minute." };
  return {
    "api.stripe.com": {
      customers: all.map(({ customer_id: id }) => ({ id, name: "Acme BV", tier: "business", country: "NL" })),
      charges: all.map(({ charge_id: id, customer_id: customer }) => ({
        id,
        customer,
        amount: 42_000,
        description: "Order 5120",
        created: "2026-04-20T10:00:00Z",
      })),
    },
    "acme.zendesk.com": {
      users: [{ id: 501, name: "Dana Visser" }],
      tickets: all.map(({ ticket_id }) => ({
        id: Number(ticket_id),
        status: "open",
        subject: "Charged twice",
        comments: [comment],
      })),
    },
  };
}

/** The reference turns about the charge, customer and ticket that the conversation names. */
function scriptOf(turns: Script, request: ConverseRequest): Script | undefined {
  const n = /\bch_b(\d+)\b/.exec(JSON.stringify(request.messages[0]))?.[1];
  if (n === undefined) return undefined;
  const { charge_id, customer_id, ticket_id } = inputOf(Number(n));
  return turns.map((turn) => {
    if (!("tool" in turn)) return turn;
    const own = { charge_id, customer_id, ticket_id };
    const args = Object.entries(turn.args ?? {}).map(([key, value]) => [
      key,
      Object.hasOwn(own, key) ? Reflect.get(own, key) : value,
    ]);
    return { ...turn, args: Object.fromEntries(args) };
  });
}
