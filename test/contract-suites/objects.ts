/** What every context store and every vault does. */
import { describe, expect, test } from "vitest";
import type { CallStore } from "../../lib/aws/call-store.js";
import type { ContextStore } from "../../lib/aws/context-store.js";
import type { Vault } from "../../lib/aws/vault.js";
import type { RunContext } from "../../lib/run/protocol.js";
import { newRun } from "../aws/cloud.js";

const contextOf = (run: ReturnType<typeof newRun>, over: Partial<RunContext> = {}): RunContext => ({
  v: 1,
  run_id: run.runId,
  workflow: run.workflow,
  version: 3,
  tenant: run.tenant,
  turn: 1,
  input: { claim: "twice" },
  turns: [],
  budget_left_micro_usd: 400_000,
  steps_left: 20,
  ...over,
});

const keys = { reply: Buffer.alloc(32, 1).toString("base64"), last: null };

export function contextStoreSuite(store: () => ContextStore): void {
  describe("a context store", () => {
    test("gives back what was written, with a hash that any change changes", async () => {
      const run = newRun();
      const other = newRun();
      expect(await store().read(run, 1)).toBeUndefined();
      await store().write(contextOf(run), keys);
      await store().write(contextOf(other, { steps_left: 19 }), keys);
      const read = await store().read(run, 1);
      expect(read?.context).toEqual(contextOf(run));
      expect(read?.keys).toEqual(keys);
      expect(read?.hash).toMatch(/^[0-9a-f]{64}$/);
      expect((await store().read(other, 1))?.hash).not.toBe(read?.hash);
      expect(await store().read(run, 2)).toBeUndefined();
    });

    test("the same again is fine, other content for the same turn is refused", async () => {
      const run = newRun();
      await store().write(contextOf(run), keys);
      await store().write(contextOf(run), keys);
      await expect(store().write(contextOf(run, { steps_left: 1 }), keys)).rejects.toMatchObject({ code: "CS-3402" });
      expect((await store().read(run, 1))?.context.steps_left).toBe(20);
    });
  });
}

export function callStoreSuite(store: () => CallStore): void {
  describe("a call store", () => {
    const call = { v: 1, args: { memo: "for Jo" }, nonces: { memo: "d".repeat(64) }, key: keys.reply } as const;

    test("gives back what was put out for this tool and turn, and nothing of another", async () => {
      const ref = { run: newRun(), tool: "stripe.refund", turn: 4 };
      expect(await store().read(ref)).toBeUndefined();
      await store().write(ref, call);
      await store().write(ref, call);
      expect(await store().read(ref)).toEqual(call);
      for (const other of [{ tool: "stripe.void" }, { turn: 5 }, { run: newRun() }])
        expect(await store().read({ ...ref, ...other })).toBeUndefined();
    });

    test("another call for the same turn is refused", async () => {
      const ref = { run: newRun(), tool: "stripe.refund", turn: 4 };
      await store().write(ref, call);
      await expect(store().write(ref, { ...call, args: {} })).rejects.toMatchObject({ code: "CS-3402" });
      expect((await store().read(ref))?.args).toEqual(call.args);
    });
  });
}

const secret = () => new Uint8Array(32).fill(7);
const values = {
  "args|email": { nonce: "0".repeat(64), value: "dana@example.com" },
  "rationale|": { nonce: "1".repeat(64), value: null },
};

export function vaultSuite(vault: () => Vault, stored: () => Promise<string>): void {
  describe("a vault", () => {
    test("a run's secret is the one it was given first", async () => {
      const run = newRun();
      expect(await vault().readSecret(run)).toBeUndefined();
      expect(await vault().createSecret(run, secret())).toEqual(secret());
      expect(Buffer.from(await vault().createSecret(run, new Uint8Array(32)))).toEqual(Buffer.from(secret()));
      expect(Buffer.from((await vault().readSecret(run)) ?? [])).toEqual(Buffer.from(secret()));
    });

    test("sealed values open under the same secret, run and event, and nowhere else", async () => {
      const run = newRun();
      const event = { seq: 3, hash: "b".repeat(64) };
      await vault().seal(run, secret(), event, values);
      await vault().seal(run, secret(), event, values);
      expect(await vault().open(run, secret(), event)).toEqual(values);
      await expect(vault().open(run, new Uint8Array(32), event)).rejects.toMatchObject({ code: "CS-3402" });
      expect(await vault().open(run, secret(), { ...event, seq: 4 })).toBeUndefined();
      expect(await vault().open(newRun(), secret(), event)).toBeUndefined();
      expect(await stored()).not.toContain("dana@example.com");
    });
  });
}
