import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkContract, renderFault } from "../../lib/contract/check.js";
import { contractErrors } from "../../lib/errors/contract.js";
import { DESK, deskContract, deskDefinition, deskWith, deskWithTool, FIXTURES, faultsOf } from "./fixture.js";
import tenFaults from "./fixtures/ten-faults/contract.js";

describe("a right contract", () => {
  it("comes back with defaults filled in, units unified and paths absolute", () => {
    const contract = deskContract();

    expect(contract).toMatchObject({
      name: "refund-desk",
      approvers: {
        first: ["ana@example.com", "bo@example.com", "chris@example.com"],
        timeLimitMs: 5_400_000,
        signIn: "code",
        remindAtPercent: [50, 90],
        escalate: [],
        delegates: [],
        slack: { users: {} },
        timeZones: {},
      },
      budget: { perRunMicroUsd: 290_000, perDayMicroUsd: 10_000_000, over: "stop" },
      limits: { steps: 10, toolCalls: 10, callsPerMinute: 30, invalidAnswers: 3, runTimeMs: 86_400_000 },
      outcomes: ["refunded", "explained", "escalated"],
      freshnessMs: { opened_at: 30 * 86_400_000 },
      agent: {
        kind: "bedrock",
        instructions: join(DESK, "instructions.md"),
        maxTokens: 4096,
        temperature: 0,
        price: { inputPerMillionUsd: 1.1, outputPerMillionUsd: 5.5 },
      },
      sandbox: { "ledger.example.com": join(DESK, "sandbox.ts") },
      file: join(DESK, "contract.ts"),
    });
    expect(contract.tools.map((tool) => tool.name)).toEqual([
      ...["ledger.lookup", "ledger.inbox", "ledger.refund", "ledger.label", "ledger.purge"],
    ]);
    expect(contract.tools[0]).toMatchObject({
      title: "ledger.lookup",
      sensitiveOutput: ["contact.email"],
      reversibility: "reversible",
      blastRadius: "record",
      timeoutMs: 10_000,
      file: join(DESK, "tools/ledger.ts"),
      handler: join(DESK, "tools/ledger.lookup.ts"),
    });
    expect(contract.tools[0]).not.toHaveProperty("preview");
    expect(contract.tools[2]).toMatchObject({ timeoutMs: 20_000, preview: join(DESK, "tools/ledger.preview.ts") });
  });

  it("needs eight fields and no more", () => {
    const { name, version, purpose, owner, input, agent, tools } = deskDefinition;
    const required = {
      name,
      version,
      purpose,
      owner,
      input,
      agent,
      tools,
      approvers: { first: ["a@example.com", "b@example.com"] },
    };

    const contract = deskContract({ kind: "workflow", file: join(DESK, "contract.ts"), definition: required });

    expect(contract).toMatchObject({
      tenants: ["default"],
      timeZone: "UTC",
      resource: { type: "Run", facts: {} },
      outcomes: ["completed", "escalated"],
      autonomy: "observe",
      budget: { perRunMicroUsd: 500_000, perDayMicroUsd: 20_000_000, over: "escalate" },
      approvers: { timeLimitMs: 14_400_000 },
      lowConfidencePercent: 70,
    });
    for (const field of Object.keys(required)) {
      expect(faultsOf({ kind: "workflow", file: "", definition: { ...required, [field]: undefined } })).toContainEqual(
        expect.stringMatching(new RegExp(`^CS-1003 contract\\.${field}: is missing; `)),
      );
    }
  });
});

describe("a contract with ten faults", () => {
  it("names all ten at once, each with path, value, rule, fix and file", () => {
    const lines = checkContract(tenFaults).faults.map(
      (fault) => `${fault.code} ${renderFault(fault, join(FIXTURES, "ten-faults"))}`,
    );

    expect(lines).toEqual([
      "CS-1003 contract.purpose: is missing; say in one sentence what the workflow is for (contract.ts)",
      'CS-1004 contract.owner.email: "payments at example.com" is not allowed; use an e-mail address (contract.ts)',
      'CS-1002 contract.porpose: is not a field of a contract; did you mean "purpose"? (contract.ts)',
      'CS-1006 contract.approvers.first[0]: "group:leads" is not a group of this contract; define it in approvers.groups (contract.ts)',
      'CS-1010 contract.resource.id: "input.secret_word" is sensitive in the workflow\'s input, and here its value would show; use a field that is not sensitive (contract.ts)',
      "CS-1012 contract.budget.perRunUsd: 30 leaves no room for one run a day (30 USD per run, 20 per day); raise budget.perDayUsd or lower budget.perRunUsd (contract.ts)",
      'CS-1016 contract.agent.model: "acme.oracle-v9" has no price in the built-in table (2026-11-21); give agent.price { inputPerMillionUsd, outputPerMillionUsd }, or use a model that is in lib/contract/prices.ts (contract.ts)',
      'CS-1015 contract.autonomy: "bounded" is bolder than recommended for desk.refund (irreversible, financial); lower it to "routine" or give `reason` (contract.ts)',
      'CS-1004 contract.tools[1].idempotency: "keys" is not allowed; use "key", "read-back" or "none" (tools/desk.ts)',
      'CS-1008 contract.tools[1].requires[0].tool: "desk.lookpu" is not a tool of this contract; did you mean "desk.lookup"? (tools/desk.ts)',
    ]);
  });
});

describe("whatever it is given, it never throws and every fault has a code, a path and a fix", () => {
  const sound = (defined: unknown) => {
    const { contract, faults } = checkContract(defined, { exists: () => true });
    expect(contract === undefined).toBe(faults.length > 0);
    for (const fault of faults) {
      expect(Object.keys(contractErrors)).toContain(fault.code);
      expect(fault.path).toMatch(/^contract/);
      expect(fault.fix).not.toBe("");
      expect(renderFault(fault)).not.toContain("\n");
    }
  };
  const anything = fc.oneof(
    fc.jsonValue(),
    fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true }),
  );

  it("as a whole", () => {
    fc.assert(
      fc.property(anything, (value) => {
        sound(value);
        sound({ kind: "workflow", definition: value, file: "/x/contract.ts" });
        sound(deskWith({ tools: [{ kind: "tool", definition: value, file: "/x/tools.ts" }] }));
      }),
      { numRuns: 300 },
    );
  });

  it("in any one field of the workflow or of a tool", () => {
    const field = fc.constantFrom(...Object.keys(deskDefinition), "resource", "autonomy", "__proto__", "constructor");
    const toolFields = [
      "name",
      "input",
      "output",
      "effect",
      "title",
      "sensitive",
      "requires",
      "exposure",
      "timeout",
      "awsActions",
      "hosts",
      "compensation",
      "outbound",
      "destination",
    ];
    fc.assert(
      fc.property(field, fc.constantFrom(...toolFields), anything, (name, toolName, value) => {
        sound(deskWith({ [name]: value }));
        sound(deskWithTool("ledger.refund", { [toolName]: value }));
      }),
      { numRuns: 300 },
    );
  });
});
