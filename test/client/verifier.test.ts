/** The verifier as one file: what is in it, and that it says what `run verify` says, in an empty folder, with nothing but Node. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import * as z from "zod";
import { checkpoint, digest } from "../../lib/audit/statement.js";
import { runProgram } from "../../lib/cli/program.js";
import { recordedEvent } from "../../lib/run/events.js";
import { root } from "../../scripts/ensure.mjs";
import { KINDS } from "../notary/damage.js";
import { linesOfLab, notarised } from "../notary/exported.js";
import { PUBLIC_KEY } from "../notary/lab.js";

let folder: string;
let lines: string[];
let file: string;
let key: string;
const said: string[] = [];
const command = (...argv: string[]) =>
  runProgram(argv, { io: { out: (text) => void said.push(text), err: () => {}, terminal: false }, root });

beforeAll(async () => {
  vi.spyOn(console, "log").mockImplementation(() => {});
  folder = mkdtempSync(join(tmpdir(), "countersign-verifier-"));
  file = join(folder, "countersign-verify.mjs");
  key = join(folder, "notary.pem");
  writeFileSync(key, PUBLIC_KEY);
  lines = await linesOfLab(await notarised(6));
  expect(await command("run", "verifier", "--out", file)).toBe(0);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function alone(...args: string[]) {
  const { stdout, stderr, status } = spawnSync(process.execPath, [file, ...args], {
    cwd: folder,
    env: {},
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  return { stdout: stdout.trimEnd(), stderr: stderr.trimEnd(), status };
}

describe("the file", () => {
  test("imports what Node has, and no package", () => {
    const text = readFileSync(file, "utf8");
    const imported = [...text.matchAll(/\bfrom "([^"]+)"|\bimport\("([^"]+)"|\brequire\(/g)].map(
      ([all, name]) => name ?? all,
    );
    expect(imported.length).toBeGreaterThan(3);
    for (const name of imported) expect(builtinModules).toContain(name.replace(/^node:/, ""));
    expect(text).not.toMatch(/aws-sdk|node_modules|\beval\b|new Function|fetch\(|node:(?:net|http|child_process)/);
  });
  test("can be read whole: less than 2,000 lines, with the comments of the source and nobody's paths", () => {
    const text = readFileSync(file, "utf8");
    const count = text.split("\n").length - 1;
    expect(count).toBeLessThan(2000);
    expect(said.at(-1)).toContain(`${count} lines`);
    expect(text).toContain("/** Checks one event against what came before;");
    expect(text).toContain("0.1.0: verifies exported run logs offline");
    expect(text).not.toContain("/*!");
    expect(text).not.toContain(root);
  });
  test("is the same each time, wherever it is written", async () => {
    const again = join(folder, "again.mjs");
    await command("run", "verifier", "--out", again);
    expect(readFileSync(again, "utf8")).toBe(readFileSync(file, "utf8"));
  });
});

describe("in an empty folder it says what `run verify` says", () => {
  const verdicts = async (texts: readonly (readonly string[])[], ...options: string[]) => {
    const both = [];
    for (const [index, text] of texts.entries()) {
      const path = join(folder, `${index}.jsonl`);
      writeFileSync(path, text.join("\n"));
      said.length = 0;
      const status = await command("--json", "run", "verify", path, ...options);
      both.push({ ours: JSON.parse(said.join("")), status, theirs: alone(path, "--json", ...options) });
    }
    return both;
  };

  test("of an undamaged export, with the key", async () => {
    const [both] = await verdicts([lines], "--key", key, "--complete");
    expect(both?.ours).toMatchObject({ ok: true, signatures: "checked", runs: 6, validRuns: 6 });
    expect(both?.status).toBe(0);
    expect(both?.theirs).toMatchObject({ status: 0, stderr: "" });
    expect(JSON.parse(both?.theirs.stdout ?? "")).toEqual(both?.ours);
  });
  test("of every kind of damage", { timeout: 60_000 }, async () => {
    const damaged = Object.values(KINDS).flatMap((kind) => {
      const damage = kind(lines, 5, 17) ?? kind(lines, 0, 3);
      return damage === undefined ? [] : [damage.lines];
    });
    expect(damaged.length).toBeGreaterThan(Object.keys(KINDS).length * 0.8);
    for (const { ours, status, theirs } of await verdicts(damaged, "--key", key, "--complete")) {
      expect({ ok: ours.ok, status }).toEqual({ ok: false, status: 1 });
      expect(theirs.status).toBe(1);
      expect(JSON.parse(theirs.stdout)).toEqual(ours);
    }
  });
  test("for people, and what cannot be checked is neither valid nor broken", () => {
    writeFileSync(join(folder, "run.jsonl"), lines.join("\n"));
    expect(alone("run.jsonl", "--key", "notary.pem").stdout).toMatch(/^6 of 6 runs, \d+ of \d+ records valid/);
    expect(alone("run.jsonl").stdout).toContain("signatures were not checked: give --key");
    expect(alone("gone.jsonl")).toMatchObject({ status: 2, stderr: expect.stringContaining("CS-5002 gone.jsonl") });
    expect(alone("run.jsonl", "--key", "run.jsonl")).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("no public key on P-256"),
    });
    expect(alone("run.jsonl", "--policy-set", "abc").stderr).toContain("use 64 hex characters");
    expect(alone("run.jsonl", "--policy-set", "0".repeat(64))).toMatchObject({
      status: 1,
      stdout: expect.stringContaining("which is not known"),
    });
    expect(alone()).toMatchObject({ status: 2, stdout: expect.stringContaining("usage:") });
  });
});

describe("the schemas without zod", () => {
  /** A value of a line with one member put in, taken out or exchanged, at any depth. */
  const OTHER = [
    null,
    "",
    "x",
    "0".repeat(64),
    "A".repeat(64),
    0,
    -1,
    1.5,
    1e21,
    true,
    [],
    {},
    "2026-02-30T00:00:00.000Z",
    "2026-02-28T24:00:00.000Z",
    "2024-02-29T23:59:59.999Z",
    "y".repeat(501),
  ];
  function changed(value: unknown, path: readonly number[], other: unknown): unknown {
    const [at, ...rest] = path;
    if (at === undefined || typeof value !== "object" || value === null) return other;
    const entries = Object.entries(value);
    const place = at % (entries.length + 1);
    const [name = "more", member] = entries[place] ?? [];
    const next = changed(member, rest, other);
    if (Array.isArray(value)) return value.length === 0 ? [next] : value.with(Math.min(place, value.length - 1), next);
    return Object.fromEntries([
      ...entries.filter(([key]) => key !== name),
      ...(next === undefined ? [] : [[name, next]]),
    ]);
  }

  test("take and refuse what zod does, at the same place", async () => {
    vi.resetModules();
    vi.doMock("zod", () => import("../../lib/client/verifier/schemas.js"));
    const ours = await import("../../lib/run/events.js");
    const statements = await import("../../lib/audit/statement.js");
    const { compile } = await import("../../lib/client/verifier/schemas.js");
    vi.doUnmock("zod");
    // Files of tests share their modules: the next must not find ours made with the other schemas.
    vi.resetModules();
    const pairs = [
      { theirs: recordedEvent, mine: ours.recordedEvent },
      { theirs: checkpoint, mine: statements.checkpoint },
      { theirs: digest, mine: statements.digest },
    ];
    const sizes = { taken: 0, refused: 0 };
    fc.assert(
      fc.property(
        fc.constantFrom(...lines),
        fc.array(fc.nat(20), { minLength: 1, maxLength: 4 }),
        fc.constantFrom(...OTHER, undefined),
        (line, path, other) => {
          const value = changed(JSON.parse(line), path, other);
          for (const { theirs, mine } of pairs) {
            const expected = z.safeParse(theirs, value);
            const found: unknown = compile(Object(mine), { strict: true }).safeParse(value);
            expect(found).toMatchObject({ success: expected.success });
            const first = expected.error?.issues[0]?.path.map(String);
            if (first !== undefined) expect(found).toMatchObject({ error: { issues: [{ path: first }] } });
            sizes[expected.success ? "taken" : "refused"] += 1;
          }
        },
      ),
      { numRuns: 3000 },
    );
    expect(sizes.taken).toBeGreaterThan(100);
    expect(sizes.refused).toBeGreaterThan(1000);
  });
});
