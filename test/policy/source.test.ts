import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadPolicies, policySet, splitPolicies } from "../../lib/policy/source.js";
import { DESK, deskContract, deskWith } from "../contract/fixture.js";
import { contract, deskSet } from "./fixture.js";

describe("loadPolicies", () => {
  it("gives every policy of every file with its place, id and reason", () => {
    const found = loadPolicies(join(DESK, "policies")).map(({ id, file, line, reason }) => [
      id,
      file.slice(DESK.length),
      line,
      reason,
    ]);
    expect(found).toEqual([
      ["reads", "/policies/reads.cedar", 2, "reading is free"],
      ["small-refunds", "/policies/writes.cedar", 1, undefined],
      ["refund_threshold", "/policies/writes.cedar", 5, "refunds above 50 euros need one person"],
      ["large_refunds", "/policies/writes.cedar", 10, "refunds above 500 euros need two people"],
      ["own_charge", "/policies/writes.cedar", 17, "only the charge that this case is about"],
      ["blocked", "/policies/writes.cedar", 22, "blocked customers are dealt with elsewhere"],
      ["labels", "/policies/writes.cedar", 28, "labels may be put on cases"],
      ["purges", "/policies/writes.cedar", 32, "purges may be done in office hours"],
    ]);
  });

  it("gives none where there is no folder", () => {
    expect(loadPolicies(join(DESK, "nowhere"))).toEqual([]);
  });
});

describe("splitPolicies", () => {
  it("keeps file order past ten policies, twins, comments and text that looks like comments", () => {
    const text = [
      ...Array.from(
        { length: 12 },
        (_, index) => `@id("p${index}") permit (principal, action, resource); // p${index + 1}`,
      ),
      '@id("url") @reason("see https://example.com // é") permit (principal, action, resource) when { context.x == "// no" };',
      '@id("p0") permit (principal, action, resource);',
    ].join("\n");
    const found = splitPolicies(text, "/f.cedar");
    expect(found.map(({ id, line }) => [id, line])).toEqual([
      ...Array.from({ length: 12 }, (_, index) => [`p${index}`, index + 1]),
      ["url", 13],
      ["p0", 14],
    ]);
    expect(found[12]?.reason).toBe("see https://example.com // é");
  });

  it("gives a file that does not parse as one piece", () => {
    expect(splitPolicies("permit (", "/f.cedar")).toEqual([{ id: "", text: "permit (", file: "/f.cedar", line: 1 }]);
  });
});

describe("policySet", () => {
  it("holds the team's policies, then the guardrails, each with a sentence", () => {
    expect(deskSet.policies.map(({ id, source }) => `${source} ${id}`)).toEqual([
      ...[
        "reads",
        "small-refunds",
        "refund_threshold",
        "large_refunds",
        "own_charge",
        "blocked",
        "labels",
        "purges",
      ].map((id) => `team ${id}`),
      ...[
        "over-budget",
        "tenant",
        "irreversible",
        "irreversible-wide",
        "redirected",
        "low-confidence",
        "approve-all",
        "routine",
        "facts",
      ].map((id) => `guardrail guardrail:${id}`),
    ]);
    expect(deskSet.policies.find(({ id }) => id === "small-refunds")?.reason).toBe("policy small-refunds");
  });

  it("has one hash, whatever the order and place of its policies; another for other words or another schema", () => {
    const sources = loadPolicies(join(DESK, "policies"));
    const moved = sources.map((source) => ({ ...source, line: source.line + 1, file: "/elsewhere.cedar" })).reverse();
    const edited = sources.map((source) => ({ ...source, text: source.text.replace("5000", "5001") }));
    expect(deskSet.hash).toMatch(/^[0-9a-f]{64}$/);
    expect(policySet(contract, moved).hash).toBe(deskSet.hash);
    expect(policySet(contract, edited).hash).not.toBe(deskSet.hash);
    expect(policySet(contract, sources.slice(1)).hash).not.toBe(deskSet.hash);
    expect(policySet(deskContract(deskWith({ lowConfidencePercent: 61 })), sources).hash).not.toBe(deskSet.hash);
    expect(policySet(deskContract(deskWith({ resource: undefined })), sources).hash).not.toBe(deskSet.hash);
  });
});
