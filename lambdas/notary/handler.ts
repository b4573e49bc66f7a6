/** The notary, from the environment. */
import workflows from "@countersign/workflows";
import { s3Archive } from "../../lib/aws/archive.js";
import { dynamoClient, kmsClient, s3Client } from "../../lib/aws/clients.js";
import { notaryEnv, readEnv } from "../../lib/aws/env.js";
import { listRuns } from "../../lib/aws/run-index.js";
import { dynamoRunLog } from "../../lib/aws/run-log.js";
import { kmsSigner } from "../../lib/aws/signer.js";
import { createHandler } from "./serve.js";

const env = readEnv(notaryEnv);
const table = { client: dynamoClient(), table: env.RUN_LOG_TABLE };

export const handler = createHandler({
  stage: env.STAGE,
  workflows,
  log: dynamoRunLog(table),
  runsSince: (workflow, since) => listRuns(table, workflow, { from: since, oldestFirst: true }),
  archive: s3Archive({ client: s3Client(), bucket: env.ARCHIVE_BUCKET }, env.ARCHIVE_MODE),
  signer: kmsSigner(kmsClient(), env.NOTARY_KEY),
  retentionDays: env.RETENTION_DAYS,
  // Some ten requests a run, eight at a time: well within the function's five minutes.
  runsPerSweep: 2_000,
  nowMs: () => Date.now(),
});
