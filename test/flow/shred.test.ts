/** A data-subject request on the running cloud: what can be opened is gone, whatever died in between, and everything else verifies. */
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Versions } from "../../lib/aws/versions.js";
import { s3Versions } from "../../lib/aws/versions.js";
import { oversightOf } from "../../lib/client/oversight.js";
import { reveal, vaultOf } from "../../lib/client/reveal.js";
import { planShred, type ShredStores, shred, shredStores, versionsIn } from "../../lib/client/shred.js";
import { verifyEvents } from "../../lib/client/verify.js";
import type { RecordedEvent } from "../../lib/run/events.js";
import { callKeyOf, contextKey, type RunRef, vaultKey } from "../../lib/run/keys.js";
import { AT, DISPUTE, FINISH, Flow, LOOKUP, REFUND } from "../support/flow.js";

let flow: Flow;
let run: RunRef;
let events: readonly RecordedEvent[];
beforeAll(async () => {
  flow = await Flow.shared();
});
beforeEach(async () => {
  await flow.begin([LOOKUP, { ...REFUND, say: "She says so." }, FINISH]);
  run = await flow.start();
  await flow.asked(run);
  await flow.decide("ana@example.com", { decision: "approve", confirmation: "420.00" });
  events = await flow.play(run);
});

const request = () => ({ run, events, by: "dpo@example.com", reason: "request 7", nowMs: AT });
const oversight = () => oversightOf(flow.connection, "shredder");
const shreddings = async () => (await oversightOf(flow.connection, "auditor")).shreddings();
const readNothing = async () =>
  reveal(
    { vault: await vaultOf(flow.connection), oversight: await oversightOf(flow.connection, "break-glass") },
    { ...request(), by: "ana@example.com", reason: "look" },
  );
const client = (role: "shredder" | "auditor" | "break-glass" | "operator") =>
  new S3Client({ ...flow.connection.client(role), forcePathStyle: true, maxAttempts: 1 });

describe("shredding", () => {
  test("is told first: key, contexts, calls and views, and nothing of it goes", async () => {
    const stores = await shredStores(flow.connection);
    const plan = await planShred(stores, run, events);
    expect(Object.entries(plan).map(([kind, { length }]) => [kind, length])).toEqual([
      ["key", 1],
      ["context", 3],
      ["call", 2],
      ["view", 1],
    ]);
    expect(await planShred(stores, run, events)).toEqual(plan);
    expect(await shreddings()).toEqual([]);
  });

  test("takes away what break-glass could open, says so, and the record verifies as before", async () => {
    const before = await verifyEvents([events]);
    await shred(await shredStores(flow.connection), await oversight(), request());
    await expect(readNothing()).rejects.toMatchObject({
      code: "CS-5014",
      message: expect.stringContaining("was shredded on 2026-05-02T16:30:00.000Z by dpo@example.com (request 7)"),
    });
    expect(await verifyEvents([await flow.reader.events(run)])).toEqual(before);
    expect(await shreddings()).toMatchObject([
      { by: "dpo@example.com", reason: "request 7", versions: { key: 1, context: 3, call: 2, view: 1 } },
    ]);
  });

  test("takes every version and delete marker with it, of this run alone", async () => {
    const { cloud } = flow.session;
    const { VaultBucket = "" } = cloud.outputs("countersign-dev");
    const writer = new S3Client({ ...flow.as(flow.roleOf("/log-writer/", "decide")), forcePathStyle: true });
    const Key = vaultKey.runKey(run);
    for (const Body of ["{}", "[]"]) await writer.send(new PutObjectCommand({ Bucket: VaultBucket, Key, Body }));
    const other = await flow.start({ ...DISPUTE, dispute_id: "dp_119" });
    await flow.settled(other);
    const stores = await shredStores(flow.connection);
    expect((await shred(stores, await oversight(), request())).key).toHaveLength(3);
    expect(versionsIn(await planShred(stores, run, events))).toBe(0);
    expect(await stores.vault.list(vaultKey.runKey(other))).toHaveLength(1);
    expect(await stores.context.list(contextKey.ofRun(other))).not.toEqual([]);
  });

  test("a second time finds nothing and writes nothing", async () => {
    const stores = await shredStores(flow.connection);
    await shred(stores, await oversight(), request());
    expect(versionsIn(await shred(stores, await oversight(), request()))).toBe(0);
    expect(await shreddings()).toHaveLength(1);
  });

  test("an open run keeps its key", async () => {
    const open = events.slice(0, -1);
    await expect(
      shred(await shredStores(flow.connection), await oversight(), { ...request(), events: open }),
    ).rejects.toMatchObject({ code: "CS-5017" });
    expect(await shreddings()).toEqual([]);
  });

  test("the same request to start it, afterwards, makes no new key and no second run", async () => {
    await flow.begin([LOOKUP, FINISH]);
    run = await flow.start(DISPUTE, "request-1");
    events = await flow.play(run);
    const stores = await shredStores(flow.connection);
    await shred(stores, await oversight(), request());
    await expect(flow.start(DISPUTE, "request-1")).rejects.toMatchObject({ code: "CS-3011" });
    expect(versionsIn(await planShred(stores, run, events))).toBe(0);
  });
});

describe("killed at every call, before or after it was done", () => {
  // tools; key, contexts, calls of two tools and view; the note; each version
  const CALLS = 1 + 5 + 1 + 7;
  test.each(["before", "after"] as const)(
    "%s: what was deleted is on record, and doing it again completes it",
    async (when) => {
      const real = await shredStores(flow.connection);
      const add = (await oversight()).add;
      const count = await calls(real, add);
      expect(count).toBe(CALLS);
      for (let at = 1; at <= count; at++) {
        await restore();
        const said = (await shreddings()).length;
        const strike = striking(at, when);
        const failing = {
          vault: struck(real.vault, strike),
          context: struck(real.context, strike),
        };
        await expect(
          shred(failing, { add: (note) => strike(() => add(note)) }, request()),
          `call ${at}`,
        ).rejects.toThrow("killed");
        const left = versionsIn(await planShred(real, run, events));
        if (left < 7) expect((await shreddings()).length).toBe(said + 1);
        await shred(real, await oversight(), request());
        expect(versionsIn(await planShred(real, run, events))).toBe(0);
        await expect(readNothing()).rejects.toMatchObject({ code: "CS-5014" });
      }
    },
    300_000,
  );

  type Call = <T>(act: () => Promise<T>) => Promise<T>;
  function striking(at: number, when: "before" | "after"): Call {
    let nth = 0;
    return async (act) => {
      nth += 1;
      if (nth === at && when === "before") throw new Error("killed");
      const done = await act();
      if (nth >= at && when === "after") throw new Error("killed");
      return done;
    };
  }
  const struck = (versions: Versions, strike: Call): Versions => ({
    list: (prefix) => strike(() => versions.list(prefix)),
    folders: (prefix) => strike(() => versions.folders(prefix)),
    remove: (version) => strike(() => versions.remove(version)),
  });

  async function calls(real: ShredStores, add: Awaited<ReturnType<typeof oversight>>["add"]): Promise<number> {
    let count = 0;
    const counting: Call = (act) => {
      count += 1;
      return act();
    };
    await shred(
      { vault: struck(real.vault, counting), context: struck(real.context, counting) },
      { add: (note) => counting(() => add(note)) },
      request(),
    );
    return count;
  }

  /** Puts the run's objects back as they were: one version each. */
  async function restore(): Promise<void> {
    const { VaultBucket = "", ContextBucket = "" } = flow.session.cloud.outputs("countersign-dev");
    const writer = new S3Client({ ...flow.as(flow.roleOf("/log-writer/", "decide")), forcePathStyle: true });
    const put = (Bucket: string, Key: string) => writer.send(new PutObjectCommand({ Bucket, Key, Body: "{}" }));
    await put(VaultBucket, vaultKey.runKey(run));
    for (const turn of [1, 2, 3]) await put(ContextBucket, contextKey.object(run, turn));
    await put(ContextBucket, callKeyOf.object(run, "stripe.lookup_charge", 1));
    await put(ContextBucket, callKeyOf.object(run, "stripe.refund", 2));
    const [asked] = events.flatMap((event) => (event.type === "ApprovalRequested" ? [event.data.approval_id] : []));
    await put(ContextBucket, `view/billing-dispute/${asked}.json`);
  }
});

describe("who may", () => {
  test("nobody but the shredder deletes, and it reads nothing", async () => {
    const { VaultBucket: Bucket } = await flow.connection.controlPlane();
    const Key = vaultKey.runKey(run);
    const [version] = await s3Versions({ client: client("shredder"), bucket: Bucket }).list(Key);
    if (version === undefined) throw new Error("no key");
    const refused = { name: "AccessDenied" };
    for (const role of ["auditor", "break-glass", "operator"] as const) {
      const deleting = client(role).send(new DeleteObjectCommand({ Bucket, Key, VersionId: version.versionId }));
      await expect(deleting, role).rejects.toMatchObject(refused);
    }
    const shredder = client("shredder");
    await expect(shredder.send(new GetObjectCommand({ Bucket, Key }))).rejects.toMatchObject(refused);
    const values = vaultKey.values(run, 1, events[0]?.hash ?? "");
    await expect(
      shredder.send(new DeleteObjectCommand({ Bucket, Key: values, VersionId: "null" })),
    ).rejects.toMatchObject(refused);
    await expect(shredder.send(new DeleteObjectCommand({ Bucket, Key }))).rejects.toMatchObject(refused);
  });
});
