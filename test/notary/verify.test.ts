import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { trustedKeys } from "../../lib/audit/signature.js";
import { reportLines, type VerifyOptions, verifyText } from "../../lib/audit/verify.js";
import { folderArchive } from "../../lib/client/archive.js";
import { verifyArchive } from "../../lib/client/verify-archive.js";
import { KEYS, linesOfLab, notarised, resigned, withOwnManifest } from "./exported.js";
import { type Lab, OTHER_KEY } from "./lab.js";

let lab: Lab;
let lines: string[];
beforeAll(async () => {
  vi.spyOn(console, "log").mockImplementation(() => {});
  lab = await notarised(40);
  lines = await linesOfLab(lab);
});
const verify = (from: readonly string[], options: VerifyOptions = { keys: KEYS }) =>
  verifyText(from.join("\n"), options);
const codes = (from: readonly string[], options?: VerifyOptions) =>
  verify(from, options).faults.map(({ code }) => code);
const at = (type: string, nth = 0) =>
  lines.flatMap((line, index) => (line.includes(`"type":"${type}"`) ? [index] : []))[nth] ?? -1;

describe("an undamaged export", () => {
  it("is valid with the public key alone, and says what no checkpoint covers", () => {
    const report = verify(lines);
    expect(report.faults).toEqual([]);
    expect(report).toMatchObject({ ok: true, runs: 40, validRuns: 40, signatures: "checked", digests: 4 });
    const [{ run, from, to } = { run: "", from: 0, to: 0 }] = report.uncovered;
    expect(reportLines(report)[0]).toContain(`(${run} ${from} to ${to}`);
    const covered = [...lab.log.values()].reduce((sum, events) => sum + events.length, 0) - report.newer;
    expect(report.newer).toBeGreaterThan(0);
    expect(report.uncovered.reduce((sum, { from, to }) => sum + to - from + 1, 0)).toBe(report.newer);
    expect(covered).toBe(report.validRecords - report.newer);
    expect(reportLines(report)[0]).toMatch(
      new RegExp(
        `^40 of 40 runs, \\d+ of \\d+ records valid; ${report.newer} records are newer than the last checkpoint`,
      ),
    );
  });

  it("says when signatures were not checked", () => {
    expect(reportLines(verify(lines, {}))[0]).toContain("signatures were not checked: give --key");
  });

  it("of some runs has the digests that list them, and the runs it lacks are no fault", async () => {
    const some = await linesOfLab(lab, false);
    expect(verify(some).ok).toBe(true);
    const one = some.filter((line) => !line.includes('"tenant":"t00011"') || line.includes('"type":"Digest"'));
    const cut = withOwnManifest(one).with(
      -1,
      withOwnManifest(one).at(-1)?.replace('"complete":true', '"complete":false') ?? "",
    );
    expect(codes(cut)).toEqual(["CS-5109"]);
    expect(codes(withOwnManifest(one), { keys: KEYS, complete: false })).toEqual([]);
    expect(codes(withOwnManifest(one))).toEqual(["CS-5167"]);
  });

  it("names the policy sets that decided, and decisions by one that is not known", () => {
    const { policySets } = verify(lines);
    expect(policySets).toHaveLength(1);
    expect(verify(lines, { keys: KEYS, policySets: new Set(policySets) }).ok).toBe(true);
    expect(new Set(codes(lines, { keys: KEYS, policySets: new Set(["0".repeat(64)]) }))).toEqual(new Set(["CS-5170"]));
  });
});

describe("statements", () => {
  it("of another key are named, also when that key signed them well", () => {
    expect(new Set(codes(lines, { keys: trustedKeys([OTHER_KEY.toString()]) }))).toContain("CS-5162");
    const index = at("Checkpoint");
    expect(codes(lines.with(index, resigned(lines[index] ?? "", {})))[0]).toBe("CS-5162");
  });

  it("whose signature is another valid one made from the first are forged", () => {
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const index = at("Checkpoint");
    const twin = (lines[index] ?? "").replace(
      /("signature":")([0-9a-f]{64})([0-9a-f]{64})/,
      (_, before, r, s) => `${before}${r}${(order - BigInt(`0x${s}`)).toString(16).padStart(64, "0")}`,
    );
    expect(codes(lines.with(index, twin))[0]).toBe("CS-5161");
  });
});

describe("an archive folder", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "countersign-archive-"));
    for (const [key, { body }] of lab.objects) put(key, body);
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  const put = (key: string, body: Uint8Array | string) => {
    mkdirSync(dirname(join(folder, key)), { recursive: true });
    writeFileSync(join(folder, key), body);
  };
  const faults = async () =>
    (await verifyArchive(folderArchive(folder), { keys: KEYS })).faults.map(({ code }) => code);
  /** without the file, or with another content, for the length of a check */
  const damaged = async (key: string, body?: Uint8Array | string) => {
    const before = lab.objects.get(key)?.body;
    if (body === undefined) rmSync(join(folder, key));
    else put(key, body);
    const found = await faults();
    if (before === undefined) rmSync(join(folder, key));
    else put(key, before);
    return found;
  };

  it("is valid as it was copied", async () => {
    const report = await verifyArchive(folderArchive(folder), { keys: KEYS });
    expect(report.faults).toEqual([]);
    expect(report).toMatchObject({ ok: true, runs: 40, digests: 4 });
  });

  it("misses a file: records, a checkpoint, a digest", async () => {
    const [events = ""] = lab.keys("events/");
    const [checkpoint = ""] = lab.keys("checkpoints/");
    expect(await damaged(events)).toContain("CS-5169");
    expect(await damaged(checkpoint)).toContain("CS-5169");
    expect(await damaged("digests/00000002.json")).toContain("CS-5166");
    expect(await damaged("digests/00000001.json")).toContain("CS-5166");
  });

  it("holds a file that is moved, edited, or does not belong", async () => {
    const [events = "", other = ""] = lab.keys("events/");
    expect(await damaged(events, lab.objects.get(other)?.body)).toContain("CS-5169");
    expect(await damaged(events, "x")).toContain("CS-5169");
    expect(await damaged("notes.txt", "x")).toEqual(["CS-5169"]);
    expect(await damaged("digests/00000001.json", lab.objects.get("digests/00000002.json")?.body)).toContain("CS-5169");
  });
});
