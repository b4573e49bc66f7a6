/** A governed tool call against the same call of the outside system over loopback HTTP. */
import { createServer } from "node:http";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import * as z from "zod";
import { createHandler } from "../lambdas/tool/serve.js";
import { appendToChain } from "../lib/audit/chain.js";
import { dynamoControl } from "../lib/aws/control.js";
import { dynamoEffects } from "../lib/aws/effects.js";
import { dynamoRunLog } from "../lib/aws/run-log.js";
import type { Tool } from "../lib/contract/model.js";
import { hashJson } from "../lib/run/canonical.js";
import type { RunRef } from "../lib/run/keys.js";
import { engineHandler, tables } from "./engines.js";
import { type Benchmark, interleave } from "./measure.js";
import { referenceContract } from "./reference.js";

const ROUNDS = { rounds: 15, calls: 20 };
const NOT_AFTER = "2099-01-01T00:00:00.000Z";
const CHARGE = { charge_id: "ch_77" };
const ANSWER = {
  charge_id: "ch_77",
  customer_id: "cus_9",
  customer_name: "Jo Doe",
  customer_tier: "standard",
  country: "DE",
  amount_cents: 42_000,
  refunded_cents: 0,
  currency: "eur",
};

export const toolCall: Benchmark = {
  name: "tool-call",
  about:
    "a governed call (brake, permit, claim, sealed outcome on in-process engines; its call from memory) against the bare HTTP call it makes",
  async run() {
    const upstream = await startUpstream();
    const engine = await tables(["log", "control", "effects"]);
    const client = new DynamoDBClient({
      region: "eu-central-1",
      credentials: { accessKeyId: "worker", secretAccessKey: "secret" },
      requestHandler: engineHandler(engine),
      maxAttempts: 1,
    });
    const contract = await referenceContract();
    const tool = contract.tools.find(({ name }) => name === "stripe.lookup_charge");
    if (tool === undefined) throw new Error("the reference workflow has no stripe.lookup_charge");
    const call = async () => z.json().parse(await (await fetch(upstream.url)).json());
    const log = dynamoRunLog({ client, table: "log" });
    const handler = createHandler({
      workflow: contract.name,
      tool: { ...tool, output: z.looseObject({}) },
      handle: call,
      log,
      control: dynamoControl({ client, table: "control" }),
      effects: dynamoEffects({ client, table: "effects" }),
      calls: { read: async () => ({ v: 1, args: CHARGE, nonces: {}, key: Buffer.alloc(32).toString("base64") }) },
      secret: async () => "",
      local: undefined,
      nowMs: () => Date.now(),
    });
    // what it writes to its log group is no part of the call
    console.log = () => {};
    const waiting: object[] = [];
    for (let n = 0; n < (ROUNDS.rounds + 1) * ROUNDS.calls; n++) waiting.push(await permitted(log, tool, n));
    const median = await interleave(
      [
        { name: "bare", run: call },
        { name: "governed", run: () => handler(waiting.pop()) },
      ],
      ROUNDS,
    );
    if (waiting.length > 0) throw new Error(`${waiting.length} permits were not used`);
    await upstream.close();
    const [bare, governed] = [median("bare"), median("governed")];
    return [
      { name: "bare call over loopback HTTP", value: bare, unit: "ms" },
      { name: "governed call", value: governed, unit: "ms" },
      { name: "ratio", value: governed / bare, unit: "x", aim: { atMost: 2.5 } },
    ];
  },
};

/** A run whose log holds a permit for the next call, and that call. */
async function permitted(log: ReturnType<typeof dynamoRunLog>, tool: Tool, n: number): Promise<object> {
  const run: RunRef = { workflow: "billing-dispute", tenant: "acme", runId: `bd-dp_${n}` };
  const place = { workflow: run.workflow, tenant: run.tenant, run_id: run.runId, step: "1.proposal" };
  const data = {
    turn: 1,
    tool: tool.name,
    args_hash: hashJson(CHARGE),
    action_hash: hashJson("action"),
    idempotency_key: `cs_${n}`,
    not_after: NOT_AFTER,
  };
  const at = new Date().toISOString();
  await log.append(appendToChain(null, { ...place, at }, [{ type: "ActionPermitted", data }]));
  const action = { tool: tool.name, args: CHARGE, nonces: {} };
  return { run_id: run.runId, tenant: run.tenant, turn: 1, action, permit_seq: 1 };
}

async function startUpstream(): Promise<{ readonly url: string; close(): Promise<void> }> {
  const body = JSON.stringify(ANSWER);
  const server = createServer((_request, response) =>
    response.writeHead(200, { "content-type": "application/json" }).end(body),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    url: `http://127.0.0.1:${address.port}/v1/charges/ch_77`,
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
}
