/**
 * A value that is nowhere else stands in every sensitive field of a whole run; then everything that the cloud kept, sent or shows is searched for it.
 * Break-glass shows it; after shredding it is nowhere, and everything else verifies.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { gunzipSync } from "node:zlib";
import { KMSClient } from "@aws-sdk/client-kms";
import { SFNClient } from "@aws-sdk/client-sfn";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readPublicKey } from "../../lib/aws/signer.js";
import { consoleData } from "../../lib/cli/console-data.js";
import { runProgram } from "../../lib/cli/program.js";
import { bucketArchive, evidenceOf } from "../../lib/client/archive.js";
import { type ExportJob, exportToFile } from "../../lib/client/export-file.js";
import { selectedRuns } from "../../lib/client/export-source.js";
import { executionHistory } from "../../lib/client/history.js";
import { oversightOf } from "../../lib/client/oversight.js";
import { reveal, vaultOf } from "../../lib/client/reveal.js";
import { shred, shredStores } from "../../lib/client/shred.js";
import { consoleHandler } from "../../lib/local/console/app.js";
import type { RecordedEvent } from "../../lib/run/events.js";
import type { RunRef } from "../../lib/run/keys.js";
import { of } from "../../lib/scenario/compare.js";
import { root } from "../../scripts/ensure.mjs";
import { AT, DISPUTE, Flow } from "../support/flow.js";

const CANARY = {
  claim: "canaryclaim8231",
  customer: "canarycustomer5517",
  subject: "canarysubject9904",
  comment: "canarycomment7743",
  rationale: "canaryrationale3382",
  summary: "canarysummary6610",
};
const ANY = new RegExp(Object.values(CANARY).join("|"));
const SAYS = `The customer says ${CANARY.rationale}.`;
const TURNS = [
  { tool: "stripe.lookup_charge", args: { charge_id: "ch_77" }, say: SAYS },
  { tool: "zendesk.get_ticket", args: { ticket_id: "4411" }, say: SAYS },
  { tool: "stripe.list_refunds", args: { customer_id: "cus_9" }, say: SAYS },
  { tool: "stripe.refund", args: { charge_id: "ch_77", amount_cents: 42_000, reason: "duplicate" }, say: SAYS },
  { tool: "zendesk.reply", args: { ticket_id: "4411", template: "refund-confirmed", amount_cents: 42_000 }, say: SAYS },
  { finish: { outcome: "refunded", summary: CANARY.summary } },
];
const TICKET = {
  id: 4411,
  status: "open",
  subject: CANARY.subject,
  comments: [{ author_id: 501, public: true, body: CANARY.comment }],
};
const STRIPE = { customers: [{ id: "cus_9", name: CANARY.customer, tier: "business", country: "NL" }] };

let flow: Flow;
let folder: string;
let dataDir: string;
let run: RunRef;
let events: readonly RecordedEvent[];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "countersign-canary-"));
  dataDir = join(folder, "data");
  mkdirSync(dataDir);
  flow = await Flow.open(undefined, false, dataDir);
  await flow.begin(TURNS, {
    "api.stripe.com": STRIPE,
    "acme.zendesk.com": { tickets: [TICKET] },
  });
  run = await flow.start({ ...DISPUTE, claim: CANARY.claim });
  await flow.asked(run);
});
afterAll(async () => {
  await flow.close();
  rmSync(folder, { recursive: true, force: true });
});

const filesIn = (where: string): string[] =>
  readdirSync(where).flatMap((name) => {
    const path = join(where, name);
    return statSync(path).isDirectory() ? filesIn(path) : [path];
  });
/** What a file says, also when it is packed. */
function textOf(file: string): string {
  const bytes = readFileSync(file);
  return (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes).toString("latin1");
}
/** Canaries by file of the cloud's data. */
const foundIn = (where: string): ReadonlyMap<string, readonly string[]> =>
  new Map(
    filesIn(where).flatMap((file) => {
      const text = textOf(file);
      const names = Object.entries(CANARY).flatMap(([name, value]) => (text.includes(value) ? [name] : []));
      return names.length === 0 ? [] : [[relative(where, file), names] as const];
    }),
  );
const someFileSays = (what: string, where: RegExp) =>
  filesIn(dataDir).some((file) => where.test(relative(dataDir, file)) && textOf(file).includes(what));

async function exported(name: string): Promise<Readonly<Record<"jsonl" | "csv" | "parquet" | "records", string>>> {
  const { workflow, tenant, runId } = run;
  const selection = { workflows: [workflow], run: { workflow, tenant, runId }, filter: {} };
  const evidence = await evidenceOf(await bucketArchive(flow.connection));
  const write = async (shape: ExportJob["shape"], format: ExportJob["format"]) => {
    const file = join(folder, `${name}.${shape}.${format}`);
    const signed = shape === "events" && format === "jsonl" ? { evidence } : {};
    await exportToFile(file, { v: 1, shape, format, selection }, () => selectedRuns(flow.connection, selection), {
      resume: false,
      ...signed,
    });
    return file;
  };
  const parquet = await parquetReadObjects({ file: await asyncBufferFromFile(await write("events", "parquet")) });
  return {
    jsonl: textOf(await write("events", "jsonl")),
    csv: textOf(await write("events", "csv")),
    parquet: JSON.stringify(parquet, (_name, value) => (typeof value === "bigint" ? String(value) : value)),
    records: textOf(await write("records", "jsonl")),
  };
}

/** The local console's pages, as a browser gets them. */
async function pages(): Promise<readonly string[]> {
  const handle = consoleHandler(consoleData(root, "dev", () => flow.session));
  const get = async (target: string) => {
    const answer = await handle({ method: "GET", target, headers: {}, body: Buffer.alloc(0), sourceIp: "127.0.0.1" });
    expect([target, answer?.status]).toEqual([target, 200]);
    return Buffer.from(answer?.body ?? "").toString("utf8");
  };
  const record = `/console/runs/${run.workflow}/${run.tenant}/${run.runId}`;
  return Promise.all(["/", record, `${record}/report`, "/mailbox", "/mailbox.json"].map(get));
}

async function command(...args: string[]): Promise<{ readonly code: number; readonly said: string }> {
  const lines: string[] = [];
  const say = (text: string) => void lines.push(text);
  return {
    code: await runProgram(args, { io: { out: say, err: say, terminal: false }, root }),
    said: lines.join("\n"),
  };
}

/** What the newest mail's link shows, and the console with it. */
async function expectHidden(): Promise<void> {
  const { link } = flow.challenge("ana@example.com");
  for (const accept of ["text/html", "application/json"]) {
    const shown = await (await fetch(link, { headers: { accept } })).text();
    expect(shown).toMatch(accept === "text/html" ? /only after sign-in/ : /on the page only/);
    expect(shown).not.toMatch(ANY);
  }
  for (const page of await pages()) expect(page).not.toMatch(ANY);
}

test("who holds only the link sees that there is something, and not what; then the run ends", async () => {
  await expectHidden();
  // from now on a field that nobody marked sensitive holds what was read as the subject: the next preview shows it
  flow.seed({ "api.stripe.com": STRIPE, "acme.zendesk.com": { tickets: [{ ...TICKET, status: CANARY.subject }] } });
  await flow.decide("ana@example.com", { decision: "approve", confirmation: "420.00" });
  await flow.asked(run);
  await expectHidden();
  // nor does a mailed code decide what is shown after sign-in alone: the time runs out
  await expect(flow.decide("ana@example.com", { decision: "approve" })).rejects.toThrow("shown only after sign-in");
  events = await flow.play(run);
  expect(events.at(-1)).toMatchObject({ type: "RunClosed", data: { outcome: { status: "refunded" } } });
  expect(of(events, "ApprovalRequested")).toHaveLength(2);
  expect(of(events, "ApprovalExpired")).toHaveLength(1);
  // what previews showed is on record, and of the second only what is not sensitive
  const hidden = { $commitment: expect.stringMatching(/^[0-9a-f]{64}$/) };
  expect(of(events, "ActionDecided").flatMap(({ data: { preview } }) => preview?.after ?? [])).toEqual([
    expect.objectContaining({ refunded_cents: 42_000 }),
    expect.objectContaining({ ticket: "4411", status: hidden, public_comments: 2 }),
  ]);
});

describe("what is sensitive is", () => {
  test("in no event, export, history, mail, Slack message, report or console page", async () => {
    const { StateMachineArn } = await flow.connection.workflow("billing-dispute");
    const operator = new SFNClient(flow.connection.client("operator"));
    const history = JSON.stringify(await executionHistory(operator, StateMachineArn, run.runId));
    expect(history).toContain('"sealed\\');
    expect(history).not.toMatch(ANY);
    expect(JSON.stringify(events)).not.toMatch(ANY);
    for (const [format, text] of Object.entries(await exported("before"))) {
      expect([format, text]).toEqual([format, expect.stringContaining(run.runId)]);
      expect(text).not.toMatch(ANY);
    }
    const mails = flow.session.cloud.ses.mailbox.list();
    const messages = flow.session.slack?.workspace.list() ?? [];
    expect([mails.length, messages.length].every((count) => count > 0)).toBe(true);
    expect(JSON.stringify([mails, messages])).not.toMatch(ANY);
    const [, record, report] = await pages();
    expect(record).toContain("RunClosed");
    expect(report).toContain("which checks passed that should have caught it");
    for (const page of await pages()) expect(page).not.toMatch(ANY);
  });

  test("in no table, archive, log line, ledger row or history on disk, only in contexts, calls and views, which S3 seals", async () => {
    // what is searched can be read: tables, archive, logs and executions have what is not sensitive in clear
    expect(someFileSays("stripe.refund#acme", /journal\.jsonl$/)).toBe(true);
    expect(someFileSays('"type":"RunClosed"', /archive.*\.bin$/i)).toBe(true);
    expect(someFileSays(run.runId, /^logs\//)).toBe(true);
    const found = foundIn(dataDir);
    // Told apart by their bucket: S3 seals these with KMS, and only their readers open them.
    const sealed = /^s3\/[^/]*context[^/]*\//i;
    expect([...found.keys()].filter((file) => !sealed.test(file))).toEqual([]);
    // and the search does find: the model was told all of it
    expect(new Set([...found.values()].flat())).toEqual(
      new Set(["claim", "customer", "subject", "comment", "rationale"]),
    );
  });
});

const breakGlass = async (nowMs: number) =>
  reveal(
    { vault: await vaultOf(flow.connection), oversight: await oversightOf(flow.connection, "break-glass") },
    { run, events, by: "ana@example.com", reason: "chargeback", nowMs },
  );
const auditing = () => oversightOf(flow.connection, "auditor");

test("break-glass shows all of it, each value checked against its commitment, and leaves its record without a value", async () => {
  const { values, unknown } = await breakGlass(AT);
  expect(unknown).toEqual([]);
  const shown = JSON.stringify(values);
  for (const canary of Object.values(CANARY)) expect(shown).toContain(canary);
  const inPreview = values.filter(({ field }) => /^preview\.(before|after)\.status$/.test(field));
  expect(inPreview.map(({ value }) => value)).toEqual([CANARY.subject, CANARY.subject]);
  const readings = await (await auditing()).readings();
  expect(readings).toMatchObject([{ by: "ana@example.com", reason: "chargeback", run_id: run.runId }]);
  expect(readings[0]?.fields).toEqual(values.map(({ seq, field }) => ({ seq, field })));
  expect(JSON.stringify(readings)).not.toMatch(ANY);
});

describe("after shredding", () => {
  let before: Awaited<ReturnType<typeof exported>>;
  let pem: string;
  beforeAll(async () => {
    before = await exported("kept");
    pem = join(folder, "notary.pem");
    const { NotaryKey } = await flow.connection.controlPlane();
    writeFileSync(pem, await readPublicKey(new KMSClient(flow.connection.client("auditor")), NotaryKey));
    await shred(await shredStores(flow.connection), await oversightOf(flow.connection, "shredder"), {
      run,
      events,
      by: "dpo@example.com",
      reason: "asked to be forgotten",
      nowMs: AT,
    });
  });

  test("it is in no byte that the cloud keeps, and break-glass finds nothing to open it with", async () => {
    expect([...foundIn(dataDir)]).toEqual([]);
    await expect(breakGlass(AT + 1)).rejects.toMatchObject({ code: "CS-5014" });
    expect(await (await auditing()).shreddings()).toMatchObject([{ by: "dpo@example.com", run_id: run.runId }]);
    // that somebody tried is on record too
    expect(await (await auditing()).readings()).toHaveLength(2);
  });

  test("exports are the same to the byte, and verify with the notary's key; report and replay go on", async () => {
    expect(await exported("after")).toEqual(before);
    const file = join(folder, "after.events.jsonl");
    const verified = await command("run", "verify", file, "--key", pem);
    expect(verified).toMatchObject({ code: 0, said: expect.stringMatching(/1 of 1 runs, (\d+) of \1 records valid/) });
    expect(await command("run", "report", file, "--out", join(folder, "report.html"))).toMatchObject({ code: 0 });
    expect(textOf(join(folder, "report.html"))).toContain("The record holds");
    expect(await command("run", "replay", file)).toMatchObject({
      code: 0,
      said: expect.stringContaining("1 of 1 runs identical"),
    });
  });
});
