/** A value that is nowhere else stands in every sensitive field of a whole run; then every byte that the cloud kept is searched for it. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { SFNClient } from "@aws-sdk/client-sfn";
import { afterAll, beforeAll, expect, test } from "vitest";
import { executionHistory } from "../../lib/client/history.js";
import { of } from "../../lib/scenario/compare.js";
import { DISPUTE, Flow } from "../support/flow.js";

const CANARY = {
  claim: "canaryclaim8231",
  customer: "canarycustomer5517",
  subject: "canarysubject9904",
  comment: "canarycomment7743",
  rationale: "canaryrationale3382",
  summary: "canarysummary6610",
};
const ANY = new RegExp(Object.values(CANARY).join("|"));

let flow: Flow;
let dataDir: string;
beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), "countersign-canary-"));
  flow = await Flow.open(undefined, false, dataDir);
});
afterAll(async () => {
  await flow.close();
  rmSync(dataDir, { recursive: true, force: true });
});

test("what is sensitive is in vault and context objects, and in nothing else that the cloud keeps", async () => {
  const says = `The customer says ${CANARY.rationale}.`;
  await flow.begin(
    [
      { tool: "stripe.lookup_charge", args: { charge_id: "ch_77" }, say: says },
      { tool: "zendesk.get_ticket", args: { ticket_id: "4411" }, say: says },
      { tool: "stripe.list_refunds", args: { customer_id: "cus_9" }, say: says },
      { tool: "stripe.refund", args: { charge_id: "ch_77", amount_cents: 42_000, reason: "duplicate" }, say: says },
      { finish: { outcome: "refunded", summary: CANARY.summary } },
    ],
    {
      "api.stripe.com": {
        customers: [{ id: "cus_9", name: CANARY.customer, tier: "business", country: "NL" }],
      },
      "acme.zendesk.com": {
        tickets: [
          {
            id: 4411,
            status: "open",
            subject: CANARY.subject,
            comments: [{ author_id: 501, public: true, body: CANARY.comment }],
          },
        ],
      },
    },
  );
  const run = await flow.start({ ...DISPUTE, claim: CANARY.claim });
  await flow.asked(run);
  // Whoever holds only the link sees that there is something, and not what.
  const { link } = flow.challenge("ana@example.com");
  for (const accept of ["text/html", "application/json"]) {
    const shown = await (await fetch(link, { headers: { accept } })).text();
    expect(shown).toMatch(accept === "text/html" ? /only after sign-in/ : /on the page only/);
    expect(shown).not.toMatch(ANY);
  }
  await flow.decide("ana@example.com", { decision: "approve", confirmation: "420.00" });
  const events = await flow.play(run);
  expect(events.at(-1)).toMatchObject({ type: "RunClosed", data: { outcome: { status: "refunded" } } });
  expect(of(events, "ApprovalRequested")).toHaveLength(1);

  const { StateMachineArn } = await flow.connection.workflow("billing-dispute");
  const history = await executionHistory(new SFNClient(flow.connection.client("operator")), StateMachineArn, run.runId);
  expect(JSON.stringify(history)).toContain('"sealed\\');
  expect(JSON.stringify(history)).not.toMatch(ANY);
  expect(JSON.stringify(events)).not.toMatch(ANY);
  expect(JSON.stringify(flow.session.cloud.ses.mailbox.list())).not.toMatch(ANY);

  const found = new Map<string, string[]>();
  for (const file of filesIn(dataDir)) {
    const bytes = readFileSync(file).toString("latin1");
    const names = Object.entries(CANARY).flatMap(([name, value]) => (bytes.includes(value) ? [name] : []));
    if (names.length > 0) found.set(relative(dataDir, file), names);
  }
  // Told apart by their bucket: S3 seals these with KMS, and only their readers open them.
  const sealed = /^s3\/[^/]*context[^/]*\//i;
  expect([...found.keys()].filter((file) => !sealed.test(file))).toEqual([]);
  // and the search does find: the model was told all of it
  expect(new Set([...found.values()].flat())).toEqual(
    new Set(["claim", "customer", "subject", "comment", "rationale"]),
  );
});

function filesIn(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? filesIn(path) : [path];
  });
}
