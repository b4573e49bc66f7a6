/**
 * Starting a run. Every write before StartExecution can be found again: the open row goes first, so that whatever a crash leaves behind
 * is given back by the sweep or taken up by a repeat of the request.
 */
import { randomBytes } from "node:crypto";
import type { Budgets, OpenRun } from "../../lib/aws/budgets.js";
import type { ContextStore } from "../../lib/aws/context-store.js";
import type { Control } from "../../lib/aws/control.js";
import type { Executions } from "../../lib/aws/executions.js";
import type { RunLog } from "../../lib/aws/run-log.js";
import type { Vault } from "../../lib/aws/vault.js";
import type { Contract } from "../../lib/contract/model.js";
import { CountersignError } from "../../lib/errors.js";
import { admit } from "../../lib/run/admission.js";
import { dayDoc, dayLeftMicroUsd, leaseDay } from "../../lib/run/budget.js";
import { hashJson, type JsonObject } from "../../lib/run/canonical.js";
import type { EventOf, RecordedEvent } from "../../lib/run/events.js";
import type { RunRef } from "../../lib/run/keys.js";
import { uniqueHash } from "../../lib/run/names.js";
import { ERROR_NAMES } from "../../lib/run/protocol.js";
import { noncesOf, redact } from "../../lib/run/redact.js";
import { keysBeside } from "../../lib/run/sealing.js";
import { isoTime, localDay } from "../../lib/run/time.js";
import type { Admission, DeployedHashes } from "../../lib/run/types.js";
import { brakeState } from "../shared/brake.js";
import { abandon } from "../shared/give-back.js";
import { NamedError } from "../shared/named-error.js";
import { record } from "../shared/record.js";

export interface AdmitDeps {
  readonly contract: Contract;
  readonly stage: string;
  readonly hashes: DeployedHashes;
  readonly log: RunLog;
  readonly vault: Pick<Vault, "createSecret" | "readSecret" | "seal">;
  readonly control: Pick<Control, "readBrake">;
  readonly contexts: Pick<ContextStore, "write">;
  readonly budgets: Budgets;
  readonly executions: Pick<Executions, "arnOf" | "start">;
  readonly nowMs: () => number;
}
export interface Asked {
  readonly run: RunRef;
  readonly requester: string;
  readonly input: JsonObject;
}
export type Admitted =
  | { readonly kind: "started"; readonly repeated: boolean }
  | ({ readonly kind: "refused" } & Pick<EventOf<"RunRefused">["data"], "code" | "reason" | "checks">);

/** @throws NamedError `Conflict` when the same request is being admitted at this moment: ask again */
export async function startRun(deps: AdmitDeps, asked: Asked): Promise<Admitted> {
  const events = await deps.log.read(asked.run);
  const [first] = events;
  if (first?.type === "RunStarted") return resume(deps, asked, first, events);
  if (first?.type === "RunRefused") return { kind: "refused", ...first.data };
  const nowMs = deps.nowMs();
  const fresh = randomBytes(32);
  const admission = await judge(deps, asked, nowMs, fresh);
  if (admission.kind === "refused") return refuse(deps, asked, nowMs, fresh, admission);
  const open = await enterOpen(deps, openRow(deps, asked, nowMs));
  // Again, now that the row is there: until now another delivery of the request may have run from its start to its end.
  if ((await deps.log.read(asked.run)).length > 0) throw atWork(asked.run);
  const lost = await takeRows(deps, asked, open, admission.leaseMicroUsd);
  // A repeat after a crash finds the secret of the first try, and must redact with that one.
  const secret = lost === undefined ? await deps.vault.createSecret(asked.run, fresh) : fresh;
  const final = await judge(deps, asked, nowMs, secret, lost);
  if (final.kind === "refused") {
    // Written down first: when the same request is admitted beside this one, the rows are that one's.
    const refused = await refuse(deps, asked, nowMs, secret, final);
    await abandon(deps.budgets, open);
    return refused;
  }
  await deps.contexts.write(final.context, keysBeside(secret, final.context));
  await record(deps, { run: asked.run, secret, events, nowMs }, final);
  await deps.executions.start(asked.run.runId, { tenant: asked.run.tenant, turn: 1 });
  return { kind: "started", repeated: false };
}

/** What others took between looking and taking. */
type Lost = { readonly duplicateOf: string } | { readonly dayLeftMicroUsd: 0 };

async function judge(
  { contract, stage, hashes, control, budgets }: AdmitDeps,
  { run, requester, input }: Asked,
  nowMs: number,
  runSecret: Uint8Array,
  lost?: Lost,
): Promise<Admission> {
  const unique = uniqueHash(contract, input);
  const [brake, holder, day] = await Promise.all([
    control.readBrake(contract.name),
    unique === null ? undefined : budgets.readUnique(run.tenant, unique),
    budgets.readCounter(dayOf(contract, run.tenant, nowMs), dayDoc),
  ]);
  return admit({
    contract,
    hashes,
    stage,
    runId: run.runId,
    tenant: run.tenant,
    requester,
    input,
    runSecret,
    brake: brakeState(brake),
    duplicateOf: holder === undefined || holder === run.runId ? null : holder,
    dayLeftMicroUsd: dayLeftMicroUsd(day, run.runId, contract.budget.perDayMicroUsd),
    nowMs,
    ...lost,
  });
}

async function takeRows(
  { budgets, contract }: AdmitDeps,
  { run }: Asked,
  open: OpenRun,
  leaseMicroUsd: number,
): Promise<Lost | undefined> {
  if (open.unique_hash !== null) {
    const holder = await budgets.takeUnique(open, open.unique_hash);
    if (holder === undefined) throw atWork(run);
    if (holder !== run.runId) return { duplicateOf: holder };
  }
  let over = false;
  const day = await budgets.leaseDay(open, dayDoc, (doc) => {
    const leased = leaseDay(doc, run.runId, leaseMicroUsd, contract.budget.perDayMicroUsd);
    over = leased === "over";
    return leased === "over" ? null : leased;
  });
  if (day === undefined) throw atWork(run);
  return over ? { dayLeftMicroUsd: 0 } : undefined;
}

async function refuse(
  deps: AdmitDeps,
  { run }: Asked,
  nowMs: number,
  secret: Uint8Array,
  admission: Extract<Admission, { kind: "refused" }>,
): Promise<Admitted> {
  const [first] = await record(deps, { run, secret, events: [], nowMs }, { ...admission, sealed: [] });
  if (first?.type !== "RunRefused")
    throw new CountersignError("CS-3015", `run ${run.runId}: its refusal was not written down`);
  return { kind: "refused", ...first.data };
}

/** The same request again: nothing is judged twice, and what a crash left undone is done. */
async function resume(
  deps: AdmitDeps,
  asked: Asked,
  started: EventOf<"RunStarted">,
  events: readonly RecordedEvent[],
): Promise<Admitted> {
  const { run, input, requester } = asked;
  const secret = await deps.vault.readSecret(run);
  const { redacted } = redact(input, deps.contract.sensitive, noncesOf(secret ?? new Uint8Array(), 0, "input"));
  if (secret === undefined || hashJson(redacted) !== started.data.input_hash || started.data.requester !== requester)
    throw new CountersignError(
      "CS-3011",
      `request_id: it started run ${run.runId} for another input; use a new request_id`,
    );
  if (!events.some(({ type }) => type === "RunClosed")) {
    await enterOpen(deps, openRow(deps, asked, Date.parse(started.at)));
    await deps.executions.start(run.runId, { tenant: run.tenant, turn: 1 });
  }
  return { kind: "started", repeated: true };
}

async function enterOpen({ budgets }: AdmitDeps, open: OpenRun): Promise<OpenRun> {
  const entered = await budgets.enterOpen(open);
  if (entered === undefined) throw atWork({ runId: open.run_id });
  return entered;
}

const atWork = ({ runId }: Pick<RunRef, "runId">) =>
  new NamedError(
    ERROR_NAMES.conflict,
    `run ${runId}: another delivery of this request is at work, or being given back`,
  );

function openRow({ contract, executions }: AdmitDeps, { run, input }: Asked, nowMs: number): OpenRun {
  return {
    tenant: run.tenant,
    run_id: run.runId,
    execution_arn: executions.arnOf(run.runId),
    admitted_at: isoTime(nowMs),
    lease_day: dayOf(contract, run.tenant, nowMs).day,
    unique_hash: uniqueHash(contract, input),
  };
}

function dayOf({ timeZone }: Contract, tenant: string, nowMs: number) {
  return { kind: "day", tenant, day: localDay(nowMs, timeZone) } as const;
}
