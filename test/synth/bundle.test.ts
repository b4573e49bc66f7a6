import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { App, Duration, Stack } from "aws-cdk-lib";
import { afterAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { Bundler, bundleApprovalDesk, bundleWorkflow } from "../../lib/constructs/bundle.js";
import { loadWorkflows } from "../../lib/constructs/load.js";
import { ZoneFunction } from "../../lib/constructs/zone-function.js";
import { contractData } from "../../lib/contract/describe.js";
import { toolSchemaHashes } from "../../lib/contract/hash.js";
import type { Contract } from "../../lib/contract/model.js";
import { BUNDLES, FIXTURES } from "./harness.js";

const scratch = mkdtempSync(join(tmpdir(), "countersign-bundle-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const cache = join(scratch, "cache");

async function bundles() {
  const [one] = await loadWorkflows(join(FIXTURES, "workflows"));
  if (one === undefined) throw new Error("no fixture");
  return bundleWorkflow(one.contract, { ...BUNDLES, cache });
}
async function run(folder: string | undefined): Promise<unknown> {
  const module: unknown = await import(pathToFileURL(join(folder ?? "", "index.mjs")).href);
  return z
    .object({ handler: z.custom<() => Promise<unknown>>((value) => typeof value === "function") })
    .parse(module)
    .handler();
}

/** by file name */
function partsOf(folder = ""): ReadonlyMap<string, string> {
  return new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), "utf8")]));
}

describe("bundles", () => {
  it("hold the contract, and each tool's function that tool's code", async () => {
    const { admit, propose, tools, previews } = await bundles();
    expect(await run(admit)).toEqual({ zone: "admit", defined: "object" });
    expect(await run(propose)).toEqual({ instructions: "Settle the claim.\n" });
    expect(await run(tools.get("carrier.compensate"))).toEqual({ handle: "function" });
    expect([...previews.keys()]).toEqual(["carrier.compensate"]);
    const code = (folder: string | undefined) => [...partsOf(folder).values()].join("\n");
    expect(code(tools.get("carrier.track"))).not.toContain("p_1");
    expect(code(tools.get("carrier.compensate"))).toContain("p_1");
  });

  it("are kept by content: the same code is the same folder, and nothing half-written stays", async () => {
    const [first, second] = [await bundles(), await bundles()];
    expect(second).toEqual(first);
    const folders = readdirSync(cache);
    expect(folders.every((name) => /^[0-9a-f]{32}$/.test(name))).toBe(true);
    expect(folders).toHaveLength(
      new Set([
        first.admit,
        first.decide,
        first.closeRun,
        first.propose,
        first.requestApproval,
        ...first.tools.values(),
        ...first.previews.values(),
      ]).size,
    );
  });

  it("stand alone, whatever package.json is above them", async () => {
    const { decide } = await bundles();
    const parent = join(scratch, "commonjs");
    mkdirSync(parent);
    writeFileSync(join(parent, "package.json"), '{ "type": "commonjs" }');
    for (const [name, text] of partsOf(decide)) writeFileSync(join(parent, name), text);
    expect(await run(parent)).toEqual({ zone: "decide", defined: "object" });
  });

  it("hold the contract as it was checked, and the schemas of the team's own file", async () => {
    const [one] = await loadWorkflows(join(FIXTURES, "workflows"));
    if (one === undefined) throw new Error("no fixture");
    const { contract } = one;
    const { decide } = await bundleWorkflow(contract, { cache });
    const bundled: unknown = await import(pathToFileURL(join(decide, "contract.mjs")).href);
    const { default: found, toolSchemaHashes: hashes } = z
      .object({ default: z.custom<Contract>(), toolSchemaHashes: z.record(z.string(), z.string()) })
      .parse(bundled);
    expect(contractData(found)).toEqual(contractData(contract));
    // What a bundle says of a tool, it says by the schemas that it runs.
    expect(toolSchemaHashes(found)).toEqual(toolSchemaHashes(contract));
    expect(hashes).toEqual(toolSchemaHashes(contract));
    expect(found.input.safeParse({}).success).toBe(false);
    // The check of a definition, with its advice, stays at home.
    expect([...partsOf(decide).values()].join("\n")).not.toContain("use the name of a field");
  });

  it("share the zone's code and the packages between workflows", async () => {
    const bundler = new Bundler({ cache });
    const [one] = await loadWorkflows(join(FIXTURES, "workflows"));
    if (one === undefined) throw new Error("no fixture");
    const [first, second] = [
      await bundler.workflow(one.contract),
      await bundler.workflow({ ...one.contract, purpose: "Another." }),
    ];
    const [here, there] = [partsOf(first.decide), partsOf(second.decide)];
    expect(here.get("contract.mjs")).not.toBe(there.get("contract.mjs"));
    for (const name of ["index.mjs", "shared.mjs"]) expect(there.get(name)).toBe(here.get(name));
    expect(second.requestApproval).toBe(first.requestApproval);
  });

  it("name the handler that is missing or does not compile", async () => {
    const handlers = join(scratch, "handlers");
    await expect(bundleApprovalDesk({ handlers, cache })).rejects.toThrow(/approval-desk\/handler.ts does not exist/);
    mkdirSync(join(handlers, "approval-desk"), { recursive: true });
    writeFileSync(join(handlers, "approval-desk/handler.ts"), 'import "./nowhere.js";\nexport const handler = 1;\n');
    await expect(bundleApprovalDesk({ handlers, cache })).rejects.toThrow(/nowhere/);
    expect(existsSync(join(handlers, "index.mjs"))).toBe(false);
  });
});

describe("environment", () => {
  const environment = z.object({
    STAGE: z.string().min(1),
    HASH: z.string().regex(/^[0-9a-f]{4}$/),
    MAYBE: z.string().optional(),
  });
  async function zone(settings: Partial<Record<"STAGE" | "HASH" | "MAYBE", string>>) {
    const app = new App();
    const { decide } = await bundles();
    const zoneFunction = new ZoneFunction(new Stack(app, "s"), "F", {
      stage: "dev",
      zone: "tool",
      functionName: "countersign-dev-f",
      description: "a function",
      code: decide,
      logKeyArn: "arn:aws:kms:eu-central-1:111111111111:key/11111111-2222-4333-8444-555555555555",
      environment,
      settings,
      timeout: Duration.seconds(3),
    });
    return { zoneFunction, synth: () => app.synth() };
  }

  it("that fits is accepted, with values that CloudFormation fills in", async () => {
    const { zoneFunction, synth } = await zone({ STAGE: "dev" });
    zoneFunction.provide({ HASH: Stack.of(zoneFunction).stackId });
    expect(synth).not.toThrow();
  });

  it.each([
    [{ STAGE: "dev" }, /CS-1304 countersign-dev-f: environment HASH is missing or wrong/],
    [{ STAGE: "dev", HASH: "xyz" }, /environment HASH is missing or wrong/],
    [{ HASH: "0a1b" }, /environment STAGE is missing or wrong/],
  ])("%j stops the synth", async (settings, message) => {
    const { synth } = await zone(settings);
    expect(synth).toThrow(message);
  });

  it("with a name that the handler does not read stops the synth", async () => {
    const { zoneFunction, synth } = await zone({ STAGE: "dev", HASH: "0a1b" });
    zoneFunction.provide({ OTHER: "x" });
    expect(synth).toThrow(/environment OTHER is set, but its handler does not read it/);
  });

  it("refuses one name with two values", async () => {
    const { zoneFunction } = await zone({ STAGE: "dev", HASH: "0a1b" });
    expect(() => zoneFunction.provide({ STAGE: "dev" })).not.toThrow();
    expect(() => zoneFunction.provide({ STAGE: "prod" })).toThrow(/STAGE is set twice/);
  });
});
