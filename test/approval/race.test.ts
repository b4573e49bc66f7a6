/** Many answers at once, and crashes anywhere: one outcome, everybody told the truth, nothing lost, nothing done twice. */
import { beforeEach, expect, test, vi } from "vitest";
import { createHandler } from "../../lambdas/approval-sender/serve.js";
import { edit } from "../../lib/approval/act.js";
import { newCode } from "../../lib/approval/code.js";
import { type DecideDeps, decideApproval } from "../../lib/approval/decide.js";
import { type Question, readQuestion, stateOf } from "../../lib/approval/question.js";
import { Refusal } from "../../lib/approval/refusal.js";
import type { Who } from "../../lib/approval/who.js";
import type { Approvals } from "../../lib/aws/approvals.js";
import { resolveApproval } from "../../lib/run/approvals.js";
import { askedOf, closingOf } from "../../lib/run/closing.js";
import { viewHash } from "../../lib/run/hash.js";
import type { ApprovalView } from "../../lib/run/protocol.js";
import type { Pending } from "../../lib/run/state.js";
import { memoryApprovals } from "../support/memory-approvals.js";
import { approvalViewOf } from "./fixture.js";

beforeEach(() => void vi.spyOn(console, "log").mockImplementation(() => {}));

/** A small generator, so that a run that failed can be run again. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const PEOPLE = ["ana", "bo", "cy", "di", "ed"].map((name) => `${name}@example.com`);
const METHODS = [
  ["page", "oidc"],
  ["slack", "slack"],
  ["cli", "iam"],
] as const;
const NOW = Date.parse("2026-11-21T13:10:00.000Z");

const depsOf = (approvals: Approvals): DecideDeps => ({
  stage: "dev",
  approvals,
  control: { readBrake: async () => undefined },
  nowMs: () => NOW,
});
const refOf = (view: ApprovalView) => ({ workflow: view.workflow, approvalId: view.approval_id });
const viewFor = (index: number, needed: number) =>
  approvalViewOf({ approval_id: `ap_race_${index}`, needed, approvers: PEOPLE, sign_in: "required" });

interface Click {
  readonly approver: string;
  readonly decision: "approve" | "reject" | "edit";
  readonly told: Question | Refusal;
}

async function click(deps: DecideDeps, view: ApprovalView, rand: () => number): Promise<Click> {
  const approver = PEOPLE[Math.floor(rand() * PEOPLE.length)] ?? "";
  const [channel, method] = METHODS[Math.floor(rand() * METHODS.length)] ?? METHODS[0];
  const who: Who = { approver, channel, method, subject: approver };
  const roll = rand();
  const decision = roll < 0.6 ? "approve" : roll < 0.95 ? "reject" : "edit";
  const what = { confirmation: "420.00", comment: "because", shown: viewHash(view) };
  try {
    const told =
      decision === "edit"
        ? await edit(deps, who, refOf(view), { args: { ...view.args, amount_cents: 1 } })
        : await decideApproval(deps, who, refOf(view), { ...what, decision });
    return { approver, decision, told };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { approver, decision, told: error };
  }
}

/** What a person was told agrees with how it ended. */
function truthful({ approver, decision, told }: Click, end: Question): boolean {
  const mine = end.closing?.by.includes(approver) ?? false;
  const won = { approve: "approved", reject: "rejected", edit: "edited" }[decision] === end.closing?.kind && mine;
  if (told instanceof Refusal) {
    // Told how it ended: so it did. Told that they had decided before: they had.
    if (told.code === "CS-2106") return told.message.includes(`was ${end.closing?.kind} by ${end.closing?.by[0]}`);
    return told.code === "CS-2122" ? end.closing?.kind === "edited" : told.code === "CS-2107" && hasRow(end, approver);
  }
  const state = stateOf(told, NOW).kind;
  // Told that it is decided: that is how it ended. Told that it is open: others were needed then.
  return state === "open" ? hasRow(end, approver) : state === end.closing?.kind && (won || hasRow(end, approver));
}
const hasRow = (end: Question, person: string) =>
  end.decisions.some(({ approver }) => approver === person) ||
  end.acts.some((act) => act.kind === "edit" && act.by === person);

/** The gate's view of the same rows. */
function gateSees(view: ApprovalView, end: Question) {
  const requested = {
    ...view,
    view_hash: viewHash(view),
    type: "p",
    policies: [],
    typed_confirmation: true,
    preview_hash: null,
  };
  const pending = { requested } as unknown as Pending;
  return resolveApproval(pending, end, view.requester, NOW);
}

test("100 approvals, 50 answers at once each: one outcome, every click is told the truth, the gate says the same", async () => {
  const rand = random(7);
  const pause = () => (rand() < 0.5 ? Promise.resolve() : new Promise<void>((resolve) => setImmediate(resolve)));
  const { approvals } = memoryApprovals(pause);
  const deps = depsOf(approvals);
  const kinds = new Set<string>();
  for (let index = 0; index < 100; index++) {
    const view = viewFor(index, index % 2 === 0 ? 1 : 2);
    await approvals.insertRequest(view);
    const clicks = await Promise.all(Array.from({ length: 50 }, () => click(deps, view, rand)));
    const end = await readQuestion(deps, refOf(view));
    expect(end.closing, `approval ${index}`).not.toBeNull();
    kinds.add(end.closing?.kind ?? "");
    expect(
      clicks.filter((one) => !truthful(one, end)).map(({ told }) => `${told}`),
      `approval ${index}`,
    ).toEqual([]);
    // Each person once; whoever won was told so.
    expect(new Set(end.decisions.map(({ approver }) => approver)).size).toBe(end.decisions.length);
    const seen = gateSees(view, end);
    expect(seen.kind).toBe(end.closing?.kind);
    if (seen.kind === "approved") expect(seen.decisions).toHaveLength(view.needed);
    if (seen.kind === "rejected") {
      expect(seen.decisions.filter(({ decision }) => decision === "reject")).toHaveLength(1);
      expect(seen.decisions.length).toBeLessThanOrEqual(view.needed);
    }
  }
  expect([...kinds].sort()).toEqual(["approved", "edited", "rejected"]);
}, 60_000);

class Crash extends Error {}

test("a crash before or after any row, send or answer loses no decision and applies none twice", async () => {
  // How many operations one decision and its sending take, then one world for each place to die.
  const quiet = await life(Number.POSITIVE_INFINITY);
  expect(quiet.crashed).toBe(false);
  expect(quiet.operations).toBeGreaterThan(20);
  for (let at = 1; at <= quiet.operations; at++) {
    const { answered, end, followUps, decided } = await life(at);
    expect(decided, `crash at ${at}`).toBe(true);
    expect(end.closing?.kind, `crash at ${at}`).toBe("approved");
    expect(end.decisions, `crash at ${at}`).toHaveLength(1);
    expect(answered.size, `crash at ${at}`).toBe(1);
    // A mail whose row was not written goes out twice; never none.
    for (const count of followUps.values()) expect([1, 2], `crash at ${at}`).toContain(count);
    expect(followUps.size, `crash at ${at}`).toBe(2);
  }
}, 60_000);

/** A person decides and presses again when the page fails; the stream brings each record until it is followed. */
async function life(crashAt: number) {
  let operations = 0;
  const step = async () => {
    operations += 1;
    if (operations === crashAt) throw new Crash(`died at operation ${crashAt}`);
  };
  const view = approvalViewOf({ approval_id: "ap_crash", sign_in: "required" });
  const ref = refOf(view);
  let armed = false;
  const { approvals, stream } = memoryApprovals(async () => (armed ? step() : undefined));
  await approvals.insertRequest(view);
  await approvals.insertToken(ref, { tokenHash: "t", sealed: "sealed" });
  for (const to of view.approvers)
    await approvals.insertSent(ref, { channel: "mail", kind: "asked", to, at: view.requested_at, ref: "1" });
  const answered = new Map<string, number>();
  const followUps = new Map<string, number>();
  const deps = depsOf(approvals);
  const sender = createHandler({
    ...deps,
    approvals,
    tokens: {
      async answer(_, sealed) {
        await (armed ? step() : undefined);
        const count = answered.get(sealed) ?? 0;
        answered.set(sealed, count + 1);
        await (armed ? step() : undefined);
        return count === 0 ? "answered" : "gone";
      },
    },
    mailer: {
      async send({ to, subject }) {
        await (armed ? step() : undefined);
        if (subject.startsWith("Approved")) followUps.set(to, (followUps.get(to) ?? 0) + 1);
        await (armed ? step() : undefined);
        return "message";
      },
    },
    deskUrl: "https://desk.example",
    newLink: () => ({ linkId: "l".repeat(32), code: newCode(), salt: "0".repeat(32) }),
  });
  const start = stream.length;
  armed = true;
  let crashed = false;
  const who: Who = { approver: "ana@example.com", channel: "page", method: "oidc", subject: "ana" };
  const press = () => decideApproval(deps, who, ref, { decision: "approve", confirmation: "420.00", comment: "" });
  await press().catch(async (error) => {
    if (!(error instanceof Crash)) throw error;
    crashed = true;
    await press().catch((again) => {
      if (!(again instanceof Refusal)) throw again;
    });
  });
  for (let read = start; read < stream.length; ) {
    const row = stream[read];
    const Keys = { pk: { S: row?.pk ?? "" }, sk: { S: row?.sk ?? "" } };
    const { batchItemFailures } = await sender({ Records: [{ dynamodb: { SequenceNumber: String(read), Keys } }] });
    if (batchItemFailures.length === 0) read += 1;
    else crashed = true;
  }
  armed = false;
  const end = await readQuestion(deps, ref);
  return { operations, crashed, answered, followUps, end, decided: end.decisions.length > 0 };
}

test("when two answers end it at the same moment, the row says which, also to a desk that saw more", () => {
  const view = viewFor(0, 1);
  const asked = askedOf(view, viewHash(view));
  const row = (approver: string, decision: "approve" | "reject") => ({
    approval_id: view.approval_id,
    approver,
    decision,
    channel: "page" as const,
    method: "oidc" as const,
    comment: "x",
    decided_at: "2026-11-21T13:05:00.000Z",
    action_hash: view.action_hash,
    policy_set_hash: view.policy_set_hash,
    view_hash: viewHash(view),
  });
  const rows = [row("ana@example.com", "approve"), row("bo@example.com", "reject")];
  expect(closingOf(asked, rows, [], NOW)).toMatchObject({ kind: "rejected", by: ["bo@example.com"] });
  expect(closingOf(asked, rows.slice(0, 1), [], NOW)).toMatchObject({ kind: "approved", by: ["ana@example.com"] });
});
