/**
 * Fifty answers at once to one question, through every front door of the deployed template: the page's form with a mailed code, the page
 * signed in, signed Slack requests, the API with an AWS identity. One outcome, everybody told the truth, one decision in the log, the run goes on once.
 * `npm run test:race` does a hundred questions; `npm test` some.
 */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { beforeAll, expect, test } from "vitest";
import * as z from "zod";
import { dynamoApprovals } from "../../lib/aws/approvals.js";
import { decideSigned } from "../../lib/client/desk.js";
import { CountersignError } from "../../lib/errors.js";
import type { ApprovalDecision } from "../../lib/run/events.js";
import { of } from "../../lib/scenario/compare.js";
import { clientAs } from "../../lib/scenario/session-connection.js";
import { FINISH, Flow, LOOKUP, REFUND } from "../support/flow.js";
import { csrfOf, form, Visitor } from "../support/visitor.js";

const QUESTIONS = Number(process.env.RACE ?? 1);
const CLICKS = 50;
const PEOPLE = ["ana@example.com", "bo@example.com", "chris@example.com"] as const;
const SLACK = { "ana@example.com": "U012ANA3CD", "bo@example.com": "U012BO4EF" } as const;
const refunded = z.looseObject({ refunds: z.array(z.unknown()) });
/** API Gateway's own words, when a function took too long to start. */
const FAILED = /Internal Server Error|Service Unavailable|HTTP status 503/;
const OVER = /CS-2106|it was (?:approved|rejected) by/;

let flow: Flow;
beforeAll(async () => {
  flow = await Flow.shared();
});

type Choice = ApprovalDecision["decision"];
interface Told {
  readonly person: string;
  readonly choice: Choice;
  readonly text: string;
}
interface Click {
  readonly person: string;
  readonly choice: Choice;
  press(): Promise<string>;
}
/** A door that says nothing but that it failed is tried again, as people do: fifty cold starts at once are slower than a Slack function may be. */
async function untilAnswered(press: () => Promise<string>): Promise<string> {
  for (let tries = 1; ; tries++) {
    const text = await press();
    if (!FAILED.test(text) || tries === 20) return text;
  }
}
const fieldsOf = (choice: Choice) => ({ decision: choice, confirmation: "420.00", comment: "because" });

/** A way in for each person and choice; what has to be opened before is open. */
async function doors(workflow: string, approvalId: string): Promise<readonly Click[]> {
  const { endpoint } = flow.session.cloud;
  const workspace = flow.session.slack?.workspace;
  const page = new URL(`/inbox/${workflow}/${approvalId}`, endpoint).href;
  const clicks: Click[] = [];
  for (const person of PEOPLE) {
    const { link, code } = flow.challenge(person);
    const visitor = new Visitor(endpoint);
    const csrf = csrfOf((await visitor.signIn(person, `/inbox/${workflow}/${approvalId}`)).body);
    for (const choice of ["approve", "reject"] as const) {
      const fields = fieldsOf(choice);
      const add = (press: () => Promise<string>) => clicks.push({ person, choice, press });
      add(async () => (await fetch(link, form({ ...fields, code }))).text());
      add(async () => (await visitor.go(page, form({ ...fields, csrf }))).body);
      add(() => signed(workflow, approvalId, person, fields));
      const user = person === "chris@example.com" ? undefined : SLACK[person];
      const ts = workspace?.list().find(({ to }) => to === user)?.ts;
      if (user === undefined || ts === undefined) continue;
      const modal = (await workspace?.press(user, ts, choice))?.modal?.id ?? "";
      const typed = choice === "approve" ? { confirmation: "420.00" } : { comment: "because" };
      add(async () => `slack ${(await workspace?.submit(modal, typed))?.body}`);
    }
  }
  return clicks;
}

async function signed(workflow: string, approvalId: string, person: string, fields: ReturnType<typeof fieldsOf>) {
  const client = clientAs(flow.session, "approver", person);
  return decideSigned({ endpoint: flow.session.cloud.endpoint, workflow, approvalId, client }, fields).catch(
    (error: unknown) => {
      if (error instanceof CountersignError) return `${error.code} ${error.message}`;
      throw error;
    },
  );
}

/** What this person was told is how it is. */
function truthful(
  { person, choice, text }: Told,
  end: { kind: string; by: readonly string[] },
  rows: readonly ApprovalDecision[],
) {
  const own = rows.find(({ approver }) => approver === person);
  if (text.includes("CS-2107") || text.includes("has decided already")) return own !== undefined;
  // Who came too late is told by whom it was decided, and how.
  if (OVER.test(text)) return text.includes(`was ${end.kind} by ${end.by[0]}`);
  const won = end.by.includes(person) && own?.decision === choice;
  return won && (text.startsWith("slack ") ? text === "slack " : new RegExp(end.kind, "i").test(text));
}

test(
  `${QUESTIONS} questions, ${CLICKS} answers at once each, through every door`,
  async () => {
    const kinds = new Set<string>();
    for (let question = 0; question < QUESTIONS; question++) {
      await flow.begin([LOOKUP, REFUND, FINISH]);
      const run = await flow.start();
      const asked = (await flow.asked(run)).at(-1);
      await flow.clock.settled();
      if (asked?.type !== "ApprovalRequested") throw new Error("nobody was asked");
      const ways = await doors(run.workflow, asked.data.approval_id);
      expect(ways).toHaveLength(22);
      // Every door once, then again from another place, so that each question is answered in another order.
      const clicks = Array.from({ length: CLICKS }, (_, at) => ways[(at * 7 + question * 5) % ways.length]).flatMap(
        (click) => click ?? [],
      );
      const told = await Promise.all(
        clicks.map(async ({ person, choice, press }) => ({ person, choice, text: await untilAnswered(press) })),
      );

      const { ApprovalsTable: table } = await flow.connection.controlPlane();
      const approvals = dynamoApprovals({ client: new DynamoDBClient(flow.connection.client("approver")), table });
      const ref = { workflow: run.workflow, approvalId: asked.data.approval_id };
      const [closing, rows] = [await approvals.readClosing(ref), await approvals.readDecisions(ref)];
      if (closing === undefined) throw new Error(`question ${question}: nothing was decided`);
      kinds.add(closing.kind);
      const lies = told.filter((one) => !truthful(one, closing, rows));
      expect(lies.map(({ person, choice, text }) => `${person} ${choice}: ${text.slice(0, 600)}`)).toEqual([]);

      const events = await flow.play(run);
      expect(of(events, "ApprovalDecided").map(({ data }) => [data.approver, `${data.decision}`])).toEqual([
        [closing.by[0], closing.kind === "approved" ? "approve" : "reject"],
      ]);
      const ran = closing.kind === "approved" ? 1 : 0;
      expect(of(events, "ActionPermitted").filter(({ data }) => data.tool === "stripe.refund")).toHaveLength(ran);
      expect(refunded.parse(flow.refunds()).refunds).toHaveLength(ran);
      expect(events.at(-1)?.type).toBe("RunClosed");
    }
    if (QUESTIONS >= 20) expect([...kinds].sort()).toEqual(["approved", "rejected"]);
  },
  1_200_000 + QUESTIONS * 120_000,
);
