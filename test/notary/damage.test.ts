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
import { type Damage, KINDS } from "./damage.js";
import { KEYS, linesOfLab, notarised, withOwnManifest } from "./exported.js";
import { PUBLIC_KEY } from "./lab.js";

const TRIES = Number(process.env.DAMAGE ?? 1);
const LONG_MS = TRIES === 1 ? 60_000 : 60 * 60_000;
const PYTHON = join(import.meta.dirname, "../audit/python/verify.py");
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

/** Whether the damage only took lines away, and all checkpoints among them were made after the last digest. */
function isOnlyNewer(damage: Damage, digestsUntil: string | null): boolean {
  const [before, left] = [new Set(large), new Set(damage.lines)];
  const isCutOff = damage.lines.every((line) => before.has(line) || line.includes('"type":"ExportManifest"'));
  const lost = large.filter((line) => line.includes('"type":"Checkpoint"') && !left.has(line));
  return isCutOff && lost.length > 0 && lost.every((line) => JSON.parse(line).at > (digestsUntil ?? ""));
}

/** What Python says of each file. */
function python(files: readonly (readonly string[])[]): string[][] {
  const paths = files.map((lines, index) => {
    const path = join(folder, `${index}.jsonl`);
    writeFileSync(path, lines.join("\n"));
    return path;
  });
  writeFileSync(join(folder, "key.pem"), PUBLIC_KEY);
  const { stdout, stderr } = spawnSync("python3", [PYTHON, "--key", join(folder, "key.pem"), "--complete", ...paths], {
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  expect(stderr).toBe("");
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).codes);
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
    const damages = new Map<string, Damage>();
    for (let place = 0; place < small.length; place++) {
      const damage = kind(small, place, (place * 7 + 3) % small.length);
      if (damage !== undefined) damages.set(damage.lines.join("\n"), damage);
    }
    expect(damages.size).toBeGreaterThan(0);
    for (const damage of damages.values()) {
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
  const agree = (log: readonly string[], places: readonly number[], kinds = Object.entries(KINDS)) => {
    const damaged = kinds.flatMap(([name, kind]) =>
      places.flatMap((place) => {
        const damage = kind(log, place, place * 7 + 3);
        return damage === undefined ? [] : [{ name, lines: damage.lines }];
      }),
    );
    const found = python([log, ...damaged.map(({ lines }) => lines)]);
    expect(found[0]).toEqual([]);
    damaged.forEach(({ name, lines }, index) => {
      expect({ name, codes: found[index + 1] }).toEqual({ name, codes: codesOf(lines) });
    });
  };
  it("finds the same, in the same order, for every kind of damage", () => agree(small, [1, 9, 31]));
  it.runIf(TRIES > 1)("finds the same for every kind at every fifth place", { timeout: LONG_MS }, () =>
    agree(
      small,
      Array.from({ length: Math.ceil(small.length / 5) }, (_, index) => index * 5),
    ),
  );
  it.runIf(TRIES > 1)("finds the same in a log of 1,000 runs", { timeout: LONG_MS }, () =>
    agree(large, [20_011], fc.sample(fc.shuffledSubarray(Object.entries(KINDS), { minLength: 5, maxLength: 5 }), 1)[0]),
  );

  it("writes canonical JSON as RFC 8785's vectors and ours have it", () => {
    const inputs = readdirSync(join(JCS, "input")).map((file) => join(JCS, "input", file));
    const written = execFileSync("python3", [PYTHON, "--jcs", ...inputs], { encoding: "utf8" })
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
