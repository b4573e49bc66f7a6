/** What a project is made of: contracts, scenarios, policies, state machines, templates. Written by people, generators and pull requests. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readJsonFile } from "../../lib/cli/files.js";
import { checkContract } from "../../lib/contract/check.js";
import { checkDefinition } from "../../lib/local/states/definition.js";
import { readAssembly } from "../../lib/local/template/assembly.js";
import { checkTemplate } from "../../lib/local/template/check.js";
import { checkPolicies } from "../../lib/policy/lint.js";
import { parseScenario } from "../../lib/scenario/load.js";
import { deskWith, deskWithTool } from "../contract/fixture.js";
import { finish, invoke, machine } from "../local/states/support.js";
import { contract, setOf } from "../policy/fixture.js";
import {
  anything,
  codeOf,
  codeOfAsync,
  corpus,
  deepArray,
  deepObject,
  HALF_CHARACTERS,
  HOSTILE_JSON,
  isPolluted,
  manyKeys,
  NAUGHTY,
  naughtyJson,
  naughtyText,
  nested,
} from "../support/hostile.js";

const texts = [...Object.values(NAUGHTY), ...HALF_CHARACTERS];
const huge = [deepArray(), deepObject(), deepObject(100_000, "States"), manyKeys(), "a".repeat(1_000_000)];
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "countersign-hostile-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
  expect(isPolluted()).toBe(false);
});
const file = (name: string, content: string | Buffer) => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

describe("a contract", () => {
  const faults = (defined: unknown) => checkContract(defined, { exists: () => true }).faults;
  const FIELDS = [
    "name",
    "purpose",
    "input",
    "agent",
    "tools",
    "resource",
    "approvers",
    "budget",
    "outcomes",
    "timeZone",
  ];
  const TOOL_FIELDS = ["name", "title", "input", "requires", "hosts", "secrets", "awsActions", "exposure", "sensitive"];

  test("of any depth and size is faults, one field at a time and as a whole", () => {
    for (const value of huge) {
      expect(faults(value)).toHaveLength(1);
      expect(faults({ kind: "workflow", definition: value, file: "/x/contract.ts" }).length).toBeGreaterThan(0);
      for (const name of FIELDS) expect(faults(deskWith({ [name]: value })).length).toBeGreaterThan(0);
      for (const name of TOOL_FIELDS)
        expect(faults(deskWithTool("ledger.refund", { [name]: value })).length).toBeGreaterThan(0);
    }
  });

  test("with any text in any field is checked", () => {
    for (const text of texts) {
      for (const name of FIELDS) faults(deskWith({ [name]: text }));
      for (const name of TOOL_FIELDS) {
        faults(deskWithTool("ledger.refund", { [name]: text }));
        faults(deskWithTool("ledger.refund", { [name]: [text] }));
      }
    }
  });
});

describe("a scenario", () => {
  const codeOfText = (text: string) => {
    const path = file("scenario.json", text);
    return codeOfAsync(async () => parseScenario(await readJsonFile(path), "test"));
  };

  test.each(Object.entries(HOSTILE_JSON))("%s is refused", async (_name, text) => {
    expect(await codeOfText(text)).toBe("CS-5002");
    expect(await codeOfText(`{"description":"d","input":{"a":${text}},"expect":{}}`)).toBe("CS-5002");
  });

  test("any value is a scenario or CS-5010", () => {
    fc.assert(
      fc.property(anything, anything, (value, part) => {
        expect([undefined, "CS-5010"]).toContain(codeOf(() => parseScenario(value, "test")));
        for (const name of ["input", "turns", "approvals", "expect", "sandbox"])
          expect([undefined, "CS-5010"]).toContain(
            codeOf(() => parseScenario({ description: "d", input: {}, expect: {}, [name]: part }, "test")),
          );
      }),
      { numRuns: 60 },
    );
  });

  test.each(corpus("scenario"))("$name", async ({ verdict, bytes }) => {
    expect((await codeOfText(bytes.toString("utf8"))) ?? "ok").toBe(verdict);
  });
});

describe("policies", () => {
  const codes = (text: string) => checkPolicies(contract, setOf(text)).map(({ code }) => code);
  const REFUND = 'action == RefundDesk::Action::"ledger.refund"';

  test("any text is policies or faults of its lines", () => {
    // a file read as UTF-8 holds no half characters
    for (const text of [
      ...Object.values(NAUGHTY),
      nested("(", ")", 20_000),
      nested("[", "]"),
      nested("{a:", "}", 60),
      nested("(", ")", 200),
      nested("!", "", 50_000),
      "{".repeat(50_000),
      `context${".a".repeat(5000)}`,
      `${"1 + ".repeat(5000)}1 == 1`,
      `${"true && ".repeat(15_000)}true`,
      "if true then true else ".repeat(1500),
    ]) {
      expect(codes(`@id("p") permit (principal, ${REFUND}, resource) when { ${text} };`).length).toBeGreaterThan(0);
      codes(text);
      codes(`@id(${JSON.stringify(text)}) permit (principal, ${REFUND}, resource);`);
    }
    fc.assert(
      fc.property(
        naughtyText.map((text) => Buffer.from(text).toString()),
        (text) => {
          codes(text);
          codes(
            `@id("p") permit (principal, ${REFUND}, resource) when { context.input.reason == ${JSON.stringify(text)} };`,
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  test("what would end the engine never reaches it: it decides as before", () => {
    const sound = `@id("p") permit (principal, ${REFUND}, resource);`;
    const before = codes(sound);
    const MOST = [
      nested("(", ")", 28, "true"),
      `${nested("[", "]", 28)} == []`,
      `${"1 + ".repeat(80)}1 == 1`,
      `${"true && ".repeat(190)}true`,
      `${"if true then true else ".repeat(110)}true`,
      `context.input.reason == "${"([{.".repeat(2000)}"`,
    ];
    for (const text of MOST)
      expect(codes(`@id("p") permit (principal, ${REFUND}, resource) when { ${text} };`)).not.toContain("CS-1101");
    expect(codes(`// ${"(".repeat(100)}\n${sound}`)).toEqual(before);
    expect(
      codes(`@id("p") permit (principal, ${REFUND}, resource) when { ${nested("(", ")", 33, "true")} };`),
    ).toContain("CS-1101");
    expect(codes(sound)).toEqual(before);
  });

  test.each(corpus("cedar"))("$name", ({ verdict, bytes }) => {
    const found = codes(bytes.toString("utf8")).filter((code) => code !== "CS-1119");
    expect(found[0] ?? "ok").toBe(verdict);
  });
});

describe("a state machine", () => {
  test("of any depth and size is faults", () => {
    for (const value of [
      ...huge,
      machine({ A: deepObject() as object }),
      machine({ A: { Type: "Pass", Output: deepArray(), End: true } }),
      machine({ A: { Type: "Parallel", Branches: deepArray(), End: true } }),
      machine({ A: { Type: "Pass", Output: `{% ${nested("(", ")")} %}`, End: true } }),
      machine({ A: { Type: "Pass", Output: `{% ${nested("[", "]")} %}`, End: true } }),
      machine({ A: { Type: "Pass", Output: `{% ${"-".repeat(100_000)}1 %}`, End: true } }),
      machine({ A: { Type: "Pass", Output: `{% ${"1+".repeat(100_000)}1 %}`, End: true } }),
      nestedParallel(3000),
    ])
      expect(checkDefinition(value).length).toBeGreaterThan(0);
    for (const text of Object.values(HOSTILE_JSON)) expect(checkDefinition(text).length).toBeGreaterThan(0);
  });

  test("with any text as a name, a value or an expression is checked", () => {
    for (const text of texts) {
      checkDefinition(machine({ [text]: { Type: "Succeed" } }));
      checkDefinition(machine({ A: { Type: "Pass", Output: text, Next: text } }));
      checkDefinition(machine({ A: { Type: "Pass", Output: `{% ${text} %}`, End: true } }));
      checkDefinition(text);
    }
    fc.assert(
      fc.property(anything, (value) => {
        checkDefinition(value);
        checkDefinition(machine({ A: { Type: "Pass", Output: value, Assign: value, End: true } }));
      }),
      { numRuns: 60 },
    );
  });

  test("carries every text and every number as it is, and ends", async () => {
    const parse = machine({ A: { Type: "Pass", Output: "{% $parse($states.input.text) %}", End: true } });
    for (const text of [
      "1",
      nested("[", "]", 200),
      nested("[", "]"),
      nested('{"a":', "}"),
      "{",
      '{"__proto__":{"polluted":1}}',
    ]) {
      const { outcome } = await finish(parse, { input: { text } });
      expect(["SUCCEEDED", "FAILED"]).toContain(outcome.status);
    }
    const worked = machine({ A: invoke({ End: true }) });
    for (const answer of [deepArray(), deepObject(), Object.fromEntries([["__proto__", { polluted: 1 }]])]) {
      const { outcome } = await finish(worked, { work: () => answer });
      expect(["SUCCEEDED", "FAILED"]).toContain(outcome.status);
    }
    const same = machine({ A: { Type: "Pass", Output: "{% $states.input %}", End: true } });
    for (const text of Object.values(NAUGHTY).filter((text) => text.length < 1000)) {
      const { outcome } = await finish(same, { input: { [text]: text } });
      expect(outcome).toMatchObject({ status: "SUCCEEDED" });
    }
  });

  test.each(corpus("asl"))("$name", ({ verdict, bytes }) => {
    expect(checkDefinition(bytes.toString("utf8"))[0]?.code ?? "ok").toBe(verdict);
  });
});

function nestedParallel(levels: number): Record<string, unknown> {
  let inner: Record<string, unknown> = { StartAt: "A", States: { A: { Type: "Succeed" } } };
  for (let level = 0; level < levels; level++)
    inner = { StartAt: "A", States: { A: { Type: "Parallel", Branches: [inner], End: true } } };
  return { QueryLanguage: "JSONata", ...inner };
}

describe("a template", () => {
  const manifest = {
    version: "55.0.0",
    artifacts: { main: { type: "aws:cloudformation:stack", properties: { templateFile: "main.template.json" } } },
  };
  const check = (template: string | Buffer) => {
    file("manifest.json", JSON.stringify(manifest));
    file("main.template.json", template);
    const [stack] = readAssembly(folder).stacks;
    return stack === undefined ? [] : checkTemplate(stack, () => true);
  };
  const thing = (properties: unknown) => JSON.stringify({ Resources: { A: { Type: "T", Properties: properties } } });

  test.each(Object.entries(HOSTILE_JSON))("%s is CS-1202", (_name, text) => {
    expect(codeOf(() => check(text))).toBe("CS-1202");
    expect(codeOf(() => check(`{"Resources":{"A":{"Type":"T","Properties":{"P":${text}}}}}`))).toBe("CS-1202");
  });

  test("a manifest is read as strictly", () => {
    for (const text of Object.values(HOSTILE_JSON)) {
      file("manifest.json", text);
      expect(codeOf(() => readAssembly(folder))).toBe("CS-1202");
    }
  });

  test("any value in any place is a template, problems or CS-1202", () => {
    const KEYS = ["Ref", "Fn::Sub", "Fn::Join", "Fn::GetAtt", "Fn::If", "Fn::Select", "Fn::Split", "Fn::FindInMap"];
    fc.assert(
      fc.property(naughtyJson, fc.constantFrom(...KEYS), (value, name) => {
        for (const text of [JSON.stringify(value), thing({ P: value }), thing({ P: { [name]: value } })])
          expect([undefined, "CS-1202", "CS-1201"]).toContain(codeOf(() => check(text)));
      }),
      { numRuns: 60 },
    );
    for (const text of texts)
      check(thing({ P: { "Fn::Sub": text }, Q: { Ref: text } }).replaceAll(/\\u[dD][89a-fA-F]../g, "x"));
  });

  test.each(corpus("template"))("$name", ({ verdict, bytes }) => {
    let problems = 0;
    const code = codeOf(() => {
      problems = check(bytes).length;
    });
    expect(code ?? (problems > 0 ? "problems" : "ok")).toBe(verdict);
  });
});
