/**
 * The design's table of trust zones again, as promises of what a role may never: so that a wider line in what it may
 * (isolation-zones.test.ts) does not widen the promise.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { Flow } from "../support/flow.js";
import { type Matrix, matrixOf } from "../support/isolation-matrix.js";
import { TOOLS } from "../support/isolation-places.js";

let matrix: Matrix;
beforeAll(async () => {
  const flow = await Flow.shared();
  matrix = matrixOf(flow.session.cloud);
});

describe("may never", () => {
  const READS = /^(?:Get|BatchGet|Query|Scan|Describe|List|PartiQLSelect|Filter)/;
  const never = (rows: readonly (readonly string[])[], ...patterns: RegExp[]) => {
    expect(rows.length).toBeGreaterThan(0);
    for (const pattern of patterns) {
      // A pattern that fits no line would forbid nothing.
      expect(
        matrix.asked.some((line) => pattern.test(line)),
        String(pattern),
      ).toBe(true);
      expect(rows.flat().filter((line) => pattern.test(line))).toEqual([]);
    }
  };
  const ANY_LOG = /(?:log of|index of the log|log without)/;
  const LOG_WRITE = /^(?!Get|Query|Describe)\S+ (?:log of|index of the log|log without)/;
  const SECRET = / secret /;
  const TOOL = / tool-/;
  const MODEL = / (?:another )?model$/;

  test("propose: write or read the log, call a tool, ask Verified Permissions, see a tool's secret", () =>
    never(matrix.rows("propose"), ANY_LOG, TOOL, /InvokeFunction/, / policy store/, SECRET, /approv|request|decision/));
  test("a log writer: call a model or a tool, hold a secret, update or delete in the log", () =>
    never(
      matrix.rows("log-writer"),
      MODEL,
      TOOL,
      SECRET,
      /^(?:Put|Update|Delete|BatchWrite|PartiQLUpdate|PartiQLDelete)\S* (?:log of|log without|index of the log)/,
    ));
  test("a tool: anything of another tool, write the log, call anything else", () => {
    never(
      matrix.rows("tool"),
      LOG_WRITE,
      /InvokeFunction/,
      MODEL,
      / policy store/,
      /^\S+ (?:request|decision|link|challenge|budgets|context|vault|machine|execution)/,
    );
    for (const allowed of matrix.rows("tool"))
      expect(
        new Set(
          allowed
            .filter((line) => /(?:effects of| secret | call of )/.test(line))
            .map((line) => line.slice(line.indexOf(" ") + 1)),
        ).size,
      ).toBe(3);
  });
  test("a preview: the log, the ledger, the permit, other functions", () =>
    never(matrix.rows("preview"), ANY_LOG, / effects /, / brake /, /InvokeFunction/, MODEL));
  test("request-approval, the desk and the sender: the log, tools, models, secrets; overwrite a request or a decision", () =>
    never(
      (["approval-request", "approval-desk", "approval-sender"] as const).flatMap((zone) => matrix.rows(zone)),
      ANY_LOG,
      TOOL,
      /InvokeFunction/,
      MODEL,
      / secret (?!slack-bot-token)/,
      /^(?:Put|Update|Delete|BatchWrite|PartiQLUpdate|PartiQLDelete)\S* (?:request|decision|link)/,
    ));
  test("what Slack's requests reach: the log, tools, models, tools' secrets, links and codes, task tokens, mail, schedules", () =>
    never(
      matrix.rows("approval-slack"),
      ANY_LOG,
      TOOL,
      /InvokeFunction/,
      MODEL,
      / secret (?!slack-)/,
      / (?:link|challenge)$/,
      / (?:any task token|token key)/,
      /SendEmail/,
      /Schedule|PassRole/,
      /^(?:Put|Update|Delete|BatchWrite|PartiQLUpdate|PartiQLDelete)\S* (?:request|decision|act|closing|receipt)/,
    ));
  test("what reminds: anything but call the sender", () =>
    never(matrix.rows("approval-clock"), /^(?!InvokeFunction )/, /^InvokeFunction (?!approval-sender)/));
  test("the notary: write the log, delete or change in the archive, read anything sealed, call anything", () =>
    never(
      matrix.rows("notary"),
      LOG_WRITE,
      /^(?:Delete|Bypass|PutObjectLegalHold|PutBucket|PutLifecycle)\S* archive/,
      /^\S+ (?:vault|context|data key|token key|request|decision|budgets|brake|effects)/,
      /InvokeFunction/,
      SECRET,
      MODEL,
    ));
  test("anyone but the notary: sign, or write the archive", () => {
    const others = [...matrix.may].filter(([name]) => !name.startsWith("notary/")).map(([, lines]) => lines);
    never(others, /^Sign /, /^(?:Put|Delete|Bypass|Replicate|Restore)\S* archive/);
  });
  test("the state machine: anything but invoke", () => never(matrix.rows("machine"), /^(?!InvokeFunction )/));
  test("break-glass and shredder: write the run log; the one deletes nothing, the other opens nothing", () => {
    never([matrix.row("people", "BreakGlass")], LOG_WRITE, /^Delete\S* /, /^PutObject /);
    never([matrix.row("people", "Shredder")], LOG_WRITE, /^GetObject/, /^Decrypt /, / archive/);
  });
  test("anyone but the shredder: delete in vault or contexts; anyone but break-glass, shredder and auditor: add to the record of readings", () => {
    const others = [...matrix.may].filter(([name]) => !name.startsWith("people/Shredder")).map(([, lines]) => lines);
    never(others, /^DeleteObject\S* (?:vault|sealed|context|call|view)/);
    never(
      [...matrix.may]
        .filter(([name]) => !/^people\/(BreakGlass|Shredder|Auditor)/.test(name))
        .map(([, lines]) => lines),
      /^\S+ (?:record of|reviews of|oversight)/,
    );
    never(
      [...matrix.may.values()],
      /^(?:Put|Update|Delete|BatchWrite|PartiQLUpdate|PartiQLDelete)\S* (?:record of|reviews of)/,
    );
  });
  test("people: write, but for an operator's brake and stop, a requester's runs, and what they say they did", () => {
    const written = matrix
      .rows("people")
      .flat()
      .filter((line) => !READS.test(line))
      .sort();
    const deleted = (place: string) => `DeleteObjectVersion ${place}`;
    expect(written).toEqual([
      "Decrypt vault key through S3",
      ...["call of another workflow", ...[...TOOLS].sort().map((tool) => `call of ${tool}`)].map(deleted),
      ...["context of another workflow", "context of this workflow"].map(deleted),
      ...["vault of another workflow", "vault of this workflow"].map(deleted),
      ...["view of another workflow", "view of this workflow"].map(deleted),
      "Invoke route of runs",
      "PartiQLInsert record of readings",
      "PartiQLInsert record of shreddings",
      "PartiQLInsert reviews of another workflow",
      "PartiQLInsert reviews of this workflow",
      "PutItem brake of another workflow",
      "PutItem brake of this workflow",
      "StartQueryExecution questions about the archive",
      "StopExecution execution",
      "StopQueryExecution questions about the archive",
      "UpdateItem brake of another workflow",
      "UpdateItem brake of this workflow",
    ]);
  });
  test("anyone but admit starts runs, anyone but the sender answers task tokens, anyone but log writers inserts into the log", () => {
    const holders = (line: string) =>
      [...matrix.may].filter(([, allowed]) => allowed.includes(line)).map(([name]) => name.split("/")[0]);
    expect(holders("StartExecution machine")).toEqual(["log-writer"]);
    expect(holders("SendTaskSuccess any task token")).toEqual(["approval-sender"]);
    expect(holders("PartiQLInsert log of this workflow")).toEqual(["log-writer", "log-writer", "log-writer"]);
    expect(holders("InvokeFunction tool-stripe-refund")).toEqual(["machine"]);
  });
});
