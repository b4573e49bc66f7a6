/** What every scheduler does with schedules that fire once. That they fire is tested where time can be skipped. */
import {
  CreateScheduleCommand,
  type CreateScheduleCommandInput,
  DeleteScheduleCommand,
  GetScheduleCommand,
  type SchedulerClient,
} from "@aws-sdk/client-scheduler";
import { afterAll, describe, expect, test } from "vitest";
import type { StackOutputs } from "../../scripts/test-aws-template.js";

export interface TestedScheduler {
  readonly client: SchedulerClient;
  readonly stack: StackOutputs;
  /** epoch milliseconds of the service's clock */
  now(): number;
}
const HOUR_MS = 3_600_000;
const NOT_FOUND = { name: "ResourceNotFoundException" };

export function schedulerSuite(tested: () => TestedScheduler): void {
  const names: string[] = [];
  const named = () => {
    const name = `s-${names.length}-${tested().now()}`;
    names.push(name);
    return name;
  };
  const inMs = (ms: number) => `at(${new Date(tested().now() + ms).toISOString().slice(0, 19)})`;
  function create(Name: string, more: Partial<CreateScheduleCommandInput> = {}) {
    const { client, stack } = tested();
    const input: CreateScheduleCommandInput = {
      Name,
      GroupName: stack.Group,
      ScheduleExpression: inMs(HOUR_MS),
      FlexibleTimeWindow: { Mode: "OFF" },
      ActionAfterCompletion: "DELETE",
      Target: { Arn: stack.FunctionArn, RoleArn: stack.SchedulerRoleArn, Input: '{"remind":1}' },
      ...more,
    };
    return client.send(new CreateScheduleCommand(input));
  }
  const get = (Name: string) => tested().client.send(new GetScheduleCommand({ Name, GroupName: tested().stack.Group }));
  const remove = (Name: string) =>
    tested().client.send(new DeleteScheduleCommand({ Name, GroupName: tested().stack.Group }));

  describe("a schedule that fires once", () => {
    afterAll(async () => {
      for (const name of names)
        await remove(name).catch((error: Error) => {
          if (error.name !== NOT_FOUND.name) throw error;
        });
    });

    test("is kept as it was asked for until it is deleted", async () => {
      const name = named();
      const ScheduleExpression = inMs(HOUR_MS);
      const { ScheduleArn } = await create(name, { ScheduleExpression });
      const { stack } = tested();
      expect(ScheduleArn).toMatch(new RegExp(`^arn:aws:scheduler:.*:schedule/${stack.Group}/${name}$`));
      expect(await get(name)).toMatchObject({
        Arn: ScheduleArn,
        Name: name,
        GroupName: stack.Group,
        ScheduleExpression,
        State: "ENABLED",
        ActionAfterCompletion: "DELETE",
        Target: { Arn: stack.FunctionArn, RoleArn: stack.SchedulerRoleArn, Input: '{"remind":1}' },
      });
      await remove(name);
      await expect(get(name)).rejects.toMatchObject(NOT_FOUND);
      await expect(remove(name)).rejects.toMatchObject(NOT_FOUND);
    });

    test("is there once: the same request again is answered, another one under its name is refused", async () => {
      const name = named();
      const ScheduleExpression = inMs(HOUR_MS);
      const first = await create(name, { ScheduleExpression, ClientToken: `${name}-a` });
      const again = await create(name, { ScheduleExpression, ClientToken: `${name}-a` });
      expect(again.ScheduleArn).toBe(first.ScheduleArn);
      const other = create(name, { ScheduleExpression: inMs(2 * HOUR_MS), ClientToken: `${name}-b` });
      await expect(other).rejects.toMatchObject({ name: "ConflictException" });
      expect((await get(name)).ScheduleExpression).toBe(ScheduleExpression);
    });

    test("deleted may be made again", async () => {
      const name = named();
      await create(name);
      await remove(name);
      await create(name, { ScheduleExpression: inMs(2 * HOUR_MS) });
      expect((await get(name)).State).toBe("ENABLED");
    });

    test.each([
      ["in the past", () => ({ ScheduleExpression: inMs(-HOUR_MS) })],
      ["at no date", () => ({ ScheduleExpression: "at(tomorrow)" })],
      [
        "with a role that Scheduler may not assume",
        () => ({ Target: { Arn: tested().stack.FunctionArn, RoleArn: tested().stack.StrangerRoleArn, Input: "{}" } }),
      ],
    ])("%s is refused, and not there", async (_, more) => {
      const name = named();
      await expect(create(name, more())).rejects.toMatchObject({ name: "ValidationException" });
      await expect(get(name)).rejects.toMatchObject(NOT_FOUND);
    });

    test("needs a group that exists", async () => {
      await expect(create(named(), { GroupName: `${tested().stack.Group}-none` })).rejects.toMatchObject(NOT_FOUND);
    });
  });
}
