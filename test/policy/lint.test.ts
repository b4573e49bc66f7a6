import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isWarning, renderFault } from "../../lib/contract/faults.js";
import { policyErrors } from "../../lib/errors/policy.js";
import { checkPolicies } from "../../lib/policy/lint.js";
import { deskContract, deskWith } from "../contract/fixture.js";
import { contract, deskSet, lint, setOf } from "./fixture.js";

const REFUND = 'action == RefundDesk::Action::"ledger.refund"';
const permit = (when: string) => `\n@id("p")\npermit (principal, ${REFUND}, resource)\nwhen { ${when} };`;
const forbid = (clauses: string) =>
  `@id("p") permit (principal, ${REFUND}, resource);\n@id("f")\nforbid (principal, ${REFUND}, resource)\n${clauses};`;

it("finds nothing in the sample policies", () => {
  expect(checkPolicies(contract, deskSet)).toEqual([]);
});

describe("form", () => {
  it("names file and line of what does not parse", () => {
    expect(lint('// é\n@id("a")\npermit (principal, action, resurce);')).toEqual([
      "CS-1101 policies/test.cedar:3: does not parse: found an invalid variable in the policy scope: resurce; policy scopes must contain a `principal`, `action`, and `resource` element in that order",
    ]);
  });

  it("wants an @id that is usable, not reserved, and given once", () => {
    const at = (id: string) => `${id} permit (principal, ${REFUND}, resource);\n`;
    expect(
      lint(at("") + at('@id("guardrail:mine")') + at('@id("no spaces")') + at('@id("twice")') + at('@id("twice")')),
    ).toEqual([
      'CS-1102 policies/test.cedar:1: has no @id; write @id("a_short_name") before it: people and records read it',
      'CS-1104 policies/test.cedar:2 @id("guardrail:mine"): is a name for generated guardrails; use another @id',
      'CS-1102 policies/test.cedar:3 @id("no spaces"): is not a usable @id; begin with a letter; use letters, digits, _ and -, at most 64',
      'CS-1103 policies/test.cedar:5 @id("twice"): has the @id of another policy (policies/test.cedar:4); give each policy its own @id',
    ]);
  });

  it("names a missing @id of each policy, and says nothing of them being the same", () => {
    expect(lint(`permit (principal, ${REFUND}, resource);\n`.repeat(2)).map((line) => line.slice(0, 36))).toEqual([
      "CS-1102 policies/test.cedar:1: has n",
      "CS-1102 policies/test.cedar:2: has n",
    ]);
  });

  it("never shows the engine a text that would end it", () => {
    const deep = `@id("deep") permit (principal, action, resource) when { ${"(".repeat(40)}true${")".repeat(40)} };`;
    const long = `@id("long") permit (principal, action, resource) when { ${"true && ".repeat(300)}true };`;
    const members = `@id("members") permit (principal, action, resource) when { context${".a".repeat(130)} };`;
    const fix = "split it into several policies";
    expect(lint(deep)).toEqual([`CS-1101 policies/test.cedar:1: is nested deeper than 32 brackets; ${fix}`]);
    for (const text of [long, members])
      expect(lint(text)).toEqual([
        `CS-1101 policies/test.cedar:1: has too long a chain of operators, members or conditions; ${fix}`,
      ]);
  });

  it("names a generated policy by its @id alone: it stands in no file", () => {
    const [first] = deskSet.policies.filter(({ source }) => source === "guardrail");
    if (first === undefined) throw new Error("no guardrail");
    const broken = { ...deskSet, policies: [...deskSet.policies, { ...first, id: "guardrail:new", text: "forbid (" }] };
    expect(checkPolicies(contract, broken).map((fault) => `${fault.code} ${fault.path} ${fault.file}`)).toEqual([
      'CS-1101 generated @id("guardrail:new") ',
    ]);
  });

  it("lets a permit for everything stand where there are only reads", () => {
    const { tools } = deskWith({}).definition;
    const reads = deskContract(deskWith({ tools: Array.isArray(tools) ? tools.slice(0, 2) : [] }));
    expect(reads.tools.map(({ effect }) => effect)).toEqual(["read", "read"]);
    expect(lint('@id("all") permit (principal, action, resource);', reads)).toEqual([]);
  });

  it("refuses templates", () => {
    expect(lint(`@id("t") permit (principal == ?principal, ${REFUND}, resource);`)).toEqual([
      'CS-1110 policies/test.cedar:1 @id("t"): is a template (it has a ?slot); name the principal and resource, or leave them open',
    ]);
  });

  it("refuses a permit for everything where there are writes", () => {
    expect(lint('@id("all") permit (principal, action, resource);')).toEqual([
      'CS-1112 policies/test.cedar:1 @id("all"): permits every action at once, writes included; name the action, or its group: action in RefundDesk::Action::"read"',
    ]);
    expect(lint('@id("none") forbid (principal, action, resource);')).toEqual([]);
  });

  it.each([
    ["`hasTag`", permit('principal.hasTag("x")')],
    ["`isEmpty`", permit("context.input.lines.isEmpty()")],
    ["`datetime`", permit('datetime("2026-01-01") == datetime("2026-01-01")')],
  ])("refuses %s, which is newer than Verified Permissions promises", (feature, text) => {
    expect(lint(text)).toContain(
      `CS-1111 policies/test.cedar:2 @id("p"): ${feature} is newer than Verified Permissions promises; write it with the operators of Cedar 4.0`,
    );
  });

  it("refuses a path after has, which is newer too", () => {
    expect(lint(permit('context has input.note && context.input.note == "x"'))).toEqual([
      'CS-1111 policies/test.cedar:2 @id("p"): `has with a path` is newer than Verified Permissions promises; write `a has b && a.b has c`',
    ]);
  });

  it("refuses what Verified Permissions finds too large", () => {
    const long = `when { context.stage == "${"x".repeat(10_000)}" }`;
    expect(lint(`@id("long") permit (principal, ${REFUND}, resource) ${long};`)).toEqual([
      expect.stringMatching(
        /^CS-1107 policies\/test\.cedar:1 @id\("long"\): has \d+ bytes of at most 10000; split it$/,
      ),
    ]);
    const many = Array.from(
      { length: 21 },
      (_, index) =>
        `@id("p${index}") permit (principal, ${REFUND}, resource) when { context.stage == "${"x".repeat(9800)}" };`,
    );
    expect(lint(many.join("\n"))).toEqual([
      expect.stringMatching(
        /^CS-1109 contract\.ts:1: policies without a resource scope have \d+ bytes of at most 200000; shorten/,
      ),
    ]);
  });
});

describe("strict validation", () => {
  it.each([
    [
      "a field that is not there",
      permit("context.input.amount_cent <= 1"),
      'CS-1105 policies/test.cedar:4 @id("p"): attribute `input.amount_cent` in context for RefundDesk::Action::"ledger.refund" not found; did you mean `amount_cents`?',
    ],
    [
      "a fact that may be unknown",
      permit('resource.tier == "blocked"'),
      'CS-1105 policies/test.cedar:4 @id("p"): unable to guarantee safety of access to optional attribute `tier` on entity type `RefundDesk::Customer`; try testing for the attribute\'s presence with `e has tier && ..`',
    ],
    [
      "an unknown action",
      '@id("p") permit (principal, action == RefundDesk::Action::"ledger.refnd", resource);',
      'CS-1105 policies/test.cedar:1 @id("p"): unrecognized action `RefundDesk::Action::"ledger.refnd"`; did you mean "ledger.refund"?',
    ],
    [
      "a policy that never applies",
      permit("context.approvals >= 1 && false"),
      'CS-1113 policies/test.cedar:2 @id("p"): policy is impossible: the policy expression evaluates to false for all valid requests; remove or correct it: it has no effect',
    ],
  ])("names %s", (_what, text, line) => {
    expect(lint(text)).toEqual([line]);
  });

  it("says so when the contract's schema itself cannot be read, once", () => {
    const nowhere = {
      principalTypes: ["Nobody"],
      resourceTypes: ["Nothing"],
      context: { type: "Record", attributes: {} },
    };
    const schema = { RefundDesk: { entityTypes: {}, actions: { a: { appliesTo: nowhere } } } } as const;
    const broken = { ...deskSet, schema: schema as unknown as typeof deskSet.schema };
    const faults = checkPolicies(contract, broken).filter((fault) => !isWarning(fault));
    expect(faults.map((fault) => fault.code)).toEqual(["CS-1105"]);
    expect(faults[0]?.rule).toMatch(/^cannot be validated: .*Nobody/);
    expect(checkPolicies(contract, { ...broken, policies: [] }).every(isWarning)).toBe(true);
  });

  it("names two types compared", () => {
    expect(lint(permit('context.input.amount_cents <= "5000"'))).toEqual([
      expect.stringMatching(/^CS-1105 policies\/test\.cedar:4 @id\("p"\): .*Long.*String/),
    ]);
  });
});

describe("tiers are monotone", () => {
  const MISPLACED = "stands under a negation, condition or comparison, where more approvals could allow less";
  it.each([
    ["context.approvals == 1", "`context.approvals == 1` is not monotone; write `>= 1`"],
    ["context.approvals != 0", "`context.approvals != 0` is not monotone; write `>= 0`"],
    ["context.approvals > 1", "`context.approvals > 1` is not monotone; write `>= 2`"],
    ["context.approvals <= 1", "`context.approvals <= 1` is not monotone; write `>= 1`"],
    ["1 <= context.approvals", "`1 <= context.approvals` is the wrong way round; write `context.approvals >= 1`"],
    ["2 == context.approvals", "`2 == context.approvals` is not monotone; write `context.approvals >= 2`"],
    [
      "context.approvals >= 3",
      "`context.approvals >= 3` is no tier; write `>= 0`, `>= 1` or `>= 2`: no more than 2 people are asked",
    ],
    [
      "!(context.approvals >= 1)",
      `\`context.approvals >= 1\` ${MISPLACED}; move it into \`when { … }\`, joined by && and ||`,
    ],
    [
      "(context.approvals >= 1) == false",
      `\`context.approvals >= 1\` ${MISPLACED}; move it into \`when { … }\`, joined by && and ||`,
    ],
    [
      "if context.approvals >= 1 then context.untrusted else true",
      `\`context.approvals >= 1\` ${MISPLACED}; move it into \`when { … }\`, joined by && and ||`,
    ],
    [
      "context.approvals >= context.hour",
      "`context.approvals` is not compared with a number; use it only as `context.approvals >= 1` or `>= 2`",
    ],
    [
      "context.approvals * 2 >= 1",
      "`context.approvals` is not compared with a number; use it only as `context.approvals >= 1` or `>= 2`",
    ],
    [
      "[0, 1].contains(context.approvals)",
      "`context.approvals` is not compared with a number; use it only as `context.approvals >= 1` or `>= 2`",
    ],
    ['context["approvals"] < 1', "`context.approvals < 1` is not monotone; write `>= 1`"],
    [
      "{a: context.approvals}.a == 1",
      "`context.approvals` is not compared with a number; use it only as `context.approvals >= 1` or `>= 2`",
    ],
    [
      "(if context.untrusted then context else context).approvals == 1",
      "`context` is used as a whole, approvals included; name the fields you mean: context.input.…",
    ],
    [
      "context has approvals",
      "`context has approvals` says nothing: it always has; use it only as `context.approvals >= 1` or `>= 2`",
    ],
  ])("%s", (when, told) => {
    const found = lint(permit(when)).filter((line) => line.startsWith("CS-1106"));
    expect(found.length).toBeGreaterThan(0);
    for (const line of found) expect(line).toMatch(/^CS-1106 policies\/test\.cedar:[24] @id\("p"\): /);
    expect(found.map((line) => line.replace(/^.*?: /, ""))).toContain(told);
  });

  it.each([
    [
      "when { context.approvals >= 1 }",
      "`context.approvals >= 1` stands in the `when` of a forbid, where more approvals could allow less; move it into `unless { … }`, joined by && and ||",
    ],
    [
      "unless { !(context.approvals >= 1) }",
      "`context.approvals >= 1` stands under a negation, condition or comparison, where more approvals could allow less; move it into `unless { … }`, joined by && and ||",
    ],
  ])("forbid … %s", (clauses, told) => {
    expect(lint(forbid(clauses))).toEqual([`CS-1106 policies/test.cedar:4 @id("f"): ${told}`]);
  });

  it.each([
    permit("context.approvals >= 1"),
    permit("context.approvals >= 0 && (context.untrusted || context.approvals >= 2)"),
    permit("if context.untrusted then context.approvals >= 2 else context.approvals >= 1"),
    permit('context.input has note && context.input.note like "*approvals == 1*"'),
    permit("context has input && context.approvals >= 1"),
    permit("context.input has note || context.approvals >= 1"),
    forbid("when { context.untrusted } unless { context.approvals >= 1 || context.hour < 3 }"),
    forbid("unless { context.approvals >= 2 }"),
  ])("accepts %s", (text) => {
    expect(lint(text)).toEqual([]);
  });

  it("wants as many approvers as a policy asks for", () => {
    const { tools } = deskWith({}).definition;
    const one = deskContract(
      deskWith({ approvers: { first: ["ana@example.com"] }, tools: Array.isArray(tools) ? tools.slice(0, 4) : [] }),
    );
    expect(lint(permit("context.approvals >= 2"), one)).toEqual([
      'CS-1114 policies/test.cedar:2 @id("p"): asks for two people, and the contract names one approver; name two in approvers.first',
    ]);
  });
});

it("warns of tools that nothing permits", () => {
  const faults = checkPolicies(
    contract,
    setOf('@id("reads") permit (principal, action in RefundDesk::Action::"read", resource);'),
  );
  expect(faults.every(isWarning)).toBe(true);
  expect(faults.map((fault) => renderFault(fault, "/"))[0]).toMatch(
    /^policies: "ledger\.refund" is permitted by no policy: every call of it is denied; write permit \(principal, action == RefundDesk::Action::"ledger\.refund", resource\) when \{ … \};, or drop the tool/,
  );
  expect(faults).toHaveLength(3);
});

it("never throws, whatever the text", () => {
  const word = fc.constantFrom(
    "permit",
    "forbid",
    "(",
    ")",
    "principal",
    "action",
    "resource",
    ",",
    ";",
    "when",
    "unless",
    "{",
    "}",
    "context",
    ".",
    "approvals",
    ">=",
    "==",
    "1",
    '@id("x")',
    "?principal",
    "//",
    "\n",
    '"',
    "é",
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(word).map((words) => words.join(" ")),
      ),
      (text) => {
        for (const fault of checkPolicies(contract, setOf(text)))
          expect(Object.keys(policyErrors)).toContain(fault.code);
      },
    ),
    { numRuns: 300 },
  );
});
