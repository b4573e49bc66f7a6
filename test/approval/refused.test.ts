/**
 * Who and what is refused, in one table: each with a code and words of its own, nothing decided, and a record of it where people or auditors
 * look: a row that the gate puts into the log, the log itself, or (for who cannot even sign) the function's log alone.
 */
import { beforeEach, describe, expect, test, vi } from "vitest";
import { createHandler as createSlack } from "../../lambdas/approval-slack/serve.js";
import { decideApproval } from "../../lib/approval/decide.js";
import { Refusal } from "../../lib/approval/refusal.js";
import type { Choice, Who } from "../../lib/approval/who.js";
import { sha256Hex } from "../../lib/run/canonical.js";
import type { ApprovalView } from "../../lib/run/protocol.js";
import { askedMessage } from "../../lib/slack/messages.js";
import { slackSignature } from "../../lib/slack/signature.js";
import { act, lookedUp, REFUND, usualPolicy, type World } from "../run/support.js";
import { Desk } from "./desk-in-memory.js";

const [ana, bo] = ["ana@example.com", "bo@example.com"];
const SECRET = "8f742231b10e8888abcd99yyyzzz85a5";
const APPROVE: Choice = { decision: "approve", confirmation: "420.00", comment: "" };
const REVERSIBLE = { reversibility: "reversible", typed_confirmation: null, slack_users: { [ana]: "U0ANA" } } as const;
let said: string[] = [];
beforeEach(() => {
  said = [];
  vi.spyOn(console, "log").mockImplementation((line) => void said.push(String(line)));
});

const signedIn = (approver: string): Who => ({ approver, channel: "page", method: "oidc", subject: approver });
/** With nothing but the link of ana's mail. */
const byLink = (desk: Desk): Who => {
  const link = desk.wayOf(ana).path.split("/").at(-1) ?? "";
  return { approver: ana, channel: "page", method: "code", subject: `link:${sha256Hex(link).slice(0, 32)}`, link };
};
const codeOf = (desk: Desk) => desk.wayOf(ana).code;

interface Case {
  readonly view?: Partial<ApprovalView>;
  readonly stopped?: boolean;
  before?(desk: Desk): Promise<unknown>;
  who(desk: Desk): Who;
  choice?(desk: Desk): Partial<Choice>;
  readonly code: string;
  readonly words: RegExp;
}
const PEOPLE: Readonly<Record<string, Case>> = {
  "who asked for the run": {
    view: { approvers: [ana, "dana@example.com"] },
    who: () => signedIn("dana@example.com"),
    code: "CS-2111",
    words: /dana@example\.com asked for this run/,
  },
  "one person a second time": {
    view: { needed: 2, sign_in: "required" },
    before: (desk) => decideApproval(desk.deps, signedIn(ana), desk.ref, APPROVE),
    who: () => ({ ...signedIn("ANA@example.com"), channel: "cli", method: "iam" }),
    code: "CS-2107",
    words: /has decided already/,
  },
  "a stranger": { who: () => signedIn("eve@example.com"), code: "CS-2118", words: /not among the people/ },
  "a forwarded link without its code": { who: byLink, code: "CS-2102", words: /type the eight letters and digits/ },
  "a forwarded link with a guessed code": {
    who: byLink,
    choice: () => ({ code: "ABCDEFGH" }),
    code: "CS-2103",
    words: /this code is wrong; 4 tries left/,
  },
  "a mailed code where two people must decide": {
    view: { needed: 2, sign_in: "required" },
    who: byLink,
    choice: (desk) => ({ code: codeOf(desk) }),
    code: "CS-2120",
    words: /not enough where two people must decide/,
  },
  "an approval while the workflow is stopped": {
    stopped: true,
    who: () => signedIn(ana),
    code: "CS-2110",
    words: /is stopped since 2026-11-21T13:00:30\.000Z/,
  },
  "an approval after the run was stopped": {
    before: (desk) => desk.approvals.insertOutcome(desk.ref, outcome("stopped")),
    who: () => signedIn(ana),
    code: "CS-2124",
    words: /the run ended before/,
  },
  "an approval after the time": {
    before: async (desk) => {
      desk.nowMs = Date.parse(desk.view.deadline);
    },
    who: () => signedIn(ana),
    code: "CS-2105",
    words: /expired at 2026-11-21T17:00:00\.000Z without a decision/,
  },
  "an approval of what did not hold any more": {
    before: (desk) => desk.approvals.insertOutcome(desk.ref, outcome("voided")),
    who: () => signedIn(ana),
    code: "CS-2123",
    words: /no longer holds|did not hold|void/,
  },
};
const outcome = (kind: "stopped" | "voided") => ({
  kind,
  at: "2026-11-21T13:00:40.000Z",
  reasons: ["the refund is denied by policy now"],
  next_approval_id: null,
});

describe("a person is refused, and that is on record", () => {
  const words = new Map<string, string>();
  test.each(Object.entries(PEOPLE))(
    "%s",
    async (name, { view = {}, stopped, before, who, choice, code, words: said }) => {
      const desk = await new Desk(view).ask();
      await before?.(desk);
      const rows = await desk.approvals.readDecisions(desk.ref);
      const brake = { on: true, by: "op", at: "2026-11-21T13:00:30.000Z", reason: "look first" };
      const deps = { ...desk.deps, ...(stopped ? { control: { readBrake: async () => brake } } : {}) };
      const asks = { ...APPROVE, ...choice?.(desk) };
      const refused = await decideApproval(deps, who(desk), desk.ref, asks).catch((error: unknown) => error);
      if (!(refused instanceof Refusal)) throw new Error(`${name} was not refused`);
      expect(refused.code).toBe(code);
      expect(refused.message).toMatch(said);
      expect([...words.values()], "a message of its own").not.toContain(refused.message);
      words.set(name, refused.message);
      const { approver, channel } = who(desk);
      expect(await desk.approvals.readActs(desk.ref)).toContainEqual(
        expect.objectContaining({ kind: "refused", code, who: approver, channel }),
      );
      expect(await desk.approvals.readDecisions(desk.ref)).toEqual(rows);
    },
  );
});

describe("a Slack request is refused", () => {
  const slackOf = (desk: Desk) =>
    createSlack({
      ...desk.deps,
      signingSecret: async () => SECRET,
      slack: { openModal: async () => undefined },
    });
  async function asked() {
    const desk = await new Desk(REVERSIBLE).ask();
    const value = JSON.stringify(askedMessage(desk.view, null).blocks).match(/"value":"((?:[^"\\]|\\.)*)"/)?.[1] ?? "";
    return { desk, value: JSON.parse(`"${value}"`) };
  }
  const bodyOf = (value: string, user: string) =>
    new URLSearchParams({
      payload: JSON.stringify({
        type: "block_actions",
        user: { id: user, team_id: "T0LOCAL" },
        team: { id: "T0LOCAL" },
        trigger_id: "t1",
        actions: [{ type: "button", action_id: "approve", block_id: "decide", value }],
      }),
    }).toString();
  const send = (desk: Desk, body: string, { ageMs = 0, secret = SECRET } = {}) => {
    const timestamp = String(Math.floor((desk.nowMs - ageMs) / 1000));
    const headers = {
      "x-slack-request-timestamp": timestamp,
      "x-slack-signature": slackSignature(secret, timestamp, Buffer.from(body)),
    };
    return slackOf(desk)({ headers, body });
  };

  test.each([
    ["wrongly signed", "U0ANA", { secret: "another" }, 401, "CS-2142", []],
    ["stale", "U0ANA", { ageMs: 301_000 }, 401, "CS-2143", ["CS-2143"]],
    ["of a member whom the contract does not name", "U0EVE", {}, 200, "", ["CS-2140"]],
  ] as const)("%s", async (_, user, how, status, inBody, onRecord) => {
    const { desk, value } = await asked();
    const answer = await send(desk, bodyOf(value, user), how);
    expect(answer.statusCode).toBe(status);
    expect(answer.body).toContain(inBody);
    const acts = await desk.approvals.readActs(desk.ref);
    expect(acts.flatMap((one) => (one.kind === "refused" ? [one.code] : []))).toEqual(onRecord);
    expect(await desk.approvals.readDecisions(desk.ref)).toEqual([]);
    expect(said.join("\n")).toContain(inBody === "" ? "CS-2140" : inBody);
  });

  test("sent again: one decision, and the first answer", async () => {
    const { desk, value } = await asked();
    const body = bodyOf(value, "U0ANA");
    const [first, again] = [await send(desk, body), await send(desk, body)];
    expect(again).toEqual(first);
    expect(await desk.approvals.readDecisions(desk.ref)).toMatchObject([{ approver: ana, channel: "slack" }]);
  });
});

describe("the gate refuses what rows and callbacks claim, and the log says why", () => {
  const asking = (): World => {
    const world = lookedUp();
    world.propose(act("stripe.refund", REFUND));
    return world;
  };
  const decided = (world: World) => world.data("ActionDecided");

  test("a task token sent straight to Step Functions: nobody has decided, so people are still asked, and that is on record once", () => {
    const world = asking();
    const before = world.events.length;
    for (let again = 0; again < 2; again++) {
      world.approval({ calledBack: true });
      expect(world.last).toMatchObject({ decision: "ask" });
    }
    expect(world.events.slice(before)).toMatchObject([
      { type: "ApprovalNoted", data: { kind: "refusal", by: "whoever answered the task token", code: "CS-3135" } },
    ]);
    world.decides(ana).approval({ calledBack: true });
    expect(decided(world)).toMatchObject({ tool: "stripe.refund", decision: "permit", approvals: 1 });
  });

  test("people who could not be asked are no callback: they are asked again, and nothing is written", () => {
    const world = asking();
    const before = world.events.length;
    world.approval();
    expect(world.last).toMatchObject({ decision: "ask" });
    expect(world.events).toHaveLength(before);
  });

  test("an approval under policies that meanwhile deny", () => {
    const world = asking();
    world.policy = (facts) => (facts.tool.name === "stripe.refund" ? { ...DENIED } : usualPolicy(facts));
    world.decides(ana).approval();
    // The one permit is the lookup's.
    expect(world.types().filter((type) => type === "ActionPermitted")).toHaveLength(1);
    expect(decided(world)).toMatchObject({ tool: "stripe.refund", decision: "deny", approvals: 1 });
    expect(decided(world).policy?.denied_by).toEqual(["frozen"]);
    expect(decided(world).reasons.join()).toMatch(/frozen/);
  });

  test("an approver who is removed from the contract while it waits", () => {
    const world = asking();
    world.decides(bo);
    const { approvers } = world.contract;
    world.contract = { ...world.contract, approvers: { ...approvers, first: [ana], escalate: [], delegates: [] } };
    world.hashes = { ...world.hashes, contractHash: "f".repeat(64) };
    world.approval();
    expect(decided(world)).toMatchObject({ decision: "deny" });
    expect(decided(world).reasons).toContain(`CS-3131 ${bo} decided and is no approver of the contract any more`);
  });
});
const DENIED = { allowed: false, determining: ["frozen"], errors: [] };
