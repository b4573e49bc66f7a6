import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { buildSync } from "esbuild";
import { afterAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { contractDescription } from "../../lib/contract/describe.js";
import { contractHash, sha256Jcs, toolSchemaHash } from "../../lib/contract/hash.js";
import { DESK, deskContract, deskDefinition, deskWith, deskWithTool } from "./fixture.js";

const scratch = mkdtempSync(join(tmpdir(), "contract-hash-"));
afterAll(() => rmSync(scratch, { recursive: true }));

describe("sha256Jcs", () => {
  it("is SHA-256 of the canonical form", () => {
    // printf '{"a":[1,"é"],"b":null}' | sha256sum
    expect(sha256Jcs({ b: null, a: [1, "é"] })).toBe(
      "1e02bc81a26af2f027329541e97eef36f3290bedc6dfe043dbe66b057ecb13ba",
    );
  });

  it("refuses what is not JSON", () => {
    expect(() => sha256Jcs(undefined)).toThrowError(expect.objectContaining({ code: "CS-1025" }));
  });
});

describe("contractHash", () => {
  const hash = contractHash(deskContract());

  it("does not depend on the order in which fields are written, nor on the sandbox", () => {
    const reversed = Object.fromEntries(Object.entries(deskDefinition).reverse());
    expect(
      contractHash(deskContract({ kind: "workflow", file: join(DESK, "contract.ts"), definition: reversed })),
    ).toBe(hash);
    expect(contractHash(deskContract(deskWith({ sandbox: undefined })))).toBe(hash);
  });

  it("is the same when a default is written out", () => {
    const { outcomes = [] } = deskDefinition;
    expect(contractHash(deskContract(deskWith({ outcomes: [...outcomes, "escalated"] })))).toBe(hash);
  });

  it.each([
    ["version", deskWith({ version: 3 })],
    ["an approver", deskWith({ approvers: { first: ["ana@example.com", "eve@example.com"] } })],
    ["the budget", deskWith({ budget: { perRunUsd: 0.28 } })],
    ["the input", deskWith({ input: deskDefinition.input.extend({ more: z.string().optional() }) })],
    ["a tool's host", deskWithTool("ledger.label", { hosts: ["evil.example.com"] })],
    ["a tool's code", deskWithTool("ledger.label", { handler: "./ledger.lookup.ts" })],
    ["a description", deskWithTool("ledger.label", { description: "Other." })],
  ])("changes with %s", (_what, defined) => {
    expect(contractHash(deskContract(defined))).not.toBe(hash);
  });

  it("holds no absolute path", () => {
    expect(JSON.stringify(contractDescription(deskContract()))).not.toContain(DESK);
  });

  it("is the same in a minified bundle elsewhere on the disk", async () => {
    const outfile = join(scratch, "bundle.mjs");
    buildSync({
      stdin: {
        contents: `
          import workflow from "./contract.ts";
          import { checkContract } from "../../../../lib/contract/check.ts";
          import { contractHash } from "../../../../lib/contract/hash.ts";
          export const checked = checkContract(workflow, { exists: () => true });
          export const hash = checked.contract && contractHash(checked.contract);`,
        resolveDir: DESK,
      },
      bundle: true,
      minify: true,
      platform: "node",
      format: "esm",
      outfile,
    });

    const bundle: unknown = await import(/* @vite-ignore */ pathToFileURL(outfile).href);

    expect(bundle).toMatchObject({ hash, checked: { faults: [], contract: { file: outfile } } });
  });
});

describe("toolSchemaHash", () => {
  const schemaHash = (defined: unknown, name = "ledger.label") =>
    deskContract(defined)
      .tools.filter((tool) => tool.name === name)
      .map(toolSchemaHash)[0];
  const before = schemaHash(deskWith({}));

  it("changes with a schema and with what is sensitive, not with prose", () => {
    const input = z.strictObject({ case_id: z.string().max(9), label: z.string(), mail_to: z.string() });
    expect(schemaHash(deskWithTool("ledger.label", { description: "Other." }))).toBe(before);
    expect(schemaHash(deskWithTool("ledger.label", { input }))).not.toBe(before);
    expect(
      schemaHash(deskWithTool("ledger.label", { sensitive: { input: ["label"] }, title: "Label {case_id}" })),
    ).not.toBe(before);
  });
});
