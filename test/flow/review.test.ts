/** Reviews on the running cloud, with the auditor's own grants. */
import { beforeAll, expect, test } from "vitest";
import { oversightOf, reviewsOf } from "../../lib/client/oversight.js";
import { type ReviewRequest, review } from "../../lib/client/review.js";
import type { RecordedEvent } from "../../lib/run/events.js";
import type { RunRef } from "../../lib/run/keys.js";
import { AT, FINISH, Flow, LOOKUP, REFUND } from "../support/flow.js";

let flow: Flow;
let run: RunRef;
let events: readonly RecordedEvent[];
beforeAll(async () => {
  flow = await Flow.shared();
  await flow.begin([LOOKUP, REFUND, FINISH]);
  run = await flow.start();
  await flow.asked(run);
  await flow.decide("ana@example.com", { decision: "approve", confirmation: "420.00" });
  events = await flow.play(run);
});

const found = (more: Partial<ReviewRequest> = {}): ReviewRequest => ({
  run,
  events,
  by: "arn:aws:sts::111111111111:assumed-role/Auditor/cy@example.com",
  verdict: "ok",
  note: "as it should be",
  nowMs: AT,
  ...more,
});

test("are added, each, and listed in order; a second opinion does not take the first one's place", async () => {
  const oversight = await oversightOf(flow.connection, "auditor");
  await review(oversight, found());
  await review(oversight, found({ by: "di@example.com", verdict: "concern", note: "the ticket said otherwise" }));
  expect(await reviewsOf(flow.connection, events)).toMatchObject([
    { verdict: "ok", by: expect.stringContaining("cy@example.com") },
    { verdict: "concern", by: "di@example.com", note: "the ticket said otherwise" },
  ]);
  expect(await oversight.reviews({ ...run, runId: "another" })).toEqual([]);
});

test("are refused of an open run, and to who asked for it or decided about it, by whatever name", async () => {
  const oversight = await oversightOf(flow.connection, "auditor");
  const before = await reviewsOf(flow.connection, events);
  const requester = events[0]?.type === "RunStarted" ? events[0].data.requester : "";
  for (const by of [
    "ana@example.com",
    "ANA@example.com",
    "arn:aws:sts::111111111111:assumed-role/Auditor/ana@example.com",
    requester,
    requester.slice(requester.lastIndexOf("/") + 1),
  ])
    await expect(review(oversight, found({ by })), by).rejects.toMatchObject({ code: "CS-5018" });
  await expect(review(oversight, found({ events: events.slice(0, -1) }))).rejects.toMatchObject({ code: "CS-5017" });
  expect(await reviewsOf(flow.connection, events)).toEqual(before);
});

test("the next wider call is refused: another job's review, and the auditor's word in the log of readers", async () => {
  const refused = { name: "AccessDeniedException" };
  for (const role of ["operator", "approver", "break-glass", "shredder"] as const)
    await expect(review(await oversightOf(flow.connection, role), found()), role).rejects.toMatchObject(refused);
  const auditor = await oversightOf(flow.connection, "auditor");
  const note = { v: 1, id: "x", at: "2026-05-02T16:30:00.000Z", by: "cy@example.com", ...refOf(run) } as const;
  await expect(auditor.add({ ...note, type: "ValuesRead", reason: "r", fields: [] })).rejects.toMatchObject(refused);
});

const refOf = ({ workflow, tenant, runId }: RunRef) => ({ workflow, tenant, run_id: runId });
