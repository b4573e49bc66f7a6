/** `npm start`: synthesise, start the local cloud, run one workflow, wait for people, tell what happened. */
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type * as z from "zod";
import type { Connection } from "../client/connection.js";
import { startRun } from "../client/front-door.js";
import { CountersignError } from "../errors.js";
import { createSkippingClock, type SkippingClock } from "../local/clock.js";
import { consoleHandler } from "../local/console/app.js";
import { createForwardClock } from "../local/forward-clock.js";
import type { ConverseModel } from "../local/services/bedrock.js";
import { requireFreePort } from "../local/wire/wire.js";
import type { admitRequest } from "../run/protocol.js";
import { fillTimes } from "../scenario/format.js";
import { openSession, type Session } from "../scenario/session.js";
import { approversIn, sessionConnection } from "../scenario/session-connection.js";
import { ensureSynthesised } from "../scenario/synth.js";
import { chosen } from "./commands/workflow.js";
import { dataDirOf, refuseSecondCloud, writeLocalFile } from "./connect.js";
import { consoleData } from "./console-data.js";
import { readInputFile } from "./files.js";
import { followRun } from "./follow-run.js";
import { Interruption } from "./interruption.js";
import type { Io } from "./io.js";
import { settleEarlierRuns, stopOpenRuns } from "./stop-open-runs.js";
import { timeSkip } from "./time-skip.js";
import { seconds } from "./timeline.js";

export interface LocalStart {
  readonly root: string;
  readonly io: Io;
  readonly stage: string;
  readonly json: boolean;
  readonly workflow: string;
  /** 0: any free port */
  readonly port: number;
  readonly fresh: boolean;
  readonly run: boolean;
  readonly input?: string;
  /** who answers approvals: a person, when left out */
  readonly decide?: "approve" | "reject" | "none";
  readonly expire: boolean;
  readonly exit: boolean;
  readonly model?: ConverseModel;
}
type RunInput = z.input<typeof admitRequest>["input"];

/** Returns when the run is finished (`exit`) or after Ctrl-C, with no process left behind. */
export async function startLocal(options: LocalStart): Promise<void> {
  const say = (line: string) => (options.json ? options.io.err(line) : options.io.out(line));
  const workflows = await chosen(options.root, []);
  await chosen(options.root, [options.workflow]);
  const input = options.run ? await readInput(options) : undefined;
  await refuseSecondCloud(options.root);
  await requireFreePort(options.port);
  if (options.fresh) await rm(dataDirOf(options.root), { recursive: true, force: true });
  await mkdir(dataDirOf(options.root), { recursive: true, mode: 0o700 });

  say("Countersign · local · no AWS account is used");
  const setUpSec = Number(process.env.COUNTERSIGN_SETUP_SECONDS ?? 0);
  if (setUpSec > 0) say(`  ✔ dependencies installed (${setUpSec.toFixed(0)} s)`);
  const began = performance.now();
  const { assembly, made } = await ensureSynthesised({ root: options.root, stage: options.stage });
  const what = made ? "stacks synthesised, nag and guard clean" : "stacks unchanged since they were synthesised";
  say(`  ✔ ${what} (${seconds(performance.now() - began)})`);

  const skipping = options.expire ? createSkippingClock(Date.now(), "manual") : undefined;
  const interruption = new Interruption();
  const session = await timed(say, "local cloud ready", () => open(options, workflows, assembly, skipping));
  try {
    const connection = sessionConnection(session);
    await announce(options, session, connection, assembly);
    say(`\nConsole:  ${session.cloud.endpoint}/      mail: ${session.cloud.endpoint}/mailbox`);
    await settleEarlierRuns(connection, say);
    if (input !== undefined) await runOnce({ options, session, connection, skipping, interruption, say }, input);
    if (!options.exit && !interruption.happened) {
      say("\nThe local cloud goes on; Ctrl-C stops it.");
      await interruption.wait();
    }
    if (interruption.happened) await stopOpenRuns(connection, say);
  } finally {
    await session.close();
    skipping?.close();
    interruption.release();
  }
}

function open(
  options: LocalStart,
  workflows: readonly string[],
  assembly: string,
  skipping: SkippingClock | undefined,
): Promise<Session> {
  let session: Session | undefined;
  const forward = createForwardClock();
  const skip = skipping === undefined ? timeSkip(forward, () => session) : undefined;
  const opening = openSession({
    root: options.root,
    stage: options.stage,
    assembly,
    workflows,
    clock: skipping ?? forward,
    port: options.port,
    dataDir: dataDirOf(options.root),
    console: () => consoleHandler(consoleData(options.root, options.stage, () => session, skip)),
    ...(skipping === undefined ? {} : { schedules: false }),
    ...(options.model === undefined ? {} : { model: options.model }),
  });
  return opening.then((opened) => {
    session = opened;
    return opened;
  });
}

interface Running {
  readonly options: LocalStart;
  readonly session: Session;
  readonly connection: Connection;
  readonly skipping: SkippingClock | undefined;
  readonly interruption: Interruption;
  say(line: string): void;
}

async function runOnce(
  { options, session, connection, skipping, interruption, say }: Running,
  input: RunInput,
): Promise<void> {
  const contract = session.workflows.get(options.workflow)?.contract;
  if (contract === undefined) throw new CountersignError("CS-5001", `workflow '${options.workflow}' is not deployed`);
  const nowMs = session.cloud.context.clock.now();
  const { run_id, tenant } = await startRun(connection, options.workflow, { input: fillTimes(input, nowMs) }).catch(
    withFreshHint,
  );
  say(`\nRun ${run_id} of ${contract.name} v${contract.version} for tenant ${tenant}, asked for by you`);
  const finished = await followRun({
    session,
    connection,
    contract,
    run: { workflow: options.workflow, tenant, runId: run_id },
    interruption,
    say,
    ...(options.decide === undefined ? {} : { decide: options.decide }),
    ...(skipping === undefined ? {} : { skipping }),
  });
  if (finished !== undefined && options.json) options.io.out(JSON.stringify(finished));
}

/** A run with this input may still be open from an earlier start that was killed: say how to go on. */
function withFreshHint(error: unknown): never {
  if (!(error instanceof CountersignError) || error.code !== "CS-3006") throw error;
  const hint =
    "the sweep closes runs that were cut off within 20 minutes; `npm start -- --fresh` throws the local data away";
  throw new CountersignError(error.code, `${error.message}; ${hint}`, error.details);
}

/** The file given, or the workflow's first example. */
async function readInput(options: LocalStart): Promise<RunInput> {
  const folder = join(options.root, "workflows", options.workflow, "examples");
  const [example] = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(".json")).sort();
  const file = options.input ?? (example === undefined ? undefined : join(folder, example));
  if (file === undefined)
    throw new CountersignError(
      "CS-5002",
      `local start: workflow ${options.workflow} has no examples/*.json; give --input <file> or --no-run`,
    );
  return readInputFile(file);
}

/** Lets other commands find this cloud. */
async function announce(
  options: LocalStart,
  session: Session,
  connection: Connection,
  assembly: string,
): Promise<void> {
  const credentialsOf = (role: Parameters<Connection["client"]>[0]) => {
    const { credentials } = connection.client(role);
    if (credentials === undefined) throw new CountersignError("CS-5004", `the local cloud has no role ${role}`);
    return credentials;
  };
  await writeLocalFile(options.root, {
    endpoint: session.cloud.endpoint,
    pid: process.pid,
    region: session.cloud.context.region,
    stage: options.stage,
    assembly,
    credentials: {
      requester: credentialsOf("requester"),
      approver: credentialsOf("approver"),
      auditor: credentialsOf("auditor"),
      operator: credentialsOf("operator"),
      "break-glass": credentialsOf("break-glass"),
      shredder: credentialsOf("shredder"),
    },
    approvers: Object.fromEntries(
      approversIn(session).flatMap((email) => {
        const credentials = connection.approver(email)?.credentials;
        return credentials === undefined ? [] : [[email, credentials] as const];
      }),
    ),
  });
}

async function timed<T>(say: (line: string) => void, what: string, work: () => Promise<T>): Promise<T> {
  const began = performance.now();
  const result = await work();
  say(`  ✔ ${what} (${seconds(performance.now() - began)})`);
  return result;
}
