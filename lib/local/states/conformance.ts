/** Runs conformance cases on the interpreter with stub functions and a clock of their own. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import * as z from "zod";
import { CountersignError } from "../../errors.js";
import { createSkippingClock } from "../clock.js";
import { type Clock, FunctionError, type FunctionInvoker } from "../types.js";
import { type CaseSignal, type ConformanceCase, type FunctionStub, readCase } from "./conformance-case.js";
import { compareHistory, compareOutcome } from "./conformance-compare.js";
import { parseDefinition } from "./definition.js";
import { startRun } from "./interpreter.js";
import { compileMachine } from "./machine.js";
import { payloadOf } from "./payload.js";
import type { RunIdentity } from "./scope.js";
import { createTaskTokens, type TaskTokens } from "./tokens.js";

export interface CaseResult {
  readonly name: string;
  /** empty when the run is as recorded */
  readonly problems: readonly string[];
}

/** The cases of a folder, by file name. Throws `CountersignError` CS-1264. */
export function caseFiles(folder: string): string[] {
  const names = namesIn(folder).filter((name) => name.endsWith(".json"));
  if (names.length > 0) return names.sort().map((name) => join(folder, name));
  throw noCases(folder, "holds no .json file; give a folder of cases, one JSON file each");
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    const { code } = FileFault.parse(error);
    if (code === "ENOENT") throw noCases(folder, "does not exist");
    if (code === "ENOTDIR") throw noCases(folder, "is no folder; give the folder that holds the case files");
    throw noCases(folder, `cannot be read: ${code}`);
  }
}

const FileFault = z.object({ code: z.string() });

function noCases(folder: string, why: string): CountersignError {
  return new CountersignError("CS-1264", `conformance cases: ${folder} ${why}`, { folder });
}

export interface ConformanceReport {
  readonly passed: number;
  readonly failures: readonly (CaseResult & { readonly file: string })[];
}

/** Runs every case of the folders; tells of each failure as it happens. Throws `CountersignError`: CS-1264, CS-1265. */
export async function runConformance(
  folders: readonly string[],
  onFailure: (failure: ConformanceReport["failures"][number]) => void = () => {},
): Promise<ConformanceReport> {
  const cases = folders.flatMap(caseFiles).map((file) => ({ file, testCase: readCase(file) }));
  const failures: ConformanceReport["failures"][number][] = [];
  for (const { file, testCase } of cases) {
    const failure = { file, ...(await runCase(testCase)) };
    if (failure.problems.length === 0) continue;
    failures.push(failure);
    onFailure(failure);
  }
  return { passed: cases.length - failures.length, failures };
}

const START_MS = Date.parse("2026-01-01T00:00:00Z");
const IDENTITY: RunIdentity = {
  executionArn: "arn:aws:states:us-east-1:111111111111:execution:case:run",
  executionName: "run",
  stateMachineArn: "arn:aws:states:us-east-1:111111111111:stateMachine:case",
  stateMachineName: "case",
  roleArn: "arn:aws:iam::111111111111:role/case",
  region: "us-east-1",
  accountId: "111111111111",
};

/** Runs one case. AWS accepts expressions over variables that do not exist, so that check is left out. */
export async function runCase(testCase: ConformanceCase): Promise<CaseResult> {
  const { name, definition, input, expected } = testCase;
  let machine: ReturnType<typeof compileMachine>;
  try {
    machine = compileMachine(parseDefinition(definition, { variables: false }));
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error;
    return { name, problems: [`the definition is refused: ${error.toString()}`] };
  }
  const clock = createSkippingClock(START_MS);
  const tokens = rememberingTokens();
  const signals = [...(testCase.signals ?? [])];
  let state: string | undefined;
  const run = startRun({
    machine,
    input: payloadOf(input),
    identity: IDENTITY,
    seams: {
      clock,
      tokens: tokens.registry,
      functions: stubInvoker(testCase.lambdas, clock),
      random: () => 0.5,
      uuid: () => "00000000-0000-4000-8000-000000000000",
      log: () => {},
    },
    onEvent(event) {
      if (event.type === "TaskStateEntered") state = event.details?.name;
      if (event.type !== "TaskSubmitted") return;
      setImmediate(() => {
        while (signals[0]?.afterState === state) send(tokens.registry, tokens.last(), signals.shift());
      });
    },
  });
  const outcome = await run.done;
  clock.close();
  return { name, problems: [...compareOutcome(expected, outcome), ...compareHistory(expected, run.events)] };
}

function send(tokens: TaskTokens, token: string, signal: CaseSignal | undefined): void {
  if (signal?.action === "SendTaskHeartbeat") tokens.heartbeat(token);
  else if (signal?.action === "SendTaskSuccess") {
    tokens.settle(token, { kind: "success", outputJson: JSON.stringify(signal.output ?? null) });
  } else if (signal !== undefined) tokens.settle(token, { kind: "failure", error: signal.error, cause: signal.cause });
}

function rememberingTokens(): { readonly registry: TaskTokens; last(): string } {
  const tokens = createTaskTokens();
  let last = "";
  const issue: TaskTokens["issue"] = () => {
    const issued = tokens.issue();
    last = issued.token;
    return issued;
  };
  return { registry: { ...tokens, issue }, last: () => last };
}

/** The case's functions. A function that is called under an unknown name fails the task as on AWS. */
function stubInvoker(stubs: Readonly<Record<string, FunctionStub>>, clock: Clock): FunctionInvoker {
  return {
    async invoke(functionArn, payload) {
      const name = functionArn.slice(functionArn.lastIndexOf(":") + 1);
      const stub = stubs[functionArn] ?? Object.values(stubs).find((each) => each.aliases?.includes(name));
      if (stub === undefined) throw new Error(`the case has no function ${functionArn}`);
      const { delaySeconds } = stub;
      if (delaySeconds !== undefined) {
        await new Promise<void>((resolve) => clock.at(clock.now() + delaySeconds * 1000, resolve));
      }
      return answer(stub, payload);
    },
  };
}

function answer(stub: FunctionStub, payload: unknown): unknown {
  switch (stub.behaviour) {
    case "echo":
      return payload;
    case "return":
      return stub.value;
    case "returnByInput":
      return stub.pairs?.find((pair) => isDeepStrictEqual(pair.input, payload))?.output;
    case "raise":
      throw new FunctionError(stub.errorType ?? "Error", stub.errorMessage ?? "", stub.cause ?? "");
    case "notCalled":
      throw new Error("the recording never calls this function");
  }
}
