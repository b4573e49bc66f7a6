import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App, Stack } from "aws-cdk-lib";
import { Topic } from "aws-cdk-lib/aws-sns";
import { afterAll, describe, expect, it } from "vitest";
import { createApp } from "../../lib/constructs/app.js";
import { loadWorkflows } from "../../lib/constructs/load.js";
import { functionNames } from "../../lib/constructs/names.js";
import { PolicyStore } from "../../lib/constructs/policy-store.js";
import { readSettings } from "../../lib/constructs/settings.js";
import { BUNDLES, CONTEXT, FIXTURES, ofType, synthFixture } from "./harness.js";

const scratch = mkdtempSync(join(tmpdir(), "countersign-synth-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const fixture = () => loadWorkflows(join(FIXTURES, "workflows"));
const appOf = async (outdir: string, context: Record<string, unknown> = CONTEXT) =>
  createApp({ workflows: await fixture(), bundles: BUNDLES, app: { outdir: join(scratch, outdir), context } });

describe("the app", () => {
  it("is one control plane and one stack per workflow, and passes cdk-nag and cfn-guard", async () => {
    const assembly = (await appOf("first")).synth();
    expect(assembly.stacks.map(({ stackName }) => stackName)).toEqual([
      "countersign-dev",
      "countersign-dev-parcel-claim",
    ]);
    expect(assembly.stacks[1]?.dependencies.map(({ id }) => id)).toContain("countersign-dev");
    for (const { templateFullPath, template } of assembly.stacks) {
      expect(statSync(templateFullPath).size).toBeLessThan(1_000_000);
      expect(Object.keys(template.Resources).length).toBeLessThan(500);
      // traces would be one more place where what is sensitive could lie (docs/vault.md)
      expect(JSON.stringify(template)).not.toMatch(
        /"Mode":"Active"|"Tracing(Enabled|Configuration)":(true|\{"Enabled":true)/,
      );
    }
  });

  it("is not destroyed by a slip of the hand: what keeps records has termination protection, but for stage dev", async () => {
    const accounts = { auditAccount: "222222222222", workloadAccount: "111111111111" };
    const protectedIn = async (stage: string) =>
      (await appOf(`protected-${stage}`, { ...CONTEXT, ...accounts, stage })).node.children
        .filter(Stack.isStack)
        .map(({ stackName, terminationProtection }) => [stackName, terminationProtection === true] as const)
        .sort(([a], [b]) => (a < b ? -1 : 1));
    expect(await protectedIn("prod")).toEqual([
      ["countersign-prod", true],
      ["countersign-prod-audit", true],
      ["countersign-prod-parcel-claim", false],
    ]);
    expect((await protectedIn("dev")).map(([, isProtected]) => isProtected)).toEqual([false, false, false]);
  });

  it("fails on a finding that nobody acknowledged", async () => {
    const app = await appOf("finding");
    const [stack] = app.node.children.filter(Stack.isStack);
    new Topic(stack ?? app, "Open");
    expect(() => app.synth()).toThrow(/validation/i);
  });

  it("is the same twice: templates and code", async () => {
    const [first, second] = [await synthFixture(), await synthFixture()];
    expect(second).toEqual(first);
  });

  it("names everything after the stage", async () => {
    const { plane, workflow } = await synthFixture("prod");
    const text = JSON.stringify([plane, workflow]);
    expect(text).toContain("countersign/prod/log-writer");
    expect(text).not.toMatch(/countersign[/-]dev/);
  });

  it("has no custom resources", async () => {
    const { plane, workflow } = await synthFixture();
    const types = [plane, workflow].flatMap((template) => Object.values(template.Resources).map(({ Type }) => Type));
    expect(types.filter((type) => /^Custom::|CustomResource/.test(type))).toEqual([]);
  });
});

describe("settings", () => {
  const settings = (context: Record<string, unknown>) => () =>
    readSettings(new App({ context: { ...CONTEXT, ...context } }).node);

  it("default to the stage dev", () => {
    const retentionDays = { public: 365, internal: 365, personal: 1095, financial: 3650 };
    const archive = { mode: "governance", retentionDays };
    expect(settings({})()).toEqual({ stage: "dev", mailFrom: "countersign@example.com", archive, slack: false });
  });

  it.each([
    [{ slack: "on" }, true],
    [{ slack: ["prod", "dev"] }, true],
    [{ slack: ["prod"] }, false],
    [{ slack: [] }, false],
    [{ slack: "off" }, false],
  ])("%j: Slack is %j", (context, slack) => {
    expect(settings(context)().slack).toBe(slack);
  });

  it.each([
    [{ stage: "qa" }, 'CS-1301 context stage: "qa" is not allowed; use one of dev, staging, prod'],
    [{ stage: 7 }, "CS-1301 context stage: 7 is not allowed"],
    [{ stages: [] }, "CS-1301 cdk.json: context.stages is missing"],
    [{ stages: ["dev-eu"] }, 'CS-1301 cdk.json: context.stages: "dev-eu" is no stage name'],
    [{ slack: "yes" }, 'CS-1310 context slack: "yes" is not allowed; list the stages that have Slack in cdk.json'],
    [{ slack: ["qa"] }, 'CS-1310 context slack: ["qa"] is not allowed'],
    [{ mailFrom: "nobody" }, 'CS-1302 context mailFrom: "nobody" is no e-mail address'],
    [{ archiveMode: "worm" }, 'CS-1303 context archiveMode: "worm" is not allowed; use governance or compliance'],
    [{ retentionDays: { financial: 0 } }, "CS-1303 context retentionDays: "],
    [{ retentionDays: { secret: 10 } }, "CS-1303 context retentionDays: "],
    [{ auditAccount: "12" }, 'CS-1303 context auditAccount: "12" is not allowed; use the account\'s 12 digits'],
    [{ auditAccount: "222222222222" }, "CS-1303 context workloadAccount: undefined is not allowed; give both"],
    [{ auditAccount: "222222222222", workloadAccount: "222222222222" }, "it is the workload's own"],
  ])("%j is refused", (context, message) => {
    expect(caught(settings(context))).toContain(message);
  });
});

describe("loading", () => {
  it("names every fault of every workflow and builds nothing", async () => {
    const root = join(scratch, "workflows");
    const lib = join(import.meta.dirname, "../../lib/contract/define.ts");
    mkdirSync(join(root, "broken"), { recursive: true });
    writeFileSync(
      join(root, "broken/contract.ts"),
      `import { defineWorkflow } from ${JSON.stringify(lib)};\nexport default defineWorkflow({ name: "broken", version: 0, colour: "red" } as never);\n`,
    );
    const error = await loadWorkflows(root).then(
      () => "no error",
      (thrown: unknown) => String(thrown),
    );
    expect(error).toMatch(/^CS-1308 \d+ faults, nothing was synthesised:\n/);
    expect(error).toContain("contract.version: 0");
    expect(error).toContain("contract.colour");
    expect(error.split("\n").length).toBeGreaterThan(5);
  });

  it("refuses two workflows of one name", async () => {
    const [one] = await fixture();
    if (one === undefined) throw new Error("no fixture");
    const options = {
      workflows: [one, one],
      bundles: BUNDLES,
      app: { outdir: join(scratch, "twice"), context: CONTEXT },
    };
    await expect(createApp(options)).rejects.toThrow(/"parcel-claim" is used by/);
  });
});

describe("policy store", () => {
  const build = (policySet: Awaited<ReturnType<typeof fixture>>[number]["policySet"]) =>
    new PolicyStore(new Stack(new App(), "s"), { workflow: "w", policySet });

  it("is another store when the policy set is another", async () => {
    const [one] = await fixture();
    if (one === undefined) throw new Error("no fixture");
    const changed = { ...one.policySet, hash: `beef0123${one.policySet.hash.slice(8)}` };
    expect(build(one.policySet).node.id).toBe(`PolicyStore${one.policySet.hash.slice(0, 8)}`);
    expect(build(changed).node.id).toBe("PolicyStorebeef0123");
  });

  it("refuses two policies that would share a name", async () => {
    const [one] = await fixture();
    const [policy] = one?.policySet.policies ?? [];
    if (one === undefined || policy === undefined) throw new Error("no fixture");
    const policies = [
      { ...policy, id: "guardrail:budget" },
      { ...policy, id: "guardrail-budget" },
    ];
    expect(caught(() => build({ ...one.policySet, policies }))).toContain("CS-1307");
  });

  it("holds the schema, strictly validated, and every policy with its name", async () => {
    const { workflow } = await synthFixture();
    const [[, store] = []] = ofType(workflow, "AWS::VerifiedPermissions::PolicyStore");
    expect(store?.Properties.ValidationSettings).toEqual({ Mode: "STRICT" });
    const [one] = await fixture();
    expect(store?.Properties.Schema).toEqual({ CedarJson: JSON.stringify(one?.policySet.schema) });
    const names = ofType(workflow, "AWS::VerifiedPermissions::Policy").map(([, { Properties }]) => Properties.Name);
    expect(names).toHaveLength(one?.policySet.policies.length ?? -1);
    expect(names).toEqual(expect.arrayContaining(["name/reads", "name/claims", "name/guardrail-irreversible"]));
  });
});

describe("function names", () => {
  it("say stage, workflow and part", () => {
    const names = functionNames("dev", "billing-dispute", ["stripe.lookup_charge"]);
    expect(names.of("tool-stripe-lookup_charge")).toBe("countersign-dev-billing-dispute-tool-stripe-lookup_charge");
    expect(names.previewPrefix).toBe("countersign-dev-billing-dispute-preview-");
  });

  it("fit Lambda's 64 characters for the longest workflow and tool, and stay apart", () => {
    const tool = `${"s".repeat(20)}.${"t".repeat(19)}`;
    const of = (workflow: string) => functionNames("production12", workflow, [tool]);
    const one = of(`${"w".repeat(31)}a`);
    expect(`${one.previewPrefix}${tool.replace(".", "-")}`.length).toBeLessThanOrEqual(64);
    expect(one.of("request-approval").length).toBeLessThanOrEqual(64);
    expect(one.previewPrefix).not.toBe(of(`${"w".repeat(31)}b`).previewPrefix);
  });
});

function caught(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return String(error);
  }
  return "no error";
}
