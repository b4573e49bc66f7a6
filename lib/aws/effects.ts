/**
 * The effects ledger: one row per permitted call. A tool function claims its row before it calls out and stores the outcome
 * after, so that a repeat knows what an earlier attempt did. The tool's function needs `dynamodb:GetItem`, `PutItem` and
 * `UpdateItem` on its own partitions; the gate and close-run `dynamodb:GetItem`.
 */
import { randomUUID } from "node:crypto";
import { PutItemCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { marshall } from "@aws-sdk/util-dynamodb";
import * as z from "zod";
import { effectKey, type RunRef } from "../run/keys.js";
import { getRow, held, parseJson, type RowKey, type TableRef } from "./dynamo.js";

const failure = z.strictObject({
  code: z.string(),
  message: z.string(),
  retryable: z.boolean(),
});
export const effectOutcome = z.strictObject({
  status: z.enum(["ok", "error", "unknown"]),
  output: z.json().optional(),
  error: failure.optional(),
  /** the answer, sealed: output and message are in it alone */
  sealed: z.string().optional(),
  /** false only when the effect certainly did not happen */
  effect_possible: z.boolean(),
  latency_ms: z.int().min(0),
  finished_at: z.iso.datetime({ precision: 3 }),
});
export type EffectOutcome = z.infer<typeof effectOutcome>;

/** An attempt that ended and may be followed by another. */
export const failedAttempt = z.strictObject({
  ...failure.shape,
  sealed: z.string().optional(),
  effect_possible: z.boolean(),
  latency_ms: z.int().min(0),
  finished_at: z.iso.datetime({ precision: 3 }),
});
export type FailedAttempt = z.infer<typeof failedAttempt>;

export interface Claim {
  readonly args_hash: string;
  readonly claimed_at: string;
  /** when the attempt has certainly ended, with or without an outcome */
  readonly deadline: string;
}
export interface Effect extends Claim {
  /** attempts so far; the number that guards every later write */
  readonly attempts: number;
  readonly outcome?: EffectOutcome;
  /** set when the newest attempt ended without an outcome: the claim is not open */
  readonly failed?: FailedAttempt;
}
export interface EffectRef {
  readonly run: RunRef;
  readonly tool: string;
  readonly turn: number;
}

export interface Effects {
  read(ref: EffectRef): Promise<Effect | undefined>;
  /** Takes the row for the first attempt; `false` when it is taken. */
  claim(ref: EffectRef, claim: Claim): Promise<boolean>;
  /** Takes the row for the attempt after `attempts`; `false` when someone else did or an outcome is stored. */
  reclaim(ref: EffectRef, attempts: number, claim: Claim): Promise<boolean>;
  /** Stores how attempt number `attempts` ended; `false` when another attempt holds the row or an outcome is stored. */
  storeOutcome(ref: EffectRef, attempts: number, outcome: EffectOutcome): Promise<boolean>;
  /** Ends attempt number `attempts` so that another may follow. */
  storeFailure(ref: EffectRef, attempts: number, failed: FailedAttempt): Promise<boolean>;
}

const effectRow = z.object({
  args_hash: z.string(),
  claimed_at: z.string(),
  deadline: z.string(),
  attempts: z.int().positive(),
  outcome: z.string().optional(),
  failed: z.string().optional(),
  /** of whoever made the newest claim: tells one's own, whose answer was lost, from another's */
  claimant: z.string().optional(),
});

export function dynamoEffects(ref: TableRef): Effects {
  /** Writes under the guard: this attempt holds the row and it has no outcome. */
  const guarded = (key: RowKey, attempts: number, update: string, values: Record<string, string | number>) =>
    held(() =>
      ref.client.send(
        new UpdateItemCommand({
          TableName: ref.table,
          Key: marshall(key),
          UpdateExpression: update,
          ConditionExpression: "attempts = :held AND attribute_not_exists(outcome)",
          ExpressionAttributeValues: marshall({ ":held": attempts, ...values }),
        }),
      ),
    );
  /** Makes a claim; one that was written, and whose answer was lost, is found by its claimant when the SDK asks again. */
  const claimAs = async (effect: EffectRef, write: (claimant: string) => Promise<boolean>): Promise<boolean> => {
    const claimant = randomUUID();
    return (await write(claimant)) || (await getRow(ref, keyOf(effect), effectRow))?.claimant === claimant;
  };
  return {
    async read(effect) {
      const key = keyOf(effect);
      const row = await getRow(ref, key, effectRow);
      if (row === undefined) return undefined;
      const { outcome, failed, claimant: _claimant, ...claim } = row;
      const place = `${ref.table}: ${key.pk}/${key.sk}`;
      return {
        ...claim,
        ...(outcome === undefined ? {} : { outcome: parseJson(place, outcome, effectOutcome) }),
        ...(failed === undefined ? {} : { failed: parseJson(place, failed, failedAttempt) }),
      };
    },
    claim: (effect, claim) =>
      claimAs(effect, (claimant) =>
        held(() =>
          ref.client.send(
            new PutItemCommand({
              TableName: ref.table,
              Item: marshall({ ...keyOf(effect), ...claim, claimant, attempts: 1 }),
              ConditionExpression: "attribute_not_exists(pk)",
            }),
          ),
        ),
      ),
    reclaim: (effect, attempts, claim) =>
      claimAs(effect, (claimant) =>
        guarded(
          keyOf(effect),
          attempts,
          "SET attempts = :next, args_hash = :args_hash, claimed_at = :claimed_at, deadline = :deadline, claimant = :claimant REMOVE failed",
          {
            ":next": attempts + 1,
            ":args_hash": claim.args_hash,
            ":claimed_at": claim.claimed_at,
            ":deadline": claim.deadline,
            ":claimant": claimant,
          },
        ),
      ),
    storeOutcome: (effect, attempts, outcome) =>
      guarded(keyOf(effect), attempts, "SET outcome = :outcome REMOVE failed", { ":outcome": JSON.stringify(outcome) }),
    storeFailure: (effect, attempts, failed) =>
      guarded(keyOf(effect), attempts, "SET failed = :failed", { ":failed": JSON.stringify(failed) }),
  };
}

function keyOf({ run, tool, turn }: EffectRef): RowKey {
  return { pk: effectKey.pk(run, tool), sk: effectKey.sk(turn) };
}
