/** Who acts on a run, as what: the person, the act's own id and time, and the log that it is written into first. */
import { randomUUID } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { dynamoOversight, MAX_WORDS, type Oversight } from "../aws/oversight.js";
import { CountersignError } from "../errors.js";
import type { RecordedEvent } from "../run/events.js";
import type { RunRef } from "../run/keys.js";
import { isoTime } from "../run/time.js";
import type { Connection, PeopleRole } from "./connection.js";

export async function oversightOf(connection: Connection, role: PeopleRole): Promise<Oversight> {
  const { OversightTable } = await connection.controlPlane();
  return dynamoOversight({ client: new DynamoDBClient(connection.client(role)), table: OversightTable });
}

/** What was found in the run by those who reviewed it. */
export async function reviewsOf(connection: Connection, [first]: readonly RecordedEvent[]) {
  if (first === undefined) return [];
  const run = { workflow: first.workflow, tenant: first.tenant, runId: first.run_id };
  return (await oversightOf(connection, "auditor")).reviews(run);
}

/** What every note begins with. */
export function noteOf(run: RunRef, by: string, nowMs: number) {
  const { workflow, tenant, runId } = run;
  return { v: 1 as const, id: randomUUID(), at: isoTime(nowMs), by, workflow, tenant, run_id: runId };
}

/**
 * The person: on AWS the session's ARN, which ends in the name that the role's trust policy takes from an administrator's tag; locally, where
 * nobody signs in, who they say they are.
 */
export async function personOf(connection: Connection, role: PeopleRole, as: string | undefined): Promise<string> {
  if (connection.local) {
    if (as !== undefined && /^[^\s@]+@[^\s@]+$/.test(as)) return as;
    throw new CountersignError(
      "CS-5006",
      `--as: ${as === undefined ? "missing" : `'${as}' is no e-mail address`}; say who you are, e.g. --as ana@example.com`,
    );
  }
  if (as !== undefined)
    throw new CountersignError("CS-5006", "--as: goes with --local; on AWS you are who your session says");
  const { Arn } = await new STSClient(connection.client(role)).send(new GetCallerIdentityCommand({}));
  if (Arn !== undefined) return Arn;
  throw new CountersignError("CS-5000", "sts: says no ARN of this session; take the role again");
}

/** @throws CountersignError CS-5006 for words that the log does not take */
export function wordsOf(option: string, text: string): string {
  const words = text.trim();
  if (words !== "" && words.length <= MAX_WORDS) return words;
  throw new CountersignError(
    "CS-5006",
    `${option}: ${words.length} characters; write 1 to ${MAX_WORDS}, for the record`,
  );
}
