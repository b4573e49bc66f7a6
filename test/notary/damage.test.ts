/**
 * Damage: every kind at every place of a small log, and at random places of a log of 1,000 runs (`npm run test:damage` tries many more
 * of them). The second verifier, in Python, says the same of each.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { verifyText } from "../../lib/audit/verify.js";
import { jcs } from "../../lib/run/canonical.js";
import { type Damage, KINDS, type Kind } from "./damage.js";
import { KEYS, linesOfLab, notarised, withOwnManifest } from "./exported.js";
import { PUBLIC_KEY } from "./lab.js";

const TRIES = Number(process.env.DAMAGE ?? 1);
const LONG_MS = TRIES === 1 ? 60_000 : 60 * 60_000;
const PYTHON = join(import.meta.dirname, "../audit/python");
const hasPython = spawnSync("python3", ["--version"]).status === 0;
const JCS = join(import.meta.dirname, "../audit/jcs");

let small: string[];
let large: string[];
let folder: string;
beforeAll(async () => {
  vi.spyOn(console, "log").mockImplementation(() => {});
  folder = mkdtempSync(join(tmpdir(), "countersign-damage-"));
  small = await linesOfLab(await notarised(6));
  large = await linesOfLab(await notarised(1000));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const verify = (lines: readonly string[]) => verifyText(lines.join("\n"), { keys: KEYS, complete: true });
const codesOf = (lines: readonly string[]) => verify(lines).faults.map(({ code }) => code);

/** The damage at every place of the small log, each once. */
function everywhere(kind: Kind): readonly Damage[] {
  const damages = small.flatMap((_, place) => kind(small, place, (place * 7 + 3) % small.length) ?? []);
  return [...new Map(damages.map((damage) => [damage.lines.join("\n"), damage])).values()];
}

/** Whether the damage only took lines away, and all checkpoints among them were made after the last digest. */
function isOnlyNewer(damage: Damage, digestsUntil: string | null): boolean {
  const [before, left] = [new Set(large), new Set(damage.lines)];
  const isCutOff = damage.lines.every((line) => before.has(line) || line.includes('"type":"ExportManifest"'));
  const lost = large.filter((line) => line.includes('"type":"Checkpoint"') && !left.has(line));
  return isCutOff && lost.length > 0 && lost.every((line) => JSON.parse(line).at > (digestsUntil ?? ""));
}

/** The codes that Python finds in each copy, all in one process. */
function python(copies: readonly (readonly string[])[]): string[][] {
  const distinct = [...new Set(copies.flat())];
  const places = new Map(distinct.map((line, place) => [line, place]));
  const chosen = copies.map((lines) => JSON.stringify(lines.map((line) => places.get(line))));
  const key = join(folder, "key.pem");
  writeFileSync(key, PUBLIC_KEY);
  const { stdout, stderr } = spawnSync("python3", [join(PYTHON, "batch.py"), key], {
    input: [JSON.stringify(distinct), ...chosen, ""].join("\n"),
    encoding: "utf8",
    maxBuffer: 1024 * 1024 * 1024,
  });
  expect(stderr).toBe("");
  return stdout
    .trimEnd()
    .split("\n")
    .map((codes) => JSON.parse(codes));
}

describe("an undamaged log", () => {
  it("of 1,000 runs is valid", () => {
    const report = verify(large);
    expect(report.faults).toEqual([]);
    expect(report).toMatchObject({ runs: 1000, validRuns: 1000 });
  });

  it("is never flagged: 1,000 exports of any of its runs, with and without digests", () => {
    const runs = new Map<string, string[]>();
    for (const line of small.filter((each) => each.includes('"prev":') && !each.includes('"entries":'))) {
      const { tenant } = JSON.parse(line);
      runs.set(tenant, [...(runs.get(tenant) ?? []), line]);
    }
    const digests = small.filter((line) => line.includes('"type":"Digest"'));
    let flagged = 0;
    fc.assert(
      fc.property(fc.subarray([...runs.values()]), fc.nat(digests.length), (some, from) => {
        const lines = withOwnManifest([...some.flat(), ...digests.slice(from)]);
        const report = verifyText(lines.join("\n"), { keys: KEYS, complete: false });
        flagged += report.ok ? 0 : 1;
      }),
      { numRuns: 1000 },
    );
    expect(flagged).toBe(0);
  });
});

describe("damage", () => {
  it.each(Object.entries(KINDS))("%s: found and named, everywhere in a small log", (name, kind) => {
    const damages = everywhere(kind);
    expect(damages.length).toBeGreaterThan(0);
    for (const damage of damages) {
      const [first] = codesOf(damage.lines);
      expect(damage.expected, `${name}: ${first}`).toContain(first);
    }
  });

  it("of any kind anywhere in a log of 1,000 runs is found and named", { timeout: LONG_MS }, () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.entries(KINDS)),
        fc.nat(1_000_000),
        fc.nat(1_000_000),
        ([name, kind], place, other) => {
          const damage = kind(large, place, other);
          fc.pre(damage !== undefined);
          if (damage === undefined) return;
          const report = verify(damage.lines);
          // What was signed after the last digest is listed nowhere else: its loss shows in the time of that digest and, where
          // records stay behind, in how many are newer than the last checkpoint.
          if (report.faults.length > 0 || !isOnlyNewer(damage, report.digestsUntil))
            expect(damage.expected, name).toContain(report.faults[0]?.code);
          else if (name === "a checkpoint removed") expect(report.newer).toBeGreaterThan(0);
        },
      ),
      // The few of `npm test` are always the same; the many of `npm run test:damage` are new each time.
      { numRuns: 4 * TRIES, maxSkipsPerRun: 200, ...(TRIES === 1 ? { seed: -1490745448 } : {}) },
    );
  });
});

describe.runIf(hasPython)("the verifier in Python", () => {
  const agree = (log: readonly string[], damages: readonly (readonly [string, Damage])[]) => {
    const found = python([log, ...damages.map(([, { lines }]) => lines)]);
    expect(found).toHaveLength(damages.length + 1);
    expect(found[0]).toEqual([]);
    damages.forEach(([name, { lines }], index) => {
      expect({ name, codes: found[index + 1] }).toEqual({ name, codes: codesOf(lines) });
    });
  };
  it("finds the same, in the same order, for every kind of damage at every place of the small log", () => {
    const damages = Object.entries(KINDS).flatMap(([name, kind]) =>
      everywhere(kind).map((damage) => [name, damage] as const),
    );
    expect(new Set(damages.map(([name]) => name))).toEqual(new Set(Object.keys(KINDS)));
    agree(small, damages);
  });
  it.runIf(TRIES > 1)("finds the same for every kind anywhere in a log of 1,000 runs", { timeout: LONG_MS }, () => {
    for (const [name, kind] of Object.entries(KINDS)) {
      const places = fc.sample(fc.tuple(fc.nat(1_000_000), fc.nat(1_000_000)), Math.ceil(TRIES / 12));
      const damages = places.flatMap(([place, other]) => kind(large, place, other) ?? []);
      agree(
        large,
        damages.map((damage) => [name, damage] as const),
      );
    }
  });
  it("says of a file what it says of a copy", () => {
    const [damage] = everywhere(KINDS["a record edited"] ?? (() => undefined));
    const path = join(folder, "one.jsonl");
    writeFileSync(path, damage?.lines.join("\n") ?? "");
    const { stdout, status } = spawnSync("python3", [join(PYTHON, "verify.py"), "--complete", path], {
      encoding: "utf8",
    });
    expect({ status, codes: JSON.parse(stdout).codes }).toEqual({ status: 1, codes: codesOf(damage?.lines ?? []) });
  });

  it("writes canonical JSON as RFC 8785's vectors and ours have it", () => {
    const inputs = readdirSync(join(JCS, "input")).map((file) => join(JCS, "input", file));
    const written = execFileSync("python3", [join(PYTHON, "verify.py"), "--jcs", ...inputs], { encoding: "utf8" })
      .trimEnd()
      .split("\n");
    expect(written).toEqual(inputs.map((file) => readFileSync(file.replace("/input/", "/output/"), "utf8")));
  });
});

describe("canonical JSON", () => {
  it.each(readdirSync(join(JCS, "input")))("%s", (file) => {
    const value = JSON.parse(readFileSync(join(JCS, "input", file), "utf8"));
    expect(jcs(value)).toBe(readFileSync(join(JCS, "output", file), "utf8"));
  });
});
