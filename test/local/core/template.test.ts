// biome-ignore-all lint/suspicious/noTemplateCurlyInString: CloudFormation writes its placeholders like this
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { CountersignError } from "../../../lib/errors.js";
import { readAssembly } from "../../../lib/local/template/assembly.js";
import { deploy } from "../../../lib/local/template/deploy.js";
import { defaultName } from "../../../lib/local/template/names.js";
import { inDependencyOrder } from "../../../lib/local/template/order.js";
import type { ResourceFactory, ResourceRequest } from "../../../lib/local/types.js";
import { jsonFault } from "../../../lib/run/json.js";
import { assemblyOf, BOOTSTRAP, codeOf, type Fixture, type FixtureStack } from "./fixture.js";

const fixtures: Fixture[] = [];
afterEach(() => {
  for (const fixture of fixtures.splice(0)) fixture.remove();
});
/** an assembly that is removed after the test */
function assembly(...parts: Parameters<typeof assemblyOf>): Fixture {
  const fixture = assemblyOf(...parts);
  fixtures.push(fixture);
  return fixture;
}

/** Creates `Test::Thing`s: Ref is the logical id, `Arn` and `Deep.Name` are attributes. */
async function deployed(stacks: Record<string, FixtureStack>, only?: readonly string[], factory?: ResourceFactory) {
  const fixture = assembly(stacks, { code: { "index.js": "" } });
  const requests: ResourceRequest[] = [];
  const thing: ResourceFactory = (request) => {
    requests.push(request);
    return (
      factory?.(request) ?? {
        ref: `ref-${request.logicalId}`,
        attributes: { Arn: `arn-${request.logicalId}`, "Deep.Name": "deep", List: ["a", "b"] },
      }
    );
  };
  const result = await deploy(readAssembly(fixture.folder, only), new Map([["Test::Thing", thing]]));
  return {
    result,
    requests,
    properties: Object.fromEntries(requests.map((request) => [request.logicalId, request.properties])),
  };
}
const thing = (Properties: Record<string, unknown> = {}, more: Record<string, unknown> = {}) => ({
  Type: "Test::Thing",
  Properties,
  ...more,
});
const one = (template: Record<string, unknown>) => ({ main: { template } });
const faultOf = async (work: Promise<unknown>): Promise<CountersignError> => {
  const error = await work.catch((thrown: unknown) => thrown);
  if (error instanceof CountersignError) return error;
  throw new Error(`expected a CountersignError, got ${String(error)}`);
};

describe("intrinsic functions", () => {
  it("resolve against parameters, pseudo parameters and created resources", async () => {
    const { properties } = await deployed(
      one({
        ...BOOTSTRAP,
        Mappings: { Zones: { "eu-central-1": { short: "euc1" } } },
        Parameters: { ...BOOTSTRAP.Parameters, Stage: { Type: "String", Default: "dev" } },
        Resources: {
          User: thing({
            pseudo: {
              "Fn::Join": [
                "|",
                [
                  { Ref: "AWS::AccountId" },
                  { Ref: "AWS::Region" },
                  { Ref: "AWS::Partition" },
                  { Ref: "AWS::URLSuffix" },
                  { Ref: "AWS::StackName" },
                ],
              ],
            },
            stackId: { Ref: "AWS::StackId" },
            stage: { Ref: "Stage" },
            bootstrap: { Ref: "BootstrapVersion" },
            ref: { Ref: "Base" },
            att: { "Fn::GetAtt": ["Base", "Arn"] },
            dotted: { "Fn::GetAtt": "Base.Deep.Name" },
            sub: { "Fn::Sub": "${Base}/${Base.Deep.Name}/${AWS::Region}/${!Literal}" },
            subWith: { "Fn::Sub": ["${X}-${Stage}", { X: { Ref: "Base" } }] },
            select: { "Fn::Select": [1, { "Fn::Split": [":", "a:b:c"] }] },
            selectAtt: { "Fn::Select": ["0", { "Fn::GetAtt": ["Base", "List"] }] },
            map: { "Fn::FindInMap": ["Zones", { Ref: "AWS::Region" }, "short"] },
            list: [1, { Ref: "AWS::NoValue" }, null, { a: { Ref: "AWS::NoValue" }, b: true }],
            none: { Ref: "AWS::NoValue" },
          }),
          Base: thing(),
        },
      }),
    );
    expect(properties.User).toEqual({
      pseudo: "111111111111|eu-central-1|aws|amazonaws.com|main",
      stackId: expect.stringMatching(/^arn:aws:cloudformation:eu-central-1:111111111111:stack\/main\/[0-9a-f-]{36}$/),
      stage: "dev",
      bootstrap: "30",
      ref: "ref-Base",
      att: "arn-Base",
      dotted: "deep",
      sub: "ref-Base/deep/eu-central-1/${Literal}",
      subWith: "ref-Base-dev",
      select: "b",
      selectAtt: "a",
      map: "euc1",
      list: [1, null, { b: true }],
    });
  });

  it("leave data alone that only looks like them", async () => {
    const data = { Ref: "a", other: 1 };
    const pattern = { Condition: { StringEquals: { "aws:x": "y" } }, Fn: ["x"] };
    expect((await deployed(one({ Resources: { A: thing({ data, pattern }) } }))).properties.A).toEqual({
      data,
      pattern,
    });
  });

  it("any JSON without them passes unchanged", async () => {
    const json = fc
      .jsonValue()
      .filter((value) => jsonFault(value) === undefined)
      .filter((value) => !/"(Ref|Fn::[^"]*)":|\{\{resolve:/.test(JSON.stringify(value)));
    await fc.assert(
      fc.asyncProperty(json, async (value) => {
        const { properties } = await deployed(one({ Resources: { A: thing({ value }) } }));
        expect(properties.A).toEqual(JSON.parse(JSON.stringify({ value })));
      }),
      { numRuns: 60 },
    );
  });
});

describe("conditions", () => {
  const Conditions = {
    InEurope: {
      "Fn::Or": [
        { "Fn::Equals": [{ Ref: "AWS::Region" }, "eu-west-1"] },
        { "Fn::Equals": [{ Ref: "AWS::Region" }, "eu-central-1"] },
      ],
    },
    Elsewhere: { "Fn::Not": [{ Condition: "InEurope" }] },
    Both: { "Fn::And": [{ Condition: "InEurope" }, { Condition: "Elsewhere" }] },
  };
  it("decide about values, resources and outputs", async () => {
    const { properties, result } = await deployed(
      one({
        Conditions,
        Resources: {
          Yes: thing(
            {
              value: { "Fn::If": ["InEurope", "near", { Ref: "No" }] },
              gone: { "Fn::If": ["Both", 1, { Ref: "AWS::NoValue" }] },
            },
            { Condition: "InEurope" },
          ),
          No: thing({}, { Condition: "Elsewhere" }),
        },
        Outputs: {
          There: { Value: "x", Condition: "InEurope" },
          NotThere: { Value: { Ref: "No" }, Condition: "Elsewhere" },
        },
      }),
    );
    expect(properties).toEqual({ Yes: { value: "near" } });
    expect(result[0]?.outputs).toEqual([{ key: "There", value: "x" }]);
  });
  it("a reference to a resource that was left out is a fault", async () => {
    const fault = await faultOf(
      deployed(
        one({ Conditions, Resources: { No: thing({}, { Condition: "Elsewhere" }), A: thing({ x: { Ref: "No" } }) } }),
      ),
    );
    expect(fault.message).toContain("main/A Properties.x: there is no resource No");
  });
});

describe("order", () => {
  it("creates what is referred to or depended on first", async () => {
    const { requests } = await deployed(
      one({
        Resources: {
          A: thing({ x: { "Fn::Sub": "${B.Arn}" } }),
          B: thing({}, { DependsOn: "C" }),
          C: thing({ y: [{ "Fn::GetAtt": ["D", "Arn"] }] }),
          D: thing(),
        },
      }),
    );
    expect(requests.map((request) => request.logicalId)).toEqual(["D", "C", "B", "A"]);
  });
  it("names a cycle", async () => {
    const fault = await faultOf(
      deployed(one({ Resources: { A: thing({ x: { Ref: "B" } }), B: thing({}, { DependsOn: ["A"] }) } })),
    );
    expect([fault.code, fault.message]).toEqual([
      "CS-1211",
      "main: resources depend on each other in a cycle: A → B → A",
    ]);
  });
  it("stacks: dependencies first, exports imported, a chosen stack with what it needs", async () => {
    const stacks = {
      flow: {
        dependsOn: ["control"],
        template: { Resources: { B: thing({ x: { "Fn::ImportValue": "control:A" } }) } },
      },
      control: {
        template: {
          Resources: { A: thing() },
          Outputs: { O: { Value: { Ref: "A" }, Export: { Name: { "Fn::Sub": "${AWS::StackName}:A" } } } },
        },
      },
      other: { template: { Resources: { C: thing() } } },
    };
    const { result, properties } = await deployed(stacks, ["flow"]);
    expect(result.map((stack) => stack.name)).toEqual(["control", "flow"]);
    expect(properties).toEqual({ A: {}, B: { x: "ref-A" } });
    expect((await faultOf(deployed(stacks, ["absent"]))).code).toBe("CS-1205");
  });
  it("is a topological order of any graph, or a true cycle", () => {
    const graph = fc.dictionary(
      fc.constantFrom(..."abcdefgh"),
      fc.array(fc.constantFrom(..."abcdefgh"), { maxLength: 4 }),
    );
    fc.assert(
      fc.property(graph, (edges) => {
        const map = new Map(Object.entries(edges));
        const order = inDependencyOrder(map);
        if ("cycle" in order) {
          expect(order.cycle.at(0)).toBe(order.cycle.at(-1));
          for (const [index, id] of order.cycle.slice(1).entries())
            expect(map.get(order.cycle[index] ?? "")).toContain(id);
          return;
        }
        expect([...order].sort()).toEqual([...map.keys()].sort());
        for (const [id, needed] of map)
          for (const each of needed) if (map.has(each)) expect(order.indexOf(each)).toBeLessThan(order.indexOf(id));
      }),
    );
  });
});

describe("what is not modelled", () => {
  it("is told all at once, before anything is created", async () => {
    let created = 0;
    const fault = await faultOf(
      deployed(
        {
          one: {
            template: {
              Rules: { Mine: {} },
              Resources: {
                Queue: { Type: "AWS::SQS::Queue", Properties: { x: { "Fn::GetAZs": "" } } },
                Fine: thing({
                  deep: [{ x: { "Fn::Transform": {} } }],
                  y: "{{resolve:ssm:/a}}",
                  z: { "Fn::Sub": "${Nobody.Arn}" },
                }),
              },
            },
          },
          two: {
            template: {
              Resources: {
                Other: { Type: "Custom::Thing" },
                Cond: thing({}, { Condition: "Absent" }),
                Dep: thing({}, { DependsOn: "Gone" }),
              },
              Outputs: { Out: { Value: { "Fn::Base64": "x" } } },
            },
          },
        },
        undefined,
        () => ({ ref: String(created++), attributes: {} }),
      ),
    );
    expect(created).toBe(0);
    expect(fault.code).toBe("CS-1210");
    expect(fault.message.split("\n").slice(1)).toEqual([
      "  one/Mine Rules: rules are not modelled",
      "  one/Queue Type: AWS::SQS::Queue is not modelled",
      "  one/Queue Properties.x: Fn::GetAZs is not modelled",
      "  one/Fine Properties.deep.0.x: Fn::Transform is not modelled",
      "  one/Fine Properties.y: dynamic references ({{resolve:…}}) are not modelled",
      "  one/Fine Properties.z: there is no parameter or resource Nobody",
      "  two/Other Type: Custom::Thing is not modelled",
      "  two/Cond Condition: there is no condition Absent",
      "  two/Dep DependsOn: Gone is no resource of this stack",
      "  two/Out Outputs.Value: Fn::Base64 is not modelled",
    ]);
  });

  it("attributes and properties: all of them, each once, at their root", async () => {
    const fault = await faultOf(
      deployed(
        {
          one: {
            template: {
              Resources: {
                A: thing({ x: { "Fn::GetAtt": ["Base", "Nope"] }, y: { "Fn::ImportValue": "nobody" } }),
                FollowsA: thing({ x: { Ref: "A" } }),
                Refused: thing({ refuse: true }),
                Base: thing(),
              },
              Outputs: { O: { Value: { Ref: "A" }, Export: { Name: "a" } } },
            },
          },
          two: {
            dependsOn: ["one"],
            template: {
              Resources: {
                B: thing({ x: { "Fn::ImportValue": "a" } }),
                C: thing({ x: { "Fn::GetAtt": ["D", "No"] } }),
                D: thing(),
              },
            },
          },
        },
        undefined,
        (request) => {
          if (request.properties.refuse) throw new CountersignError("CS-4030", "refuse: not modelled");
          return { ref: "r", attributes: { Arn: "a" } };
        },
      ),
    );
    expect(fault.message.split("\n").slice(1)).toEqual([
      "  one/A Properties.x: attribute Nope of Base (Test::Thing) is not modelled; there is Arn",
      "  one/A Properties.y: no stack exports nobody",
      "  one/Refused Properties: CS-4030 refuse: not modelled",
      "  two/C Properties.x: attribute No of D (Test::Thing) is not modelled; there is Arn",
    ]);
    expect(fault.details.problems).toHaveLength(4);
  });

  it("parameters without a value, sections and resource attributes", async () => {
    expect(
      (
        await faultOf(
          deployed(one({ Parameters: { P: { Type: "String" } }, Resources: { A: thing({ x: { Ref: "P" } }) } })),
        )
      ).message,
    ).toContain("parameter P has no value");
    const ssm = { P: { Type: "AWS::SSM::Parameter::Value<String>", Default: "/other" } };
    expect(
      (await faultOf(deployed(one({ Parameters: ssm, Resources: { A: thing({ x: { Ref: "P" } }) } })))).message,
    ).toContain("with value /other is not modelled");
    expect((await faultOf(deployed(one({ Transform: "AWS::Serverless", Resources: {} })))).code).toBe("CS-1202");
    expect((await faultOf(deployed(one({ Resources: { A: thing({}, { CreationPolicy: {} }) } })))).message).toContain(
      "CreationPolicy",
    );
  });
});

describe("inert types", () => {
  it("answer Ref and Arn", async () => {
    const { properties } = await deployed(
      one({
        Resources: {
          Log: {
            Type: "AWS::Logs::LogGroup",
            Properties: { LogGroupName: "/a", RetentionInDays: 7 },
            DeletionPolicy: "Retain",
            UpdateReplacePolicy: "Retain",
          },
          Alarm: { Type: "AWS::CloudWatch::Alarm", Properties: { AlarmActions: [{ Ref: "Topic" }] } },
          Topic: { Type: "AWS::SNS::Topic", Properties: {} },
          Meta: { Type: "AWS::CDK::Metadata", Properties: { Analytics: "v2" } },
          User: thing({
            log: { Ref: "Log" },
            logArn: { "Fn::GetAtt": ["Log", "Arn"] },
            alarm: { "Fn::GetAtt": ["Alarm", "Arn"] },
            topic: { Ref: "Topic" },
          }),
        },
      }),
    );
    expect(properties.User).toEqual({
      log: "/a",
      logArn: "arn:aws:logs:eu-central-1:111111111111:log-group:/a:*",
      alarm: expect.stringMatching(/^arn:aws:cloudwatch:eu-central-1:111111111111:alarm:main-Alarm-/),
      topic: expect.stringMatching(/^arn:aws:sns:eu-central-1:111111111111:main-Topic-/),
    });
  });
});

describe("the assembly", () => {
  it("says what is missing and what to do", () => {
    expect(() => readAssembly("/nowhere/cdk.out")).toThrow(
      expect.objectContaining({ code: "CS-1201", message: expect.stringContaining("npx cdk synth") }),
    );
  });
  it("is one account in one region", () => {
    const fixture = assembly({ a: { template: {}, environment: "aws://222222222222/us-east-1" }, b: { template: {} } });
    expect(readAssembly(fixture.folder)).toMatchObject({ accountId: "222222222222", region: "us-east-1" });
    const other = assembly({
      a: { template: {}, environment: "aws://222222222222/us-east-1" },
      b: { template: {}, environment: "aws://222222222222/us-east-2" },
    });
    expect(() => readAssembly(other.folder)).toThrow(expect.objectContaining({ code: "CS-1204" }));
  });
  it("finds assets by the object that would be uploaded", () => {
    const fixture = assembly({ a: { template: {} } }, { code: { "index.js": "" } });
    const read = readAssembly(fixture.folder);
    const bucket = "cdk-hnb659fds-assets-111111111111-eu-central-1";
    expect(read.assetFolder(bucket, codeOf("code").S3Key)).toBe(`${fixture.folder}/asset.code`);
    expect(() => read.assetFolder("elsewhere", "code.zip")).toThrow(expect.objectContaining({ code: "CS-1203" }));
    expect(() => read.assetFolder(bucket, "absent.zip")).toThrow(expect.objectContaining({ code: "CS-1203" }));
  });
});

it("default names are stable, different and at most 64 characters", () => {
  const id = fc.stringMatching(/^[A-Za-z0-9]{1,200}$/);
  fc.assert(
    fc.property(id, id, id, (stack, left, right) => {
      expect(defaultName(stack, left).length).toBeLessThanOrEqual(64);
      expect(defaultName(stack, left)).toMatch(/^[A-Za-z0-9-]+$/);
      expect(defaultName(stack, left) === defaultName(stack, right)).toBe(left === right);
    }),
  );
});
