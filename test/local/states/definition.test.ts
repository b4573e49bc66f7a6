import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { interpreterErrors } from "../../../lib/errors/interpreter.js";
import { CountersignError } from "../../../lib/errors.js";
import { checkDefinition, parseDefinition } from "../../../lib/local/states/definition.js";
import { FUNCTION, invoke, machine, waitForToken } from "./support.js";

const done = { Type: "Succeed" };
const faultsOf = (definition: unknown): string[] =>
  checkDefinition(definition).map((fault) => `${fault.code} ${fault.state ?? "-"} ${fault.field}`);

describe("a definition that is accepted", () => {
  it("has every modelled state and field", () => {
    const definition = machine(
      {
        Prepare: { Type: "Pass", Assign: { order: "{% $states.input.order %}", total: 0 }, Next: "Work" },
        Work: invoke({
          Comment: "with everything",
          TimeoutSeconds: 60,
          Retry: [
            {
              ErrorEquals: ["Busy"],
              IntervalSeconds: 2,
              MaxAttempts: 3,
              BackoffRate: 1.5,
              MaxDelaySeconds: 9,
              JitterStrategy: "FULL",
            },
          ],
          Catch: [
            {
              ErrorEquals: ["States.ALL"],
              Assign: { failure: "{% $states.errorOutput %}" },
              Output: "{% $order %}",
              Next: "Failed",
            },
          ],
          Output: "{% $states.result.Payload %}",
          Next: "Ask",
        }),
        Ask: waitForToken({ TimeoutSeconds: "{% $order.patience %}", HeartbeatSeconds: 30, Next: "Check" }),
        Check: {
          Type: "Choice",
          Choices: [{ Condition: "{% $states.input.ok %}", Output: 1, Assign: { total: 1 }, Next: "Each" }],
          Default: "Rest",
        },
        Each: {
          Type: "Map",
          Items: "{% $order.items %}",
          ItemSelector: { item: "{% $states.context.Map.Item.Value %}", order: "{% $order %}" },
          MaxConcurrency: 2,
          ItemProcessor: {
            ProcessorConfig: { Mode: "INLINE" },
            StartAt: "One",
            States: { One: { Type: "Pass", Output: "{% $order.id %}", End: true } },
          },
          Next: "Both",
        },
        Both: {
          Type: "Parallel",
          Branches: [{ StartAt: "Left", States: { Left: { Type: "Task", Resource: FUNCTION, End: true } } }],
          Next: "Rest",
        },
        Rest: { Type: "Wait", Seconds: "{% $total %}", Next: "Done" },
        Done: done,
        Failed: { Type: "Fail", Error: "{% $failure.Error %}", Cause: "gave up" },
      },
      { Comment: "all", Version: "1.0", TimeoutSeconds: 86_400 },
    );
    expect(checkDefinition(definition)).toEqual([]);
    expect(checkDefinition(JSON.stringify(definition))).toEqual([]);
  });

  it("may say JSONata in each state instead of the machine", () => {
    const states = { A: { Type: "Pass", QueryLanguage: "JSONata", End: true } };
    expect(faultsOf({ StartAt: "A", States: states })).toEqual([]);
  });

  it("keeps strings with spaces outside the delimiters as literals", () => {
    expect(faultsOf(machine({ A: { Type: "Pass", Output: " {% not an expression %} ", End: true } }))).toEqual([]);
  });
});

describe("a definition that is refused", () => {
  it.each([
    [
      "JSONPath for the whole machine",
      { StartAt: "A", QueryLanguage: "JSONPath", States: { A: done } },
      "CS-1251 - QueryLanguage",
    ],
    ["no query language", { StartAt: "A", States: { A: done } }, "CS-1251 A QueryLanguage"],
    ["a JSONPath field", machine({ A: { Type: "Pass", ResultPath: "$.x", End: true } }), "CS-1252 A ResultPath"],
    ["a field of another state type", machine({ A: { Type: "Succeed", Seconds: 1 } }), "CS-1252 A Seconds"],
    [
      "a nested unknown field",
      machine({ A: invoke({ Retry: [{ ErrorEquals: ["X"], Wait: 1 }], End: true }) }),
      "CS-1252 A Retry[0]/Wait",
    ],
    ["an unknown state type", machine({ A: { Type: "Activity" } }), "CS-1253 A Type"],
    [
      "another service",
      machine({ A: { Type: "Task", Resource: "arn:aws:states:::sqs:sendMessage", End: true } }),
      "CS-1253 A Resource",
    ],
    [
      "a distributed map",
      machine({
        A: {
          Type: "Map",
          ItemProcessor: { ProcessorConfig: { Mode: "DISTRIBUTED" }, StartAt: "B", States: { B: done } },
          End: true,
        },
      }),
      "CS-1258 A ItemProcessor/ProcessorConfig/Mode",
    ],
    ["a missing target", machine({ A: { Type: "Pass", Next: "B" } }), "CS-1254 A Next"],
    [
      "a catcher's missing target",
      machine({ A: invoke({ Catch: [{ ErrorEquals: ["X"], Next: "B" }], End: true }) }),
      "CS-1254 A Catch[0]/Next",
    ],
    [
      "a target in another graph",
      machine({
        A: { Type: "Parallel", Branches: [{ StartAt: "B", States: { B: { Type: "Pass", Next: "C" } } }], Next: "C" },
        C: done,
      }),
      "CS-1254 B Next",
    ],
    ["a missing start", { QueryLanguage: "JSONata", StartAt: "Z", States: { A: done } }, "CS-1254 - StartAt"],
    ["a state nobody reaches", machine({ A: done, B: done }), "CS-1254 B "],
    ["neither Next nor End", machine({ A: { Type: "Pass" } }), "CS-1254 A End"],
    ["both Next and End", machine({ A: { Type: "Pass", Next: "B", End: true }, B: done }), "CS-1254 A End"],
    [
      "a heartbeat as long as the timeout",
      machine({ A: waitForToken({ TimeoutSeconds: 10, HeartbeatSeconds: 10, End: true }) }),
      "CS-1257 A HeartbeatSeconds",
    ],
    [
      "the newer ?? operator",
      machine({ A: { Type: "Pass", Output: "{% $states.input.a ?? 1 %}", End: true } }),
      "CS-1255 A Output",
    ],
    [
      "an expression that is not closed",
      machine({ A: { Type: "Pass", Output: "{% $states.input", End: true } }),
      "CS-1255 A Output",
    ],
    [
      "a syntax error deep inside",
      machine({ A: { Type: "Pass", Output: { a: [1, "{% 1 + %}"] }, End: true } }),
      "CS-1255 A Output/a[1]",
    ],
    [
      "a variable nobody assigns",
      machine({ A: { Type: "Pass", Output: "{% $nope %}", End: true } }),
      "CS-1256 A Output",
    ],
    [
      "a variable that is assigned later",
      machine({
        A: { Type: "Pass", Output: "{% $late %}", Next: "B" },
        B: { Type: "Pass", Assign: { late: 1 }, End: true },
      }),
      "CS-1256 A Output",
    ],
    [
      "a variable of a branch",
      machine({
        A: {
          Type: "Parallel",
          Branches: [{ StartAt: "B", States: { B: { Type: "Pass", Assign: { inner: 1 }, End: true } } }],
          Next: "C",
        },
        C: { Type: "Pass", Output: "{% $inner %}", End: true },
      }),
      "CS-1256 C Output",
    ],
    [
      "a function that does not exist",
      machine({ A: { Type: "Pass", Output: "{% $randomSeeded(1) %}", End: true } }),
      "CS-1256 A Output",
    ],
    ["$eval", machine({ A: { Type: "Pass", Output: "{% $eval('1') %}", End: true } }), "CS-1256 A Output"],
    [
      "a result before there is one",
      machine({ A: invoke({ Arguments: { FunctionName: "{% $states.result %}" }, End: true }) }),
      "CS-1256 A Arguments/FunctionName",
    ],
    [
      "an error outside Catch",
      machine({ A: { Type: "Pass", Output: "{% $states.errorOutput %}", End: true } }),
      "CS-1256 A Output",
    ],
    ["the input document", machine({ A: { Type: "Pass", Output: "{% $$.a %}", End: true } }), "CS-1256 A Output"],
    [
      "a Condition that is no expression",
      machine({ A: { Type: "Choice", Choices: [{ Condition: "$x", Next: "B" }] }, B: done }),
      "CS-1258 A Choices[0]/Condition",
    ],
    [
      "a timestamp without its offset",
      machine({ A: { Type: "Wait", Timestamp: "2026-11-21T10:00:00", End: true } }),
      "CS-1258 A Timestamp",
    ],
    ["a Wait without a time", machine({ A: { Type: "Wait", End: true } }), "CS-1258 A "],
    [
      "a reserved variable",
      machine({ A: { Type: "Pass", Assign: { states: 1 }, End: true } }),
      "CS-1258 A Assign/states",
    ],
    [
      "an invocation without a function",
      machine({ A: invoke({ Arguments: { Payload: 1 }, End: true }) }),
      "CS-1258 A Arguments",
    ],
    [
      "an asynchronous invocation",
      machine({ A: invoke({ Arguments: { FunctionName: "f", InvocationType: "Event" }, End: true }) }),
      "CS-1252 A Arguments/InvocationType",
    ],
    ["no states", { QueryLanguage: "JSONata", StartAt: "A", States: {} }, "CS-1258 - States"],
  ])("has %s", (_, definition, fault) => {
    expect(faultsOf(definition)).toContain(fault);
  });

  it("is told all faults at once, each with state, field and what to do", () => {
    const definition = machine({
      A: { Type: "Pass", InputPath: "$", Next: "B" },
      B: { Type: "Task", Resource: "x", End: true },
    });
    try {
      parseDefinition(definition);
      expect.unreachable();
    } catch (error) {
      if (!(error instanceof CountersignError)) throw error;
      expect(error.code).toBe("CS-1252");
      expect(error.message).toContain(
        'state "A" has InputPath, a JSONPath field: use an expression over $states.input instead',
      );
      expect(error.message).toContain('state "B", Resource: is not modelled; allowed are');
    }
  });

  it("is refused when it is not JSON, and when it is too large", () => {
    expect(faultsOf("{")).toEqual(["CS-1250 - "]);
    expect(faultsOf(JSON.stringify(machine({ A: { ...done, Comment: "x".repeat(1_048_576) } })))).toEqual([
      "CS-1250 - ",
    ]);
    expect(faultsOf([])).toEqual(["CS-1250 - "]);
  });

  it("gets a code of the error table whatever the document is", () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.string()), (document) => {
        for (const { code } of checkDefinition(document)) expect(interpreterErrors).toHaveProperty(code);
      }),
    );
  });
});

describe("names bound inside an expression", () => {
  it.each([
    "{% ($x := 1; $x + 1) %}",
    "{% $map([1,2], function($v, $i) { $v + $i }) %}",
    "{% $states.input.orders@$o.items[$o.id = id] %}",
    "{% $states.input.orders#$pos.{'at': $pos} %}",
    "{% $states.input.list[$ > 1] %}",
  ])("are no variables of the machine: %s", (expression) => {
    expect(faultsOf(machine({ A: { Type: "Pass", Output: expression, End: true } }))).toEqual([]);
  });
});

/** Our own counterparts of the published cases in `shared/data/asl-cases`: what is refused, with its code and path. */
const COUNTERPARTS = {
  "an empty Credentials": [
    { A: invoke({ Credentials: {}, Arguments: "{% $states.input %}", End: true }) },
    "CS-1252 A Credentials",
  ],
  "Credentials without a RoleArn": [
    { A: invoke({ Credentials: { Other: "x" }, Arguments: "{% $states.input %}", End: true }) },
    "CS-1252 A Credentials",
  ],
  "a number that does not end, deep inside Assign": [
    { A: { Type: "Pass", Assign: { top: { list: [{ child: "{% 420. %}" }] } }, Next: "B" }, B: done },
    "CS-1255 A Assign/top/list[0]/child",
  ],
  "Parameters and ResultPath": [
    { A: { Type: "Pass", Parameters: ["abc"], ResultPath: "$.x", End: true } },
    "CS-1252 A Parameters",
    "CS-1252 A ResultPath",
  ],
  "an operator without its operand": [{ A: { Type: "Pass", Output: "{% 10 + * 2 %}", End: true } }, "CS-1255 A Output"],
  "a parenthesis that is not closed": [
    { A: { Type: "Pass", Output: "{% $sum($states.input.numbers %}", End: true } },
    "CS-1255 A Output",
  ],
  "ItemsPath beside Items": [
    {
      A: {
        Type: "Map",
        Items: "{% $states.input.animals %}",
        ItemsPath: "$.foo",
        ItemProcessor: { StartAt: "B", States: { B: { Type: "Pass", End: true } } },
        End: true,
      },
    },
    "CS-1252 A ItemsPath",
  ],
  "a JSONPath state in a JSONata machine": [
    { A: { Type: "Pass", QueryLanguage: "JSONPath", End: true } },
    "CS-1251 A QueryLanguage",
  ],
} as const satisfies Readonly<Record<string, readonly [Record<string, unknown>, ...string[]]>>;

describe("counterparts of the published definitions", () => {
  it.each(Object.entries(COUNTERPARTS))("refuses %s", (_, [states, ...faults]) => {
    expect(faultsOf(machine(states))).toEqual(faults);
    expect(() => parseDefinition(machine(states))).toThrow(/state "A"/);
  });

  it.each([
    ["a literal in delimiters", { Output: "{% 10 %}" }],
    ["line breaks and blanks inside the delimiters", { Output: "{% \n10         %}" }],
    ["a function call", { Output: "{% $sum($states.input.numbers) %}" }],
    ["a template in Assign", { Assign: { top: { "child-1": { a: "{% $states.input %}", b: "{% 789.01 %}" } } } }],
    ["regular expressions", { Output: "{% $match($states.input.ssn, /^(\\d{3}-?\\d{2}|XXX-XX)$/) %}" }],
  ])("accepts %s", (_, fields) => {
    expect(faultsOf(machine({ A: { Type: "Pass", ...fields, End: true } }))).toEqual([]);
  });
});

const CASES = resolve(import.meta.dirname, "../../../../shared/data/asl-cases");
const Case = z.looseObject({
  definition: z.unknown(),
  valid: z.boolean(),
  authority: z.string(),
  effectiveQueryLanguage: z.string(),
  notes: z.array(z.string()).optional(),
});

describe.skipIf(!existsSync(CASES))("published definitions", () => {
  const read = (folder: string) =>
    readdirSync(join(CASES, folder)).map((file) => ({
      file,
      ...Case.parse(JSON.parse(readFileSync(join(CASES, folder, file), "utf8"))),
    }));

  it.each(existsSync(CASES) ? read("valid") : [])("accepts $file, if every state is JSONata", (each) => {
    const faults = checkDefinition(each.definition);
    if (each.effectiveQueryLanguage === "jsonata") expect(faults).toEqual([]);
    else expect(faults.map((fault) => fault.code)).toContain("CS-1251");
  });

  /** A rule of that linter about blanks inside {% %}; AWS's verdict is not recorded. */
  const ONLY_A_LINTER = "invalid-json-surround-syntax-extra-spaces";
  /** `code state field` of a fault, by how the file's name begins. */
  const REFUSED: Readonly<Record<string, string>> = {
    "credentials-test-credentials-base-TestCredentialsBase-test-invalid-credentials-field-EMPTY":
      "CS-1252 State0 Credentials",
    "credentials-test-credentials-base-TestCredentialsBase-test-invalid-credentials-field-INVAL":
      "CS-1252 State0 Credentials",
    "invalid-assign-asl": "CS-1251 End QueryLanguage",
    "invalid-jsonata-fields": "CS-1252 EmptyState Parameters",
    "invalid-jsonata-syntax-arithmetic": "CS-1255 X Output",
    "invalid-jsonata-syntax-mismatched-parens": "CS-1255 X Output",
    "invalid-map-items": "CS-1252 ProcessAnimals ItemsPath",
    "test-sfn-api-validation": "CS-1251 Pass QueryLanguage",
  };

  it.each(existsSync(CASES) ? read("invalid") : [])("refuses $file with a code and the path", (each) => {
    const faults = faultsOf(each.definition);
    if (each.file.startsWith(ONLY_A_LINTER)) return expect(faults).toEqual([]);
    const [, wanted] = Object.entries(REFUSED).find(([name]) => each.file.startsWith(name)) ?? [];
    expect(faults).toContain(wanted);
  });
});
