/** The contract suites that test/aws/ports.test.ts runs on the local engines, on the services that the environment names. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { afterAll } from "vitest";
import { dynamoApprovals } from "../../lib/aws/approvals.js";
import { dynamoBudgets } from "../../lib/aws/budgets.js";
import { dynamoEffects } from "../../lib/aws/effects.js";
import { dynamoRunLog } from "../../lib/aws/run-log.js";
import { type PORTS, tableName } from "../../scripts/test-aws-tables.js";
import { approvalsSuite } from "../contract-suites/approvals.js";
import { budgetsSuite } from "../contract-suites/budgets.js";
import { effectsSuite } from "../contract-suites/effects.js";
import { runLogSuite } from "../contract-suites/run-log.js";

const run = process.env.COUNTERSIGN_AWS_RUN;
if (run === undefined) throw new Error("start these suites with npm run test:aws, which makes their tables");
const client = new DynamoDBClient({ retryMode: "standard", maxAttempts: 4 });
afterAll(() => client.destroy());
const table = (port: (typeof PORTS)[number]) => ({ client, table: tableName(run, port) });

runLogSuite(() => dynamoRunLog(table("log")));
effectsSuite(() => dynamoEffects(table("effects")));
budgetsSuite(() => dynamoBudgets(table("budgets"), "billing-dispute"));
approvalsSuite(() => dynamoApprovals(table("approvals")));
