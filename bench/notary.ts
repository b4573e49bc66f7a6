/** The notary on the embedded cloud: from a run's end to its signed checkpoint in the archive; and what signatures cost a verifier. */
import { setTimeout as sleep } from "node:timers/promises";
import { S3Client } from "@aws-sdk/client-s3";
import { trustedKeys } from "../lib/audit/signature.js";
import { verifyText } from "../lib/audit/verify.js";
import { s3ArchiveReader } from "../lib/aws/archive.js";
import { startRun } from "../lib/client/front-door.js";
import { runReader } from "../lib/client/runs.js";
import type { Session } from "../lib/scenario/session.js";
import { sessionConnection } from "../lib/scenario/session-connection.js";
import { linesOfLab, notarised } from "../test/notary/exported.js";
import { PUBLIC_KEY } from "../test/notary/lab.js";
import { type Benchmark, type Figure, interleave, median } from "./measure.js";
import { WORKFLOW, withSession } from "./reference.js";

const RUNS = 8;
const SIGNED_RUNS = 1000;
const PATIENCE_MS = 60_000;

export const notary: Benchmark = {
  name: "notary",
  about: `from the record that ends a run to its signed checkpoint and records in the archive, on the embedded cloud; and ${SIGNED_RUNS.toLocaleString("en-US")} runs verified with their signatures, against the same without the key`,
  async run() {
    return [...(await withSession(lag)), ...(await signatures())];
  },
};

/** A run that ends at once, as its agent gives up; the cloud's schedules stand still, so only the stream wakes the notary. */
async function lag(session: Session): Promise<readonly Figure[]> {
  session.script(WORKFLOW, [{ finish: { outcome: "escalated", summary: "nothing to do" } }]);
  const connection = sessionConnection(session);
  const { ArchiveBucket: bucket } = await connection.controlPlane();
  const client = new S3Client({ ...connection.client("auditor"), forcePathStyle: true });
  const archive = s3ArchiveReader({ client, bucket });
  const reader = await runReader(connection);
  const lags: number[] = [];
  for (let run = 0; run <= RUNS; run++) {
    const { run_id } = await startRun(connection, WORKFLOW, { input: inputOf(run) });
    const began = performance.now();
    let [ended, found] = [0, 0];
    while (found === 0) {
      if (performance.now() - began > PATIENCE_MS) throw new Error(`run ${run_id} has no checkpoint`);
      await sleep(5);
      if (ended === 0) {
        const [listed] = await reader.list([WORKFLOW], 1);
        const last = listed?.runId === run_id ? (await reader.events(listed)).at(-1) : undefined;
        if (last?.type === "RunClosed") ended = performance.now();
      }
      const keys = await archive.list("checkpoints/");
      if (keys.some((key) => key.includes(`/${run_id}/`))) found = performance.now();
    }
    // the first run starts the child processes
    if (run > 0) lags.push(ended === 0 ? 0 : found - ended);
  }
  return [
    { name: "from a run's end to its checkpoint, median", value: median(lags), unit: "ms" },
    { name: "from a run's end to its checkpoint, longest", value: Math.max(...lags), unit: "ms" },
  ];
}

const inputOf = (run: number) => ({
  dispute_id: `dp_${9000 + run}`,
  charge_id: "ch_77",
  customer_id: "cus_9",
  ticket_id: "4411",
  opened_at: new Date(Date.now() - 2 * 86_400_000).toISOString(),
  claim: "I was charged twice for the same order.",
});

async function signatures(): Promise<readonly Figure[]> {
  const text = (await linesOfLab(await notarised(SIGNED_RUNS))).join("\n");
  const keys = trustedKeys([PUBLIC_KEY.toString()]);
  const { records, checkpoints, digests } = verifyText(text, { keys, complete: true });
  const ms = await interleave(
    [
      { name: "with", run: () => verifyText(text, { keys, complete: true }) },
      { name: "without", run: () => verifyText(text) },
    ],
    { rounds: 5, calls: 1 },
  );
  return [
    {
      name: `verify ${records.toLocaleString("en-US")} events with ${checkpoints + digests} signatures`,
      value: (records * 1000) / ms("with"),
      unit: "/s",
    },
    { name: "the same without the key", value: (records * 1000) / ms("without"), unit: "/s" },
    { name: "one signature", value: (ms("with") - ms("without")) / (checkpoints + digests), unit: "ms" },
  ];
}
