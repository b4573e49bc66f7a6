/** Every role against every attack, as signed SDK calls to the running cloud: each gains its own grants, by name, and nothing else. */
import { beforeAll, describe, expect, test } from "vitest";
import { startRun } from "../../lib/client/front-door.js";
import { DISPUTE, FINISH, Flow } from "../support/flow.js";
import { attacks, gains } from "../support/isolation-attacks.js";
import { prepareTargets } from "../support/isolation-deployment.js";
import type { Targets } from "../support/isolation-targets.js";

let flow: Flow;
let targets: Targets;
beforeAll(async () => {
  flow = await Flow.shared();
  targets = await prepareTargets(flow);
});

const WRITER = [
  "log: query own run",
  "log: insert",
  "budgets: read",
  "budgets: reset",
  "vault: read own",
  "vault: write own",
];
const WRITER_OF_CONTEXT = ["control: read the brake", "context: read own", "context: write own"];
const READ_APPROVALS = [
  "approvals: read a request and its token",
  "approvals: read decisions",
  "approvals: read a link",
];
const READ_LOG = ["log: query own run", "log: query another workflow", "log: list runs", "log: get"];
const FIND_RUNS = ["log: query own run", "log: query another workflow", "log: list runs"];
const READ_RUNS = ["machine: describe an execution", "machine: read a history", "machine: list executions"];
const tool = (secret: string, name?: string) => [
  "log: query own run",
  "control: read the brake",
  `secrets: ${secret}`,
  ...(name === undefined ? [] : [`effects: read ${name}'s`, `effects: claim ${name}'s`]),
];

/** role, by zone and a part of its name → what it gains */
const GAINS: readonly (readonly [zone: string, part: string, gained: readonly string[]])[] = [
  ["propose", "propose", ["context: read own", "model: own"]],
  ["log-writer", "admit", [...WRITER, ...WRITER_OF_CONTEXT, "machine: start", "machine: describe an execution"]],
  [
    "log-writer",
    "decide",
    [
      ...WRITER,
      ...WRITER_OF_CONTEXT,
      "approvals: read decisions",
      "calls: put out",
      "effects: read refund's",
      "effects: read reply's",
      "invoke: preview-stripe-refund",
      "policies: ask",
    ],
  ],
  [
    "log-writer",
    "closerun",
    [...WRITER, "effects: read refund's", "effects: read reply's", "machine: describe an execution"],
  ],
  ["tool", "stripelookup", tool("stripe")],
  ["tool", "stripelist", tool("stripe")],
  ["tool", "striperefund", tool("stripe", "refund")],
  ["tool", "zendeskget", tool("zendesk")],
  ["tool", "zendeskreply", tool("zendesk", "reply")],
  ["preview", "stripe", ["secrets: stripe"]],
  ["preview", "zendesk", ["secrets: zendesk"]],
  [
    "approval-request",
    "request",
    ["approvals: read a request and its token", "keys: seal a task token", "mail: as the desk"],
  ],
  ["approval-desk", "desk", [...READ_APPROVALS, "approvals: decide", "control: read the brake"]],
  [
    "approval-slack",
    "slack",
    [
      "approvals: read a request and its token",
      "approvals: read decisions",
      "approvals: decide",
      "control: read the brake",
    ],
  ],
  ["approval-clock", "clock", []],
  ["notary", "notary", ["log: query own run", "log: query another workflow", "log: list runs"]],
  [
    "approval-sender",
    "sender",
    [...READ_APPROVALS, "keys: open a task token", "machine: answer a task token: InvalidToken", "mail: as the desk"],
  ],
  [
    "machine",
    "run",
    [
      "invoke: propose",
      "invoke: decide",
      "invoke: request-approval",
      "invoke: tool-stripe-refund",
      "invoke: tool-zendesk-reply",
    ],
  ],
  ["people", "requester", ["stacks: describe"]],
  ["people", "approver", [...READ_APPROVALS, "stacks: describe"]],
  [
    "people",
    "auditor",
    [
      ...READ_LOG,
      ...READ_APPROVALS,
      ...READ_RUNS,
      "effects: read refund's",
      "effects: read reply's",
      "control: read the brake",
      "oversight: read readings",
      "oversight: read shreddings",
      "oversight: read reviews",
      "oversight: record a review",
      "stacks: describe",
    ],
  ],
  [
    "people",
    "operator",
    [
      ...READ_LOG,
      ...READ_RUNS,
      "control: read the brake",
      "control: lift the brake",
      "machine: stop",
      "stacks: describe",
    ],
  ],
  [
    "people",
    "breakglass",
    [
      ...FIND_RUNS,
      "vault: read own",
      "vault: read another workflow: NoSuchKey",
      "vault: list",
      "oversight: read readings",
      "oversight: record a reading",
      "oversight: read shreddings",
      "stacks: describe",
    ],
  ],
  [
    "people",
    "shredder",
    [
      ...FIND_RUNS,
      "vault: list versions",
      "vault: delete a version of a key",
      "context: delete a version",
      "oversight: read shreddings",
      "oversight: record a shredding",
      "stacks: describe",
    ],
  ],
];

describe("of everything that can be named, a role's own credentials gain", () => {
  test.each(GAINS)("%s %s", async (zone, part, gained) => {
    expect((await gains(flow.as(flow.roleOf(`/${zone}/`, part)), targets)).sort()).toEqual([...gained].sort());
  });

  test("every role of the template is in the table, and every attack is a different call", () => {
    const listed = GAINS.map(([zone, part]) => flow.roleOf(`/${zone}/`, part));
    expect(listed.sort()).toEqual(
      flow.session.cloud.roles
        .list()
        .map(({ arn }) => arn)
        .sort(),
    );
    expect(Object.keys(attacks({ maxAttempts: 1 }, targets)).length).toBeGreaterThan(80);
  });

  test("credentials of nobody gain nothing, nor do a role's with another's token", async () => {
    const propose = flow.as(flow.roleOf("/propose/"));
    const admit = flow.as(flow.roleOf("/log-writer/", "admit"));
    const unknown = { ...propose.credentials, accessKeyId: "ASIAABCDEFGHIJKLMNOP" };
    const mixed = { ...admit.credentials, sessionToken: propose.credentials.sessionToken };
    for (const credentials of [unknown, mixed, { ...admit.credentials, secretAccessKey: "guessed" }]) {
      const failures = await gains({ ...admit, credentials }, targets);
      expect(failures.length).toBe(Object.keys(attacks({ maxAttempts: 1 }, targets)).length);
      for (const failure of failures)
        expect(failure).toMatch(
          /: (?:UnrecognizedClient|InvalidSignature|InvalidClientTokenId|SignatureDoesNotMatch|InvalidAccessKeyId|InvalidToken)/,
        );
    }
  });

  test("nothing of it changed the run: the same log, and no effect", async () => {
    targets = await prepareTargets(flow);
    const run = { workflow: "billing-dispute", tenant: "acme", runId: targets.runId };
    const before = await flow.reader.events(run);
    const harmless = ["/propose/", "/preview/", "/approval-request/"].flatMap((zone) =>
      flow.session.cloud.roles
        .list()
        .map(({ arn }) => arn)
        .filter((arn) => arn.includes(zone)),
    );
    for (const arn of harmless) await gains(flow.as(arn), targets);
    expect(await flow.settled(run)).toEqual(before);
    expect(flow.refunds()).toEqual({ refunds: [] });
  });
});

test("the front door opens to the requester's role alone", async () => {
  await flow.begin([FINISH]);
  for (const { arn } of flow.session.cloud.roles.list()) {
    const attempt = startRun({ ...flow.connection, client: () => flow.as(arn) }, "billing-dispute", {
      input: { ...DISPUTE },
    });
    if (arn === flow.roleOf("/people/", "requester")) await expect(attempt).resolves.toMatchObject({ tenant: "acme" });
    else await expect(attempt, arn).rejects.toMatchObject({ details: { status: 403 } });
  }
});
