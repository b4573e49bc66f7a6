/** A task token, taken from the execution's history and sent straight to Step Functions by the one role that may: it decides nothing, and that is on record. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { GetExecutionHistoryCommand, SendTaskSuccessCommand, SFNClient } from "@aws-sdk/client-sfn";
import { beforeAll, expect, inject, test } from "vitest";
import { loadRules } from "../../lib/client/replay-rules.js";
import { definitionIn, machineOf } from "../../lib/replay/definition.js";
import { replayRun } from "../../lib/replay/replay.js";
import type { RunRef } from "../../lib/run/keys.js";
import { of } from "../../lib/scenario/compare.js";
import { root } from "../../scripts/ensure.mjs";
import { FINISH, Flow, LOOKUP, REFUND } from "../support/flow.js";

let flow: Flow;
beforeAll(async () => {
  flow = await Flow.shared();
});

/** Of the task that waits now. */
async function stolenToken({ runId }: RunRef): Promise<string> {
  const history = new SFNClient(flow.connection.client("operator"));
  const execution = flow.session.cloud.states.executions
    .list()
    .find(({ executionArn }) => executionArn.endsWith(`:${runId}`));
  const { events = [] } = await history.send(
    new GetExecutionHistoryCommand({ executionArn: execution?.executionArn ?? "", maxResults: 1000 }),
  );
  const tokens = events.flatMap(
    ({ taskScheduledEventDetails: task }) => /"task_token":"([^"]+)"/.exec(task?.parameters ?? "")?.[1] ?? [],
  );
  const token = tokens.at(-1);
  if (token === undefined) throw new Error("no task waits with a token");
  return token;
}

test("nobody decided: the question goes on, the log says that its token was answered, and people decide as before", async () => {
  await flow.begin([LOOKUP, REFUND, FINISH]);
  const run = await flow.start();
  await flow.asked(run);
  const mails = flow.session.cloud.ses.mailbox.list().length;

  const thief = new SFNClient(flow.as(flow.roleOf("/approval-sender/")));
  for (let again = 0; again < 2; again++) {
    const output = JSON.stringify({ decision: "approve", approver: "ana@example.com", closing: { kind: "approved" } });
    await thief.send(new SendTaskSuccessCommand({ taskToken: await stolenToken(run), output }));
    const events = await flow.settled(run);
    expect(of(events, "ApprovalNoted").map(({ step, data: { kind, by, code } }) => [step, kind, by, code])).toEqual([
      ["2.callback", "refusal", "whoever answered the task token", "CS-3135"],
    ]);
    expect(of(events, "ApprovalDecided")).toEqual([]);
    expect(of(events, "ActionPermitted").map(({ data }) => data.tool)).toEqual(["stripe.lookup_charge"]);
    expect(flow.refunds()).toEqual({ refunds: [] });
  }
  expect(flow.session.cloud.ses.mailbox.list(), "nobody is asked a second time").toHaveLength(mails);

  await flow.decide("ana@example.com", { decision: "approve", confirmation: "420.00" });
  const events = await flow.play(run);
  expect(of(events, "ApprovalDecided").map(({ data }) => data.approver)).toEqual(["ana@example.com"]);
  expect(JSON.stringify(flow.refunds())).toContain("42000");

  const rules = await loadRules({ root, workflow: run.workflow });
  const template = readFileSync(join(inject("assembly"), `countersign-dev-${run.workflow}.template.json`), "utf8");
  const machine = machineOf(definitionIn(JSON.parse(template)));
  expect((await replayRun(events, rules, machine)).comparison).toMatchObject({ identical: true });
});
