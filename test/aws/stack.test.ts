/** The suites of callbacks and schedules on the local cloud, with the stack that `npm run test:aws` makes on AWS. */
import { KMSClient } from "@aws-sdk/client-kms";
import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { SFNClient } from "@aws-sdk/client-sfn";
import { afterAll, beforeAll } from "vitest";
import { kmsTokenSealer, sfnTokenAnswerer } from "../../lib/aws/task-tokens.js";
import { createSkippingClock } from "../../lib/local/clock.js";
import { type Cloud, startCloud } from "../../lib/local/cloud.js";
import { FILES, type StackOutputs, stackOutputs, stackTemplate } from "../../scripts/test-aws-template.js";
import { callbacksSuite } from "../contract-suites/callbacks.js";
import { schedulerSuite } from "../contract-suites/scheduler.js";
import { assemblyOf, codeOf, type Fixture } from "../local/core/fixture.js";

const STACK = "countersign-test-suites";
const clock = createSkippingClock(Date.UTC(2030, 0, 1), "manual");
let fixture: Fixture;
let cloud: Cloud;
let stack: StackOutputs;
let clients: { readonly sfn: SFNClient; readonly kms: KMSClient; readonly scheduler: SchedulerClient };
beforeAll(async () => {
  fixture = assemblyOf({ [STACK]: { template: stackTemplate(codeOf("asked")) } }, { asked: FILES });
  const everything = { Effect: "Allow" as const, Action: "*", Resource: "*" };
  const people = { tester: [{ Version: "2012-10-17", Statement: [everything] }] };
  cloud = await startCloud({ assembly: fixture.folder, clock, schedules: false, people });
  stack = stackOutputs.parse(cloud.outputs(STACK));
  const config = {
    region: "eu-central-1",
    endpoint: cloud.endpoint,
    maxAttempts: 1,
    credentials: cloud.credentialsFor("arn:aws:iam::111111111111:role/tester"),
  };
  clients = { sfn: new SFNClient(config), kms: new KMSClient(config), scheduler: new SchedulerClient(config) };
});
afterAll(async () => {
  for (const client of Object.values(clients)) client.destroy();
  await cloud.close();
  clock.close();
  fixture.remove();
});

callbacksSuite(() => ({
  sfn: clients.sfn,
  machineArn: stack.MachineArn,
  sealer: kmsTokenSealer(clients.kms, stack.KeyArn),
  answerer: sfnTokenAnswerer(clients.kms, stack.KeyArn, clients.sfn),
  pass: (ms) => clock.advance(ms),
}));
schedulerSuite(() => ({ client: clients.scheduler, stack, now: () => clock.now() }));
