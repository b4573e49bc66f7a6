import { spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import * as z from "zod";
import { runProgram } from "../../lib/cli/program.js";
import { launch } from "../support/launch.js";
import { copyProject } from "../support/project-copy.js";
import { commandsBelow } from "../support/readme.js";

let clone: string;
beforeAll(() => {
  clone = copyProject(inject("assembly"));
});
afterAll(() => rmSync(clone, { recursive: true, force: true }));

const start = (...args: string[]) => launch(clone, "scripts/start.mjs", ["--port", "0", ...args]);
/** A command line of the documentation, as typed. */
function shell(command: string): { readonly code: number | null; readonly out: string; readonly said: string } {
  const done = spawnSync(command, { cwd: clone, encoding: "utf8", shell: true });
  return { code: done.status, out: done.stdout, said: `${done.stdout}${done.stderr}` };
}
/** In this process: what is printed is the same, and a process costs seconds. */
async function here(...args: string[]): Promise<{ readonly code: number; readonly said: string }> {
  const lines: string[] = [];
  const write = (text: string) => void lines.push(text);
  return {
    code: await runProgram(args, { io: { out: write, err: write, terminal: false }, root: clone }),
    said: lines.join("\n"),
  };
}
const countersign = (...args: string[]) => launch(clone, "bin/countersign.mjs", args).ended;

/** From another terminal: lists what waits, looks at it, is refused, and approves. */
async function decideByHand(): Promise<void> {
  const listed = await here("approval", "list", "--local", "--json");
  const [{ approval_id: id }] = z.tuple([z.looseObject({ approval_id: z.string() })]).parse(JSON.parse(listed.said));
  const shown = await here("approval", "show", id, "--local");
  expect(shown.said).toMatch(/Refund €420\.00 to cus_9: cannot be undone[\s\S]*refund_threshold[\s\S]*status: open/);
  const approve = ["approval", "decide", id, "--local", "--approve", "--confirm", "420.00"];
  const refusals = [
    [approve, /^CS-5006 --as: missing/],
    [[...approve, "--as", "eve@example.com"], /^CS-5006 --as: 'eve@example\.com' is no approver/],
    [
      ["approval", "decide", id, "--local", "--approve", "--as", "ana@example.com"],
      /^CS-2109 confirmation: type 420\.00/,
    ],
    [["approval", "show", "ap_none", "--local"], /^CS-5013 approval ap_none/],
  ] as const;
  for (const [command, message] of refusals) {
    const refused = await here(...command);
    expect(refused.said).toMatch(message);
    expect(refused.code).toBe(1);
  }
  const approved = await countersign(...approve, "--as", "ana@example.com");
  expect(approved.said).toMatch(/Refund €420\.00 to cus_9: cannot be undone: approved/);
  expect(approved.code).toBe(0);
}

/** What an owner, an auditor and a data protection officer do with a run that is over. */
async function lookAfterwards(runId: string): Promise<void> {
  const as = (email: string) => ["--local", "--as", email];
  const found = ["run", "review", runId, "--verdict", "ok", "--note", "refunded what was charged twice"];
  expect((await here(...found, ...as("ana@example.com"))).code).toBe(1); // she approved it
  expect((await here(...found, ...as("cy@example.com"))).code).toBe(0);
  const drawn = await here("run", "sample", "--local", "--rate", "100%");
  expect(drawn.said).toMatch(/ok \(cy@example\.com\)[\s\S]*1 of 1 are reviewed/);
  await here("run", "report", runId, "--local", "--out", join(clone, "reviewed.html"));
  expect(readFileSync(join(clone, "reviewed.html"), "utf8")).toContain("refunded what was charged twice");

  const why = ["--reason", "for the test"];
  const claim = ["run", "reveal", runId, ...why, "--seq", "1", "--field", "input.claim"];
  expect((await here(...claim, "--local")).code).toBe(1);
  expect(await here(...claim, ...as("ana@example.com"))).toMatchObject({
    code: 0,
    said: expect.stringMatching(/input\.claim +"[\s\S]*1 of 1 values match their commitments/),
  });
  const shred = ["run", "shred", runId, ...why, ...as("dpo@example.com")];
  expect((await here(...shred)).said).toMatch(/the run's key[^\n]* 1\n[\s\S]*nothing was\. Do it with --yes/);
  expect((await here(...shred, "--yes")).said).toContain("is shredded");
  expect((await here(...shred, "--yes")).said).toContain("nothing left to shred");
  expect((await here(...claim, ...as("ana@example.com"))).code).toBe(1);
  expect((await here("run", "readers", "--local")).said).toMatch(
    /ana@example\.com +\S+ +read 1 input\.claim +for the test\n.*dpo@example\.com +\S+ +shredded +for the test\n.*ana@/,
  );
  expect((await here("run", "verify", "--local")).said).toMatch(/1 of 1 runs/);
}

describe("npm start without a person", () => {
  test("--decide approve refunds, and what it leaves behind can be shown, exported and verified", async () => {
    const { code, said } = await start("--decide", "approve").ended;
    expect(said).toMatch(/Refund €420\.00 to cus_9: cannot be undone/);
    expect(said).toMatch(/Outcome: refunded .* (2[0-8]|1\d) states/);
    expect(code).toBe(0);
    expect(statSync(join(clone, ".countersign", "local.json")).mode & 0o077).toBe(0);

    const [begun, exported, verify, report, replay] = commandsBelow("README.md", "The record");
    expect(begun).toBe("npm start -- --decide approve");
    const done = [exported, verify, report, replay].map((command) => shell(command ?? ""));
    expect(done.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
    for (const format of ["jsonl", "csv", "parquet"])
      expect(statSync(join(clone, `run.${format}`)).size).toBeGreaterThan(1000);
    expect(done[1]?.said).toMatch(/1 of 1 runs, (\d+) of \1 records valid/);
    const html = readFileSync(join(clone, "report.html"), "utf8");
    expect(html).toContain("which checks passed that should have caught it");
    expect(html).not.toContain("another policy set");
    expect(done[3]?.out).toMatch(
      /identical through (2[0-8]|1\d) states[\s\S]*1 of 1 runs identical; nothing outside this process was called/,
    );

    expect((await here("run", "show", "--local")).said).toContain("RunClosed");
    const records = await here("run", "export", "--local", "--records", "--since", "1h", "--outcome", "refunded");
    expect(JSON.parse(records.said)).toMatchObject({
      agent: "billing-dispute-v3",
      tenant_id: "acme",
      outcome: { status: "refunded" },
      approvals: [{ type: "refund_threshold", required: true, approved: true }],
    });
    expect((await here("run", "export", "--local", "--until", "2020-01-01", "--records")).said).toBe("");
    const observe = ["--autonomy", "observe", "--max-changes", "1", "--json"];
    const backtest = await here("run", "replay", join(clone, "run.jsonl"), ...observe);
    expect(backtest.code).toBe(1);
    expect(JSON.parse(backtest.said)).toMatchObject({ runs: 1, changed: 2 });
    const sample = await here("run", "sample", "--local", "--rate", "100%", "--json");
    expect(JSON.parse(sample.said)).toMatchObject({
      among: 1,
      runs: [{ workflow: "billing-dispute", status: "refunded" }],
    });
    await lookAfterwards(JSON.parse(sample.said).runs[0].runId);
    const stats = await here("approval", "stats", "--local", "--since", "1h", "--json");
    const [measured] = z.array(z.looseObject({ seconds_to_decision: z.looseObject({}) })).parse(JSON.parse(stats.said));
    expect(measured).toMatchObject({ tool: "stripe.refund", asked: 1, approved: 1, approval_rate: 1, decisions: 1 });
    // the same as CloudWatch would read it from the gate's log, once
    const lines = readFileSync(
      join(clone, ".countersign", "logs", "countersign-dev-billing-dispute-decide.log"),
      "utf8",
    )
      .split("\n")
      .filter((line) => line.includes("TimeToDecision"));
    expect(lines.map((line) => JSON.parse(line).TimeToDecision / 1000)).toEqual([measured?.seconds_to_decision.median]);
    const [exportFile, key, otherKey] = ["run.jsonl", "notary.pem", "other.pem"].map((name) => join(clone, name));
    const given = JSON.parse((await here("run", "public-key", "--local", "--out", key ?? "", "--json")).said);
    expect(given).toEqual({
      file: key,
      key: readFileSync(key ?? "", "utf8"),
      fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    const printed = await here("run", "public-key", "--local");
    expect(printed.said).toBe(`${given.key}fingerprint (SHA-256): ${given.fingerprint}`);
    const signed = await here("--json", "run", "verify", exportFile ?? "", "--key", key ?? "");
    expect(signed.code).toBe(0);
    expect(JSON.parse(signed.said)).toMatchObject({ signatures: "checked", checkpoints: 1, newer: 0 });
    writeFileSync(
      otherKey ?? "",
      generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ type: "spki", format: "pem" }),
    );
    const wrongKey = await here("run", "verify", exportFile ?? "", "--key", otherKey ?? "");
    expect(wrongKey).toMatchObject({ code: 1, said: expect.stringContaining("which is not among the given keys") });
    expect((await here("run", "verifier", "--out", join(clone, "countersign-verify.mjs"))).code).toBe(0);
    expect(shell("node countersign-verify.mjs run.jsonl --key notary.pem")).toMatchObject({
      code: 0,
      out: expect.stringContaining("0 records are newer than the last checkpoint"),
    });
    const history = await here("run", "show", "--local", "--history", "--json");
    expect(JSON.parse(history.said).events.length).toBeGreaterThan(50);

    const file = join(clone, "run.jsonl");
    writeFileSync(file, readFileSync(file, "utf8").replace("own_charge", "own_change"));
    const damaged = await countersign("run", "verify", file);
    expect(damaged.said).toMatch(
      /record \d+: hash differs from the content \(edited\); everything after it is unproven/,
    );
    expect(damaged.code).toBe(1);
  }, 400_000);

  test("--decide reject runs nothing; --decide none --expire shows that silence denies", async () => {
    // On the data of the run before: a closed run does not hold the same dispute up.
    const rejected = await start("--decide", "reject").ended;
    expect(rejected.said).toMatch(/✘ rejected by/);
    expect(rejected.code).toBe(0);
    const expired = await start("--decide", "none", "--expire").ended;
    expect(expired.said).toMatch(/expired: nobody decided in time/);
    expect(expired.code).toBe(0);
  }, 120_000);
});

describe("npm start with a person", () => {
  test("Ctrl-C while it waits closes the run as stopped and leaves no process behind", async () => {
    const started = start("--fresh");
    await expect.poll(() => started.said(), { timeout: 60_000 }).toContain("Waiting…");
    const children = childrenOf(started.child.pid ?? 0);
    expect(children.length).toBeGreaterThan(0);
    started.child.kill("SIGINT");
    const { code, said } = await started.ended;
    expect(said).toMatch(/run bd-\S+: stopped/);
    expect(code).toBe(0);
    expect(children.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
    const listed = await here("run", "list", "--local", "--json");
    expect(JSON.parse(listed.said)).toMatchObject([{ status: "stopped" }]);
  }, 120_000);

  test("a cloud that was killed leaves a run that the next start closes, and children that end by themselves", async () => {
    const killed = start("--fresh");
    await expect.poll(() => killed.said(), { timeout: 60_000 }).toContain("Waiting…");
    const children = childrenOf(killed.child.pid ?? 0);
    killed.child.kill("SIGKILL");
    await killed.ended;
    const again = start("--exit");
    await expect.poll(() => again.said(), { timeout: 60_000 }).toContain("Waiting…");
    await decideByHand();
    const { code, said } = await again.ended;
    expect(said).toMatch(
      /run bd-\S+ of an earlier start: (stopped|failed)[\s\S]*approved by ana@example\.com[\s\S]*Outcome: refunded/,
    );
    expect(code).toBe(0);
    await expect.poll(() => children.filter((pid) => existsSync(`/proc/${pid}`)), { timeout: 60_000 }).toEqual([]);
  }, 120_000);

  test("a taken port is a clear error with the way out", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const address = server.address();
    const port = typeof address === "object" && address !== null ? String(address.port) : "";
    const { code, said } = await launch(clone, "scripts/start.mjs", ["--port", port]).ended;
    server.close();
    expect(said).toMatch(new RegExp(`CS-40\\d\\d .*port ${port} is taken.*--port`));
    expect(said).not.toMatch(/^\s+at /m);
    expect(code).toBe(1);
  }, 60_000);
});

function childrenOf(pid: number): number[] {
  const list = launchSync("ps", ["-o", "pid=", "--ppid", String(pid)]);
  return list
    .split("\n")
    .map(Number)
    .filter((child) => child > 0);
}
function launchSync(command: string, args: string[]): string {
  return spawnSync(command, args, { encoding: "utf8" }).stdout;
}
