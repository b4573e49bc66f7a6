/** Admission: signed requests become runs, once. */
import { describe, expect, test } from "vitest";
import { runInput, contract as usual } from "../run/support.js";

import {
  admit,
  admitHandler,
  admitted,
  arnOf,
  budgets,
  contexts,
  control,
  day,
  eventsOf,
  REQUESTER,
  typesOf,
  useStage,
  vault,
  world,
} from "./stage.js";

useStage();

describe("admission", () => {
  test("starts a run: everything is written before the execution is", async () => {
    const { status, body } = await admit();
    expect(status).toBe(201);
    expect(body).toEqual({
      run_id: expect.stringMatching(/^bd-dp_118-S\d+$/),
      tenant: "acme",
      execution_arn: arnOf(body.run_id),
      repeated: false,
    });
    const run = { workflow: "billing-dispute", tenant: "acme", runId: body.run_id };
    expect(world.started).toEqual([{ runId: body.run_id, input: { tenant: "acme", turn: 1 } }]);
    const [first] = await eventsOf(run);
    expect(first).toMatchObject({
      type: "RunStarted",
      data: { requester: REQUESTER, input: { claim: { $commitment: expect.any(String) } } },
    });
    expect(JSON.stringify(first)).not.toMatch(/0151 2345678|charged twice/);
    expect((await contexts().read(run, 1))?.context.input).toEqual(runInput);
    expect(await day()).toEqual({ spent: 0, leases: { [run.runId]: 400_000 } });
    expect(await budgets().readOpen()).toMatchObject([{ run_id: run.runId, lease_day: "2026-11-21" }]);
  });

  test("the requester is who signed, whatever the body says", async () => {
    expect((await admit({ input: runInput, requester: "root" })).body).toMatchObject({ code: "CS-3009" });
    expect(await createAdmitUnsigned()).toMatchObject({ statusCode: 403 });
  });
  const createAdmitUnsigned = () => admitHandler()({ body: JSON.stringify({ input: runInput }), requestContext: {} });

  test("the same request id is the same run; for another input or requester it is refused", async () => {
    const request = { input: runInput, request_id: "r-1" };
    const first = await admit(request);
    const second = await admit(request);
    expect([first.status, second.status]).toEqual([201, 200]);
    expect(second.body).toEqual({ ...first.body, repeated: true });
    expect(await typesOf({ workflow: "billing-dispute", tenant: "acme", runId: first.body.run_id })).toEqual([
      "RunStarted",
    ]);
    expect((await admit({ ...request, input: { ...runInput, claim: "else" } })).body).toMatchObject({
      code: "CS-3011",
    });
    expect((await admit(request, "arn:aws:iam::1:user/eve")).body).toMatchObject({ code: "CS-3006" });
    expect(await day()).toMatchObject({ leases: { [first.body.run_id]: 400_000 } });
  });

  test("what a crash left undone is done by the repeat", async () => {
    world.startFails = true;
    const request = { input: runInput, request_id: "r-2" };
    expect(await admit(request)).toMatchObject({ status: 500, body: { code: "CS-3015" } });
    world.startFails = false;
    expect(await admit(request)).toMatchObject({ status: 200, body: { repeated: true } });
    expect(world.started).toHaveLength(1);
  });

  test("a crash anywhere before leaves nothing that the repeat trips over", async () => {
    const request = { input: runInput, request_id: "r-3" };
    const whole = world.log;
    world.log = { ...whole, append: async () => Promise.reject(new Error("crash")) };
    expect((await admit(request)).status).toBe(500);
    world.log = whole;
    world.nowMs += 1000;
    const { status, body } = await admit(request);
    expect(status).toBe(201);
    expect(await day()).toEqual({ spent: 0, leases: { [body.run_id]: 400_000 } });
    const read =
      (await vault().readSecret({ workflow: "billing-dispute", tenant: "acme", runId: body.run_id })) ??
      new Uint8Array();
    expect(read).toHaveLength(32);
  });

  const refusals: readonly [string, number, string, () => Promise<unknown>][] = [
    ["input that does not fit", 400, "CS-3003", async () => ({ input: { ...runInput, extra: 1 } })],
    ["stale input", 400, "CS-3005", async () => ({ input: { ...runInput, opened_at: "2026-01-01T00:00:00Z" } })],
    ["another tenant", 403, "CS-3002", async () => ({ input: runInput, tenant: "other" })],
    ["a second run of the same dispute", 409, "CS-3006", async () => admitted().then(() => ({ input: runInput }))],
    [
      "an empty budget",
      429,
      "CS-3007",
      async () => {
        world.contract = { ...usual, unique: [], budget: { ...usual.budget, perDayMicroUsd: 500_000 } };
        await admitted();
        return { input: runInput };
      },
    ],
    [
      "a stopped workflow",
      423,
      "CS-3001",
      async () => {
        const brake = { on: true, by: "op", at: "2026-11-21T11:00:00.000Z", reason: "x" };
        await control().writeBrake("billing-dispute", brake);
        return { input: runInput };
      },
    ],
  ];
  test.each(refusals)("%s: %i %s, recorded, nothing taken, nothing started", async (_what, status, code, prepare) => {
    const body = await prepare();
    const before = { day: await day(), open: await budgets().readOpen(), started: world.started.length };
    const answer = await admit(body);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(answer.body.checks.some((check: { result: string }) => check.result === "failed")).toBe(true);
    const tenant = code === "CS-3002" ? "other" : "acme";
    expect(await typesOf({ workflow: "billing-dispute", tenant, runId: answer.body.run_id })).toEqual(["RunRefused"]);
    expect({ day: await day(), open: await budgets().readOpen(), started: world.started.length }).toEqual(before);
  });

  test("bodies that are none", async () => {
    const deep = `{"input":{"a":${"[".repeat(5000)}${"]".repeat(5000)}}}`;
    for (const body of [
      "",
      "{",
      "[]",
      '"x"',
      "{}",
      '{"input":[]}',
      '{"input":{},"tenant":"../x"}',
      deep,
      `{"input":{"a":"${"x".repeat(300_000)}"}}`,
      '{"input":{"a":"\\ud800"}}',
    ])
      expect(await admit(body), body.slice(0, 40)).toMatchObject({ status: 400, body: { code: "CS-3009" } });
    expect(await budgets().readOpen()).toEqual([]);
  });

  test("of two at once for the same dispute one starts", async () => {
    const both = await Promise.all([admit(), admit()]);
    expect(both.map(({ status }) => status).sort()).toEqual([201, 409]);
    expect(world.started).toHaveLength(1);
    expect(Object.keys((await day())?.leases ?? {})).toHaveLength(1);
  });
});
