import { describe, expect, it } from "vitest";
import * as z from "zod";
import { deskWith, deskWithTool, faultsOf } from "./fixture.js";

const strict = (shape: z.ZodRawShape) => z.strictObject(shape);
const refundInput = {
  charge_id: z.string(),
  amount_cents: z.int().positive(),
  reason: z.string(),
  note: z.string().optional(),
};
const caseInput = {
  case_id: z.string(),
  customer_id: z.string(),
  charge_id: z.string(),
  opened_at: z.iso.datetime(),
  complaint: z.string(),
};
const plan = (steps: unknown) => ({ kind: "plan", steps, outcome: "refunded" });

const two = { first: ["a@example.com", "b@example.com"] };
function people(): readonly (readonly [string, unknown, readonly string[]])[] {
  return [
    [
      "a group that escalation and delegates do not have",
      deskWith({
        approvers: { ...two, escalate: [{ after: { hours: 1 }, to: ["group:leads"] }], delegates: ["group:x"] },
      }),
      [
        'CS-1006 contract.approvers.delegates[0]: "group:x" is not a group of this contract; define it in approvers.groups (contract.ts)',
        'CS-1006 contract.approvers.escalate[0].to[0]: "group:leads" is not a group of this contract; define it in approvers.groups (contract.ts)',
      ],
    ],
    [
      "escalation out of order, and after silence denies",
      deskWith({
        approvers: {
          ...two,
          timeLimit: { hours: 2 },
          escalate: [
            { after: { hours: 1 }, to: ["c@example.com"] },
            { after: { minutes: 30 }, to: ["d@example.com"] },
            { after: { hours: 2 }, to: ["e@example.com"] },
          ],
        },
        limits: { runTime: { hours: 3 } },
      }),
      [
        'CS-1026 contract.approvers.escalate[1].after: "30 min" is not after the escalation before it (1 h); order them by time, before the time limit (contract.ts)',
        'CS-1026 contract.approvers.escalate[2].after: "2 h" is not before the time limit (2 h); order them by time, before the time limit (contract.ts)',
      ],
    ],
    [
      "reminders out of order",
      deskWith({ approvers: { ...two, remindAt: [50, 50] } }),
      [
        "CS-1026 contract.approvers.remindAt[1]: 50 is not later than the reminder before it; use rising percents: [50, 90] (contract.ts)",
      ],
    ],
    [
      "a reminder after the end",
      deskWith({ approvers: { ...two, remindAt: [100] } }),
      [
        "CS-1004 contract.approvers.remindAt[0]: 100 is too large; use a whole percent of the time limit from 1 to 99 (contract.ts)",
      ],
    ],
    [
      "a way to sign in that there is not",
      deskWith({ approvers: { ...two, signIn: "oidc" } }),
      ['CS-1004 contract.approvers.signIn: "oidc" is not allowed; use "code" or "required" (contract.ts)'],
    ],
    [
      "Slack users who may not approve, and two people who are one",
      deskWith({
        approvers: {
          ...two,
          slack: {
            users: { "eve@example.com": "U0AAAAAA1", "a@example.com": "U0AAAAAA2", "b@example.com": "U0AAAAAA2" },
          },
        },
      }),
      [
        'CS-1006 contract.approvers.slack.users["eve@example.com"]: "eve@example.com" is nobody who may approve; did you mean "a@example.com"? (contract.ts)',
        'CS-1006 contract.approvers.slack.users["b@example.com"]: "U0AAAAAA2" is the Slack user of a@example.com already; give each person their own (contract.ts)',
      ],
    ],
    [
      "a Slack id that is none",
      deskWith({ approvers: { ...two, slack: { users: { "a@example.com": "ana" } } } }),
      [
        'CS-1004 contract.approvers.slack.users["a@example.com"]: "ana" is not allowed; use the member id of a Slack user: "U012AB3CD" (contract.ts)',
      ],
    ],
    [
      "a time zone that is none",
      deskWith({ approvers: { ...two, timeZones: { "a@example.com": "Mars" } } }),
      [
        'CS-1004 contract.approvers.timeZones["a@example.com"]: "Mars" is not a time zone; use an IANA name: "Europe/Berlin" (contract.ts)',
      ],
    ],
  ];
}

describe("each rule, on a contract that is otherwise right", () => {
  const rules: readonly (readonly [string, unknown, readonly string[]])[] = [
    ["not a workflow", { name: "x" }, ["CS-1001 contract: is not a workflow; export default defineWorkflow({ … })"]],
    [
      "not a tool",
      deskWith({ tools: [3] }),
      [expect.stringContaining("CS-1001 contract.tools[0]: 3 is not a tool; use what defineTool")],
    ],
    [
      "name",
      deskWith({ name: "Refund_Desk" }),
      [expect.stringContaining('CS-1004 contract.name: "Refund_Desk" is not allowed; use kebab-case')],
    ],
    ["name too long", deskWith({ name: "a".repeat(33) }), [expect.stringContaining("at most 32 characters")]],
    [
      "reserved namespace",
      deskWith({ name: "cedar" }),
      ['CS-1005 contract.name: "cedar" is reserved by Verified Permissions; use another name (contract.ts)'],
    ],
    [
      "tool name",
      deskWithTool("ledger.label", { name: "label", compensation: "ledger.refund" }),
      [expect.stringContaining('CS-1004 contract.tools[3].name: "label" is not allowed; use "<system>.<verb_object>"')],
    ],
    [
      "tool twice",
      deskWithTool("ledger.inbox", { name: "ledger.lookup" }),
      [
        'CS-1005 contract.tools[1].name: "ledger.lookup" is taken by another tool ("ledger.lookup"); give each tool its own name (tools/ledger.ts)',
      ],
    ],
    [
      "empty group",
      deskWith({ approvers: { first: ["a@example.com", "b@example.com"], groups: { leads: [] } } }),
      ["CS-1006 contract.approvers.groups.leads: is an empty group; name its members, or remove it (contract.ts)"],
    ],
    [
      "approver",
      deskWith({ approvers: { first: ["ana", "a@example.com", "b@example.com"] } }),
      [
        'CS-1004 contract.approvers.first[0]: "ana" is not allowed; use an e-mail address or "group:<name>" (contract.ts)',
      ],
    ],
    [
      "no approver",
      deskWith({ approvers: { first: [] } }),
      ["CS-1004 contract.approvers.first: [] is too short; name at least one approver (contract.ts)"],
    ],
    [
      "one approver where two are needed",
      deskWith({ approvers: { first: ["a@example.com"] } }),
      [
        'CS-1006 contract.approvers.first: ["a@example.com"] is one person, and ledger.purge (irreversible, tenant) always needs two; name at least two approvers (contract.ts)',
      ],
    ],
    ...people(),
    [
      "write without title",
      deskWithTool("ledger.refund", { title: undefined }),
      [expect.stringContaining("CS-1007 contract.tools[2].title: is missing, and writes need it; say in one line")],
    ],
    [
      "write without the rest",
      deskWithTool("ledger.purge", {
        preview: undefined,
        idempotency: undefined,
        reversibility: undefined,
        blastRadius: undefined,
        errorDetectability: undefined,
        maturity: undefined,
      }),
      ["preview", "idempotency", "reversibility", "blastRadius", "errorDetectability", "maturity"].map((field) =>
        expect.stringContaining(`CS-1007 contract.tools[4].${field}: is missing, and writes need it`),
      ),
    ],
    [
      "read with what only writes have",
      deskWithTool("ledger.inbox", { idempotency: "key", title: "Read" }),
      [
        'CS-1007 contract.tools[1].title: "Read" means nothing for a read; remove it, or set effect to "write" (tools/ledger.ts)',
        'CS-1007 contract.tools[1].idempotency: "key" means nothing for a read; remove it, or set effect to "write" (tools/ledger.ts)',
      ],
    ],
    [
      "compensable without compensation",
      deskWithTool("ledger.label", { compensation: undefined }),
      [
        "CS-1007 contract.tools[3].compensation: is missing, and compensable writes need it; name the tool of this contract that undoes this one (tools/ledger.ts)",
      ],
    ],
    [
      "compensation that reads",
      deskWithTool("ledger.label", { compensation: "ledger.inbox" }),
      [
        'CS-1008 contract.tools[3].compensation: "ledger.inbox" is a read, which undoes nothing; name a tool that writes (tools/ledger.ts)',
      ],
    ],
    [
      "requires a field that the other lacks",
      deskWithTool("ledger.refund", { requires: [{ tool: "ledger.inbox", same: ["charge_id"] }] }),
      [
        'CS-1008 contract.tools[2].requires[0].same[0]: "charge_id" is not a field of the input of ledger.inbox; did you mean "case_id"? (tools/ledger.ts)',
      ],
    ],
    [
      "requires in a circle",
      deskWithTool("ledger.lookup", { requires: [{ tool: "ledger.refund" }] }),
      [
        expect.stringContaining('CS-1008 contract.tools[0].requires: "ledger.lookup" requires itself'),
        expect.stringContaining("CS-1008 contract.tools[2].requires"),
      ],
    ],
    [
      "exposure of text",
      deskWithTool("ledger.refund", { exposure: { amount: "reason", per: ["run"] } }),
      [
        'CS-1008 contract.tools[2].exposure.amount: "reason" is a string in the tool\'s input; use a field that is an integer (tools/ledger.ts)',
      ],
    ],
    [
      "exposure that can be lowered",
      deskWithTool("ledger.refund", { input: strict({ ...refundInput, amount_cents: z.int() }) }),
      [
        'CS-1019 contract.tools[2].exposure.amount: "amount_cents" can be negative, and a negative amount would lower the sum it should raise; use z.int().positive() (tools/ledger.ts)',
      ],
    ],
    [
      "title of an unknown field",
      deskWithTool("ledger.refund", { title: "Refund {amuont_cents:EUR}" }),
      [
        'CS-1008 contract.tools[2].title: "{amuont_cents}" is not a field of the tool\'s input; did you mean "amount_cents"? (tools/ledger.ts)',
      ],
    ],
    [
      "title with an odd placeholder",
      deskWithTool("ledger.refund", { title: "Refund {amount_cents" }),
      [
        'CS-1017 contract.tools[2].title: "Refund {amount_cents" has an odd placeholder; use {field}, {field:EUR} or {resource} (tools/ledger.ts)',
      ],
    ],
    [
      "title with a sensitive field",
      deskWithTool("ledger.refund", { title: "Refund: {note}", sensitive: { input: ["note"] } }),
      [expect.stringContaining('CS-1010 contract.tools[2].title: "{note}" is sensitive')],
    ],
    [
      "destination that is optional",
      deskWithTool("ledger.refund", { destination: "note" }),
      [
        'CS-1008 contract.tools[2].destination: "note" is optional in the tool\'s input; use a field that every value has exactly once (tools/ledger.ts)',
      ],
    ],
    [
      "sensitive path",
      deskWithTool("ledger.lookup", { sensitive: { output: ["contact.mail"] } }),
      [
        'CS-1008 contract.tools[0].sensitive.output[0]: "contact.mail" is not a field of the output; did you mean "contact.email"? (tools/ledger.ts)',
      ],
    ],
    [
      "host with a scheme",
      deskWithTool("ledger.inbox", { hosts: ["https://ledger.example.com"] }),
      [
        expect.stringContaining(
          'CS-1004 contract.tools[1].hosts[0]: "https://ledger.example.com" is not allowed; use a host name alone',
        ),
      ],
    ],
    [
      "sandbox for nobody's host",
      deskWith({ sandbox: { "ledger.exmple.com": "./sandbox.ts" } }),
      [
        'CS-1014 contract.sandbox["ledger.exmple.com"]: stands in for a host that no tool may reach; did you mean "ledger.example.com"? (contract.ts)',
      ],
    ],
    [
      "wide actions",
      deskWithTool("ledger.purge", { awsActions: [{ actions: ["s3:*"], resources: ["*"] }] }),
      [
        expect.stringContaining(
          'CS-1004 contract.tools[4].awsActions[0].actions[0]: "s3:*" is not allowed; name the actions one by one',
        ),
        expect.stringContaining(
          'CS-1004 contract.tools[4].awsActions[0].resources[0]: "*" is not allowed; use the ARN',
        ),
      ],
    ],
    [
      "tool timeout",
      deskWithTool("ledger.purge", { timeout: { hours: 1 } }),
      [
        'CS-1012 contract.tools[4].timeout: {"hours":1} is too long; use 1 s to 15 min, e.g. { minutes: 5 } (tools/ledger.ts)',
      ],
    ],
    [
      "missing handler",
      deskWithTool("ledger.purge", { handler: "./gone.ts" }),
      [
        'CS-1011 contract.tools[4].handler: "./gone.ts" does not exist; create it, or correct the path: it is relative to this file (tools/ledger.ts)',
      ],
    ],
    [
      "fact of an unknown field",
      deskWith({ resource: { type: "Customer", id: "input.customer_id", facts: { tier: "ledger.lookup.teir" } } }),
      [
        'CS-1008 contract.resource.facts.tier: "ledger.lookup.teir" is not a field of the output of ledger.lookup; did you mean "tier"? (contract.ts)',
      ],
    ],
    [
      "fact that is sensitive",
      deskWith({
        resource: { type: "Customer", id: "input.customer_id", facts: { mail: "ledger.lookup.contact.email" } },
      }),
      [
        expect.stringContaining(
          'CS-1010 contract.resource.facts.mail: "ledger.lookup.contact.email" is sensitive in the output of ledger.lookup',
        ),
      ],
    ],
    [
      "fact in a list",
      deskWith({
        resource: { type: "Customer", id: "input.customer_id", facts: { word: "ledger.inbox.messages[].text" } },
      }),
      [expect.stringContaining('"ledger.inbox.messages[].text" is in a list of the output of ledger.inbox')],
    ],
    [
      "fact from outsiders' words",
      deskWithTool(
        "ledger.lookup",
        { untrusted: true },
        {
          resource: {
            type: "Customer",
            id: "input.customer_id",
            facts: { name: "ledger.lookup.customer_id", tier: "ledger.lookup.tier" },
          },
        },
      ),
      [
        'CS-1018 contract.resource.facts.name: "ledger.lookup.customer_id" is free text from a tool whose output outsiders write; take it from a trusted tool, or give the field z.enum([…]) (contract.ts)',
      ],
    ],
    [
      "reserved fact",
      deskWith({ resource: { type: "Customer", id: "input.customer_id", facts: { tenant: "input.case_id" } } }),
      [expect.stringContaining("CS-1005 contract.resource.facts.tenant")],
    ],
    [
      "reserved type",
      deskWith({ resource: { type: "Agent", id: "input.customer_id" } }),
      [expect.stringContaining('CS-1005 contract.resource.type: "Agent" is reserved in policies')],
    ],
    [
      "cross-reference of two types",
      deskWith({ crossReferences: { customer_id: "ledger.lookup.balance_cents" } }),
      [
        'CS-1008 contract.crossReferences.customer_id: "ledger.lookup.balance_cents" (integer) is of another type than input.customer_id (string); compare fields of one type (contract.ts)',
      ],
    ],
    [
      "freshness of a field that is no time",
      deskWith({ freshness: { case_id: { days: 1 } } }),
      [
        'CS-1008 contract.freshness.case_id: "case_id" is not a time in the workflow\'s input; use z.iso.datetime() for it (contract.ts)',
      ],
    ],
    [
      "sensitive reference",
      deskWith({ reference: "complaint", input: strict(caseInput) }),
      [expect.stringContaining('CS-1010 contract.reference: "complaint" is sensitive')],
    ],
    [
      "reserved outcome",
      deskWith({ outcomes: ["refunded", "failed"] }),
      [
        'CS-1013 contract.outcomes[1]: "failed" is an outcome that only Countersign itself gives; use a word of your own (contract.ts)',
      ],
    ],
    [
      "time zone",
      deskWith({ timeZone: "Europe/Bärlin" }),
      [
        'CS-1004 contract.timeZone: "Europe/Bärlin" is not a time zone; use an IANA name: "Europe/Berlin" (contract.ts)',
      ],
    ],
    [
      "tenant",
      deskWith({ tenants: ["Acme Co", "acme", "acme"] }),
      [expect.stringContaining('CS-1004 contract.tenants[0]: "Acme Co" is not allowed')],
    ],
    [
      "tenant twice",
      deskWith({ tenants: ["acme", "acme"] }),
      ['CS-1005 contract.tenants[1]: "acme" is there twice; name it once (contract.ts)'],
    ],
    [
      "steps",
      deskWith({ limits: { steps: 101 } }),
      ["CS-1004 contract.limits.steps: 101 is too large; use 1 to 100 (contract.ts)"],
    ],
    [
      "more calls than steps",
      deskWith({ limits: { steps: 5, toolCalls: 6 } }),
      [expect.stringContaining("CS-1012 contract.limits.toolCalls: 6 is more than the 5 steps")],
    ],
    [
      "approval longer than the run",
      deskWith({
        approvers: { first: ["a@example.com", "b@example.com"], timeLimit: { hours: 2 } },
        limits: { runTime: { hours: 1 } },
      }),
      [
        "CS-1012 contract.approvers.timeLimit: (2 h) is longer than a run may take (1 h); raise limits.runTime or lower it (contract.ts)",
      ],
    ],
    [
      "finer than a micro-USD",
      deskWith({ budget: { perRunUsd: 0.0000001 } }),
      ["CS-1012 contract.budget.perRunUsd: 1e-7 is finer than a micro-USD; use at most six decimals (contract.ts)"],
    ],
    [
      "bold without reason",
      deskWith({ autonomy: "routine" }),
      [
        'CS-1015 contract.autonomy: "routine" is bolder than recommended for ledger.purge (irreversible); lower it to "approve-all" or give `reason` (contract.ts)',
      ],
    ],
    [
      "bold with too short a reason",
      deskWith({ autonomy: "routine", reason: "because" }),
      [
        'CS-1004 contract.reason: "because" is too short; give the reason in a sentence of at least 10 characters (contract.ts)',
      ],
    ],
    [
      "bold with a reason",
      deskWith({ autonomy: "routine", reason: "Purges were reviewed by the data protection officer." }),
      [],
    ],
    [
      "plan with an unknown tool and outcome",
      deskWith({ agent: { ...plan([{ tool: "ledger.lookpu", args: {} }]), outcome: "done" } }),
      [
        'CS-1008 contract.agent.outcome: "done" is not an outcome of this contract; use "refunded", "explained" or "escalated" (contract.ts)',
        'CS-1008 contract.agent.steps[0].tool: "ledger.lookpu" is not a tool of this contract; did you mean "ledger.lookup"? (contract.ts)',
      ],
    ],
    [
      "plan that uses a result before it is there",
      deskWith({
        agent: plan([
          {
            tool: "ledger.refund",
            args: { charge_id: "{ledger.lookup.customer_id}", amount_cents: "{input.caseid}", reason: "theft" },
          },
        ]),
      }),
      [
        'CS-1017 contract.agent.steps[0].args.charge_id: "{ledger.lookup.customer_id}" is not known at this step; call ledger.lookup in an earlier step (contract.ts)',
        'CS-1008 contract.agent.steps[0].args.amount_cents: "input.caseid" is not a field of the workflow\'s input; did you mean "case_id"? (contract.ts)',
        'CS-1008 contract.agent.steps[0].args.reason: "theft" does not fit the input of ledger.refund; use a value its schema accepts (contract.ts)',
      ],
    ],
    [
      "right plan",
      deskWith({
        agent: plan([
          { tool: "ledger.lookup", args: { charge_id: "{input.charge_id}" } },
          {
            tool: "ledger.refund",
            args: { charge_id: "{input.charge_id}", amount_cents: 100, reason: "duplicate", lines: [] },
          },
        ]),
      }),
      [],
    ],
    [
      "agent of no kind",
      deskWith({ agent: { kind: "openai" } }),
      [expect.stringMatching(/^CS-1004 contract\.agent\.kind: "openai" is not allowed; use \{ kind: "bedrock"/)],
    ],
    [
      "agent's own price",
      deskWith({
        agent: {
          kind: "bedrock",
          model: "acme.oracle-v9",
          instructions: "./instructions.md",
          price: { inputPerMillionUsd: 1, outputPerMillionUsd: 2 },
        },
      }),
      [],
    ],
  ];
  it.each(rules)("%s", (_rule, defined, expected) => {
    expect(faultsOf(defined)).toEqual(expected);
  });
});
