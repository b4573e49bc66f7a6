/** The contract suites of the ports, which `npm test` runs on the local engines, on the services that the environment names. */
import { setTimeout as sleep } from "node:timers/promises";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { KMSClient } from "@aws-sdk/client-kms";
import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { SFNClient } from "@aws-sdk/client-sfn";
import { VerifiedPermissionsClient } from "@aws-sdk/client-verifiedpermissions";
import { afterAll, beforeAll, describe } from "vitest";
import * as z from "zod";
import { dynamoApprovals } from "../../lib/aws/approvals.js";
import { verifiedPermissions } from "../../lib/aws/authorizer.js";
import { dynamoBudgets } from "../../lib/aws/budgets.js";
import { dynamoEffects } from "../../lib/aws/effects.js";
import { dynamoRunLog } from "../../lib/aws/run-log.js";
import { kmsTokenSealer, sfnTokenAnswerer } from "../../lib/aws/task-tokens.js";
import { type PORTS, tableName } from "../../scripts/test-aws-tables.js";
import { stackOutputs } from "../../scripts/test-aws-template.js";
import { approvalsSuite } from "../contract-suites/approvals.js";
import { authorizerSuite, fillStore, policyStoreSuite, untilSettled } from "../contract-suites/authorizer.js";
import { budgetsSuite } from "../contract-suites/budgets.js";
import { callbacksSuite } from "../contract-suites/callbacks.js";
import { effectsSuite } from "../contract-suites/effects.js";
import { runLogSuite } from "../contract-suites/run-log.js";
import { schedulerSuite } from "../contract-suites/scheduler.js";

const run = process.env.COUNTERSIGN_AWS_RUN;
const made = process.env.COUNTERSIGN_AWS_MADE;
if (run === undefined || made === undefined)
  throw new Error("start these suites with npm run test:aws, which makes their resources");
const { policyStoreId, stack } = z
  .strictObject({ policyStoreId: z.string(), stack: stackOutputs })
  .parse(JSON.parse(made));

const config = { retryMode: "standard", maxAttempts: 4 };
const client = new DynamoDBClient(config);
const policies = new VerifiedPermissionsClient(config);
const sfn = new SFNClient(config);
const kms = new KMSClient(config);
const scheduler = new SchedulerClient(config);
afterAll(() => {
  for (const each of [client, policies, sfn, kms, scheduler]) each.destroy();
});
const table = (port: (typeof PORTS)[number]) => ({ client, table: tableName(run, port) });

runLogSuite(() => dynamoRunLog(table("log")));
effectsSuite(() => dynamoEffects(table("effects")));
budgetsSuite(() => dynamoBudgets(table("budgets"), "billing-dispute"));
approvalsSuite(() => dynamoApprovals(table("approvals")));

describe("Verified Permissions", () => {
  const store = { client: policies, policyStoreId };
  beforeAll(async () => {
    await fillStore(store);
    await untilSettled(verifiedPermissions(policies, policyStoreId));
  });
  authorizerSuite(() => verifiedPermissions(policies, policyStoreId));
  policyStoreSuite(() => store);
});

callbacksSuite(() => ({
  sfn,
  machineArn: stack.MachineArn,
  sealer: kmsTokenSealer(kms, stack.KeyArn),
  answerer: sfnTokenAnswerer(kms, stack.KeyArn, sfn),
  pass: (ms) => sleep(ms),
}));
schedulerSuite(() => ({ client: scheduler, stack, now: Date.now }));
