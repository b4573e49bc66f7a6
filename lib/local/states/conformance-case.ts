/** Conformance cases: a machine, stub functions, and what AWS recorded of the run. One JSON file per case. */
import { readFileSync } from "node:fs";
import * as z from "zod";
import { CountersignError } from "../../errors.js";

const Stub = z.strictObject({
  behaviour: z.enum(["echo", "return", "returnByInput", "raise", "notCalled"]),
  value: z.json().optional(),
  pairs: z.array(z.looseObject({ input: z.json().optional(), output: z.json().optional() })).optional(),
  errorType: z.string().optional(),
  errorMessage: z.string().optional(),
  cause: z.string().optional(),
  /** the function takes this long, on the case's own clock */
  delaySeconds: z.number().optional(),
  /** other names the machine calls the function by */
  aliases: z.array(z.string()).optional(),
  handler: z.string().optional(),
  notCalled: z.boolean().optional(),
});
export type FunctionStub = z.infer<typeof Stub>;

const Signal = z.strictObject({
  afterState: z.string(),
  action: z.enum(["SendTaskSuccess", "SendTaskFailure", "SendTaskHeartbeat"]),
  output: z.json().optional(),
  error: z.string().optional(),
  cause: z.string().optional(),
});
export type CaseSignal = z.infer<typeof Signal>;

/** Index ranges, both ends included. */
const Regions = z.array(z.tuple([z.int().min(0), z.int().min(0)])).optional();

const ExpectedEvent = z.looseObject({
  type: z.string(),
  id: z.int().optional(),
  previousEventId: z.int().optional(),
  inferred: z.boolean().optional(),
});
export type ExpectedEvent = z.infer<typeof ExpectedEvent>;

const CaseSchema = z.looseObject({
  name: z.string(),
  definition: z.json(),
  input: z.json(),
  lambdas: z.record(z.string(), Stub),
  signals: z.array(Signal).optional(),
  expected: z.strictObject({
    status: z.enum(["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]),
    output: z.json().optional(),
    error: z.string().optional(),
    cause: z.string().optional(),
    history: z.array(ExpectedEvent).optional(),
    interleavedRegions: Regions,
    unorderedRegions: Regions,
  }),
});
export type ConformanceCase = z.infer<typeof CaseSchema>;

/** Reads a case file. Throws `CountersignError` CS-1265. */
export function readCase(path: string): ConformanceCase {
  let document: unknown;
  try {
    document = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new CountersignError(
      "CS-1265",
      `conformance case ${path}: ${error instanceof Error ? error.message : error}`,
    );
  }
  const parsed = CaseSchema.safeParse(document);
  if (parsed.success) return parsed.data;
  throw new CountersignError("CS-1265", `conformance case ${path}: ${z.prettifyError(parsed.error)}`, { path });
}
