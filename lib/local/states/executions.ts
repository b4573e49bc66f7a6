/** Executions: started, watched, stopped; in this process or over the wire. */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { AwsFault, type BusEvent, type CloudContext } from "../types.js";
import type { HistoryEvent } from "./history.js";
import { type RunHandle, type RunOutcome, startRun } from "./interpreter.js";
import { exceedsBytes, MAX_PAYLOAD_BYTES } from "./limits.js";
import type { StateMachine, StateMachines } from "./machines.js";
import { type ExecutionRecord, ExecutionStore } from "./store.js";
import { createTaskTokens, type TaskTokens } from "./tokens.js";

interface Entry {
  record: ExecutionRecord;
  /** while the execution runs, and after it when nothing is kept on disk */
  run: RunHandle | undefined;
  /** the record when it has ended; never rejects */
  readonly ended: Promise<ExecutionRecord>;
}

export interface StartRequest {
  readonly stateMachineArn: string;
  /** JSON text; `{}` when left out */
  readonly input?: string | undefined;
  /** a UUID when left out */
  readonly name?: string | undefined;
}

/** AWS's rule for names, without the characters that it only discourages. */
const NAME = /^[A-Za-z0-9._+!@()='-]{1,80}$/;

export class Executions {
  readonly tokens: TaskTokens = createTaskTokens();
  private readonly entries = new Map<string, Entry>();
  private readonly store: ExecutionStore | undefined;

  constructor(
    private readonly context: CloudContext,
    private readonly machines: StateMachines,
  ) {
    const { dataDir, log } = context;
    if (dataDir === undefined) return;
    this.store = new ExecutionStore(join(dataDir, "executions"), log);
    for (const record of this.store.load()) {
      this.entries.set(record.executionArn, { record, run: undefined, ended: Promise.resolve(record) });
    }
  }

  /**
   * Starts an execution; the same name and input while it runs answers the running one.
   *
   * Throws `AwsFault`: StateMachineDoesNotExist, InvalidName, InvalidExecutionInput, ExecutionAlreadyExists.
   */
  start(request: StartRequest): ExecutionRecord {
    const machine = this.machines.get(request.stateMachineArn);
    const name = request.name ?? randomUUID();
    if (!NAME.test(name)) throw new AwsFault("InvalidName", `Invalid Name: '${name}'`);
    const json = request.input ?? "{}";
    const value = parseInput(json);
    const executionArn = `${machine.arn.replace(":stateMachine:", ":execution:")}:${name}`;
    const existing = this.entries.get(executionArn);
    if (existing !== undefined) {
      if (existing.record.status === "RUNNING" && existing.record.input === json) return existing.record;
      throw new AwsFault("ExecutionAlreadyExists", `Execution Already Exists: '${executionArn}'`);
    }
    return this.run(machine, name, executionArn, { value, json });
  }

  /** Throws `AwsFault` ExecutionDoesNotExist. */
  describe(executionArn: string): ExecutionRecord {
    return this.get(executionArn).record;
  }

  /** The executions of one machine, or of all; newest first. */
  list(stateMachineArn?: string): ExecutionRecord[] {
    const records = [...this.entries.values()].map((entry) => entry.record);
    const wanted = records.filter((each) => stateMachineArn === undefined || each.stateMachineArn === stateMachineArn);
    return wanted.reverse();
  }

  /** The events so far, in order. Task tokens stand in them, as on AWS. Throws `AwsFault` ExecutionDoesNotExist. */
  history(executionArn: string): readonly HistoryEvent[] {
    const { run } = this.get(executionArn);
    return run?.events ?? this.store?.events(executionArn) ?? [];
  }

  /** Ends a running execution as ABORTED; one that has ended stays as it is. Throws `AwsFault` ExecutionDoesNotExist. */
  stop(executionArn: string, error?: string, cause?: string): ExecutionRecord {
    const entry = this.get(executionArn);
    if (entry.record.status === "RUNNING") {
      if (entry.run === undefined) this.abortLost(entry, error, cause);
      else entry.run.stop(error, cause);
      this.conclude(entry, { status: "ABORTED", error, cause });
    }
    return entry.record;
  }

  /** The record once the execution has ended. Throws `AwsFault` ExecutionDoesNotExist. */
  completion(executionArn: string): Promise<ExecutionRecord> {
    return this.get(executionArn).ended;
  }

  /**
   * Aborts the executions that ran when an earlier process died, and publishes that. Call it when the rules that listen
   * exist. Answers how many there were.
   */
  recover(): number {
    const lost = [...this.entries.values()].filter(
      (entry) => entry.record.status === "RUNNING" && entry.run === undefined,
    );
    const cause = "The embedded cloud ended while this execution was running.";
    for (const entry of lost) this.stop(entry.record.executionArn, "Countersign.CloudEnded", cause);
    return lost.length;
  }

  /** Stops and forgets everything. */
  reset(): void {
    this.discardRuns();
    this.entries.clear();
    this.store?.clear();
  }

  /** Stops working; what runs stays RUNNING on disk, for `recover`. */
  close(): void {
    this.discardRuns();
    this.store?.flush();
  }

  private discardRuns(): void {
    for (const { record, run } of this.entries.values()) if (record.status === "RUNNING") run?.discard();
    this.tokens.clear();
  }

  private get(executionArn: string): Entry {
    const entry = this.entries.get(executionArn);
    if (entry === undefined) throw new AwsFault("ExecutionDoesNotExist", `Execution Does Not Exist: '${executionArn}'`);
    return entry;
  }

  private run(
    machine: StateMachine,
    name: string,
    executionArn: string,
    input: { readonly value: unknown; readonly json: string },
  ): ExecutionRecord {
    const { clock, region, accountId } = this.context;
    const record: ExecutionRecord = {
      executionArn,
      stateMachineArn: machine.arn,
      name,
      status: "RUNNING",
      startDateMs: clock.now(),
      input: input.json,
    };
    this.store?.saveRecord(record);
    const run = startRun({
      machine: machine.machine,
      input,
      identity: {
        executionArn,
        executionName: name,
        stateMachineArn: machine.arn,
        stateMachineName: machine.name,
        roleArn: machine.roleArn,
        region,
        accountId,
      },
      seams: {
        clock,
        functions: this.context.functions,
        tokens: this.tokens,
        random: Math.random,
        uuid: randomUUID,
        log: this.context.log,
      },
      onEvent: (event) => this.store?.saveEvent(executionArn, event),
    });
    const entry: Entry = {
      record,
      run,
      ended: run.done.then((outcome) => {
        this.conclude(entry, outcome);
        return entry.record;
      }),
    };
    this.entries.set(executionArn, entry);
    this.publish(record);
    return record;
  }

  /** Closes the record; the first end counts. */
  private conclude(entry: Entry, outcome: RunOutcome): void {
    if (entry.record.status !== "RUNNING") return;
    const { record } = entry;
    const stopDateMs = this.context.clock.now();
    entry.record =
      outcome.status === "SUCCEEDED"
        ? { ...record, status: outcome.status, stopDateMs, output: outcome.output }
        : {
            ...record,
            status: outcome.status,
            stopDateMs,
            ...(outcome.error === undefined ? {} : { error: outcome.error }),
            ...(outcome.cause === undefined ? {} : { cause: outcome.cause }),
          };
    if (this.store !== undefined) {
      this.store.saveRecord(entry.record);
      entry.run = undefined;
    }
    this.publish(entry.record);
  }

  /** Writes the last event of an execution whose process died. */
  private abortLost(entry: Entry, error: string | undefined, cause: string | undefined): void {
    const { executionArn } = entry.record;
    const id = (this.store?.events(executionArn).at(-1)?.id ?? 0) + 1;
    const details = { ...(error === undefined ? {} : { error }), ...(cause === undefined ? {} : { cause }) };
    const timestampMs = this.context.clock.now();
    this.store?.saveEvent(executionArn, { id, previousEventId: 0, timestampMs, type: "ExecutionAborted", details });
  }

  /** Tells EventBridge. Best effort, as on AWS: a fault of the bus is logged and does not touch the execution. */
  private publish(record: ExecutionRecord): void {
    try {
      this.context.publish(statusChange(record));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.context.log(`states: publishing ${record.status} of ${record.executionArn} failed: ${why}`);
    }
  }
}

function statusChange(record: ExecutionRecord): BusEvent {
  return {
    source: "aws.states",
    "detail-type": "Step Functions Execution Status Change",
    resources: [record.executionArn],
    detail: {
      executionArn: record.executionArn,
      stateMachineArn: record.stateMachineArn,
      name: record.name,
      status: record.status,
      startDate: record.startDateMs,
      stopDate: record.stopDateMs ?? null,
      input: record.input,
      inputDetails: { included: true },
      output: record.output ?? null,
      outputDetails: record.output === undefined ? null : { included: true },
      error: record.error ?? null,
      cause: record.cause ?? null,
    },
  };
}

function parseInput(json: string): unknown {
  if (exceedsBytes(json, MAX_PAYLOAD_BYTES)) {
    throw new AwsFault(
      "InvalidExecutionInput",
      `Invalid State Machine Execution Input: 'larger than ${MAX_PAYLOAD_BYTES} bytes'`,
    );
  }
  try {
    return JSON.parse(json);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new AwsFault("InvalidExecutionInput", `Invalid State Machine Execution Input: '${why}'`);
  }
}
