/** What every task token does: one answer ends the wait, everything later finds it gone, and nothing else ends it. */
import {
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  SendTaskFailureCommand,
  SendTaskHeartbeatCommand,
  SendTaskSuccessCommand,
  type SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from "@aws-sdk/client-sfn";
import { afterAll, describe, expect, test } from "vitest";
import * as z from "zod";
import type { TokenAnswerer, TokenSealer } from "../../lib/aws/task-tokens.js";

export interface CallbackPorts {
  readonly sfn: SFNClient;
  /** of scripts/test-aws-template.ts */
  readonly machineArn: string;
  readonly sealer: TokenSealer;
  readonly answerer: TokenAnswerer;
  /** time goes by, on the clock of the service */
  pass(ms: number): Promise<void>;
}

const scheduled = z.object({ Payload: z.object({ token: z.string() }) });
const HEARTBEAT_SEC = 2;
/** the answer for a task that has ended, or was answered */
const ENDED = { name: "TaskTimedOut" };
let approvals = 0;

export function callbacksSuite(ports: () => CallbackPorts): void {
  const started: string[] = [];
  const poll = <T>(read: () => Promise<T>) => expect.poll(read, { timeout: 30_000, interval: 250 });

  const status = async (executionArn: string) =>
    (await ports().sfn.send(new DescribeExecutionCommand({ executionArn }))).status;
  const history = async (executionArn: string) =>
    (await ports().sfn.send(new GetExecutionHistoryCommand({ executionArn }))).events ?? [];
  const types = async (executionArn: string) => (await history(executionArn)).map(({ type }) => type);

  /** An execution that waits, with its token and an approval that no other test has. */
  async function waiting(heartbeatSec = 300) {
    const { sfn, machineArn: stateMachineArn } = ports();
    const input = JSON.stringify({ heartbeat_sec: heartbeatSec });
    const { executionArn = "" } = await sfn.send(new StartExecutionCommand({ stateMachineArn, input }));
    started.push(executionArn);
    await poll(() => types(executionArn)).toContain("TaskSubmitted");
    const event = (await history(executionArn)).find(({ type }) => type === "TaskScheduled");
    const { token } = scheduled.parse(JSON.parse(event?.taskScheduledEventDetails?.parameters ?? "{}")).Payload;
    approvals += 1;
    return { executionArn, token, approval: { workflow: "billing-dispute", approvalId: `a-${approvals}` } };
  }
  const succeed = (taskToken: string, output = "{}") =>
    ports().sfn.send(new SendTaskSuccessCommand({ taskToken, output }));

  describe("a task token", () => {
    afterAll(async () => {
      for (const executionArn of started)
        if ((await status(executionArn)) === "RUNNING")
          await ports().sfn.send(new StopExecutionCommand({ executionArn }));
    });

    test("answered once wakes its execution; a second answer finds it gone", async () => {
      const { executionArn, token, approval } = await waiting();
      const sealed = await ports().sealer.seal(approval, token);
      expect(Buffer.from(sealed, "base64").includes(token)).toBe(false);
      expect(await ports().answerer.answer(approval, sealed)).toBe("answered");
      await poll(() => status(executionArn)).toBe("SUCCEEDED");
      expect(await ports().answerer.answer(approval, sealed)).toBe("gone");
      await expect(succeed(token, '"another"')).rejects.toMatchObject(ENDED);
      const { output } = await ports().sfn.send(new DescribeExecutionCommand({ executionArn }));
      expect(JSON.parse(output ?? "")).toEqual({});
    });

    test("gives its execution the error and cause of a failure", async () => {
      const { executionArn, token } = await waiting();
      const failure = { error: "Approval.Refused", cause: "too much" };
      await ports().sfn.send(new SendTaskFailureCommand({ taskToken: token, ...failure }));
      await poll(() => status(executionArn)).toBe("FAILED");
      expect(await ports().sfn.send(new DescribeExecutionCommand({ executionArn }))).toMatchObject(failure);
      await expect(succeed(token)).rejects.toMatchObject(ENDED);
    });

    test("of an execution that was stopped is gone", async () => {
      const { executionArn, token, approval } = await waiting();
      const sealed = await ports().sealer.seal(approval, token);
      await ports().sfn.send(new StopExecutionCommand({ executionArn }));
      await poll(() => status(executionArn)).toBe("ABORTED");
      await poll(() => ports().answerer.answer(approval, sealed)).toBe("gone");
      await expect(ports().sfn.send(new SendTaskHeartbeatCommand({ taskToken: token }))).rejects.toMatchObject(ENDED);
    });

    test("that nobody issued is an error, not a task that is gone", async () => {
      const approval = { workflow: "billing-dispute", approvalId: "made-up" };
      const sealed = await ports().sealer.seal(approval, "no-token");
      const invalid = { name: "InvalidToken" };
      await expect(ports().answerer.answer(approval, sealed)).rejects.toMatchObject(invalid);
      await expect(succeed("no-token")).rejects.toMatchObject(invalid);
    });

    test("sealed for one approval does not open for another, and its task waits on", async () => {
      const { executionArn, token, approval } = await waiting();
      const sealed = await ports().sealer.seal(approval, token);
      for (const other of [{ approvalId: "another" }, { workflow: "payouts" }])
        await expect(ports().answerer.answer({ ...approval, ...other }, sealed)).rejects.toMatchObject({
          name: "InvalidCiphertextException",
        });
      expect(await status(executionArn)).toBe("RUNNING");
    });

    test("waits on after an output that is no JSON", async () => {
      const { executionArn, token } = await waiting();
      await expect(succeed(token, "{")).rejects.toMatchObject({ name: "InvalidOutput" });
      expect(await status(executionArn)).toBe("RUNNING");
      await succeed(token, '{"n":1}');
      await poll(() => status(executionArn)).toBe("SUCCEEDED");
    });

    // On a real clock a stalled machine may miss the heartbeat itself.
    test("with a heartbeat lives as long as it beats", { retry: 2, timeout: 120_000 }, async () => {
      const { executionArn, token } = await waiting(HEARTBEAT_SEC);
      await ports().pass((HEARTBEAT_SEC * 1000) / 2);
      await ports().sfn.send(new SendTaskHeartbeatCommand({ taskToken: token }));
      await ports().pass(HEARTBEAT_SEC * 1000 + 500);
      await poll(() => types(executionArn)).toContain("TaskTimedOut");
      await expect(ports().sfn.send(new SendTaskHeartbeatCommand({ taskToken: token }))).rejects.toMatchObject(ENDED);
      const events = await history(executionArn);
      const at = (type: string) => events.find((event) => event.type === type)?.timestamp?.getTime() ?? Number.NaN;
      expect(at("TaskTimedOut") - at("TaskSubmitted")).toBeGreaterThan(HEARTBEAT_SEC * 1250);
      expect(await status(executionArn)).not.toBe("SUCCEEDED");
    });
  });
}
