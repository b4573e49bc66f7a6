import { describe, expect, test } from "vitest";
import { admit } from "../../lib/run/admission.js";
import { requestSuffix, runName, uniqueHash } from "../../lib/run/names.js";
import { runContext } from "../../lib/run/protocol.js";
import { contract, NOON, runInput, World } from "./support.js";

const ULID = "01J0000000000000000000000A";
const admitted = (change = {}) => admit(new World().admission(change));

test("GIVEN a good request WHEN admitted THEN RunStarted has the redacted input and turn 1 its plain context", () => {
  const admission = admitted();
  if (admission.kind !== "started") throw new Error(admission.message);
  expect(admission.events).toMatchObject([
    {
      type: "RunStarted",
      data: {
        requester: "dana@example.com",
        agent: "billing-dispute-v3",
        model: "a-model",
        reference: "dp_118",
        budget_micro_usd: 400_000,
        expires_at: "2026-11-22T12:00:00.000Z",
        input: { dispute_id: "dp_118", claim: { $commitment: expect.any(String) } },
      },
    },
  ]);
  expect(admission.sealed).toMatchObject([{ index: 0, values: { "input|claim": { value: runInput.claim } } }]);
  expect(runContext.parse(admission.context)).toMatchObject({ turn: 1, turns: [], steps_left: 20, input: runInput });
  expect(admission.leaseMicroUsd).toBe(400_000);
});

test("a contract without secrets, reference or a model of its own", () => {
  const { reference: _, ...rest } = contract;
  const plain = { ...rest, sensitive: [], agent: { kind: "plan", steps: [], outcome: "explained" } } as const;
  const admission = admitted({ contract: plain });
  expect(admission).toMatchObject({ sealed: [], events: [{ data: { reference: null, model: "plan" } }] });
});

const stopped = { on: true, by: "op", at: "2026-11-21T11:00:00.000Z", reason: "incident" } as const;
let deep: unknown = "x";
for (let i = 0; i < 100; i++) deep = [deep];

test.each([
  ["stopped", { brake: stopped }, "CS-3001", /stopped by op .*incident/],
  ["another tenant", { tenant: "evil" }, "CS-3002", /tenant: "evil" is not allowed; use acme/],
  ["a missing field", { input: {} }, "CS-3003", /dispute_id/],
  ["an unknown field", { input: { ...runInput, hack: 1 } }, "CS-3003", /1 field\(s\)/],
  ["too deep", { input: { ...runInput, claim: deep } }, "CS-3004", /nested/],
  ["too large", { input: { ...runInput, claim: "x".repeat(70_000) } }, "CS-3004", /bytes/],
  ["too old", { nowMs: NOON + 50 * 86_400_000 }, "CS-3005", /opened_at: is 70 d .* old; at most 60 d/],
  ["from the future", { nowMs: NOON - 30 * 86_400_000 }, "CS-3005", /in the future/],
  ["a duplicate", { duplicateOf: "bd-other" }, "CS-3006", /run bd-other is open with the same dispute_id/],
  ["over the day's budget", { dayLeftMicroUsd: 399_999 }, "CS-3007", /399999 micro-USD of the day's/],
])("%s is refused with a record", (_, change, code, message) => {
  const admission = admitted(change);
  expect(admission).toMatchObject({ kind: "refused", code, events: [{ type: "RunRefused", data: { code } }] });
  expect(admission.kind === "refused" && admission.message).toMatch(message);
  const [event] = admission.events;
  const results = event?.type === "RunRefused" ? event.data.checks.map(({ result }) => result) : [];
  expect(results).toHaveLength(5);
  expect(results.filter((result) => result === "failed")).toHaveLength(1);
});

test("input that parsing would change is refused", () => {
  const input = contract.input.extend({ note: contract.input.shape.claim.optional().default("x") });
  expect(admitted({ contract: { ...contract, input } })).toMatchObject({
    code: "CS-3003",
    message: /change/.source && expect.stringMatching(/change/),
  });
});

test("a run is no duplicate of itself", () => {
  const { runId } = new World().admission();
  expect(admitted({ duplicateOf: runId }).kind).toBe("started");
});

describe("names", () => {
  test.each([
    [{ name: "billing-dispute", reference: "dispute_id" }, { dispute_id: "dp_118" }, `bd-dp_118-${ULID}`],
    [{ name: "demo" }, {}, `demo-${ULID}`],
    [{ name: "reconciliation" }, {}, `reconcil-${ULID}`],
    [{ name: "a-b", reference: "n" }, { n: 7 }, `ab-7-${ULID}`],
    [{ name: "a-b", reference: "n" }, { n: "ü/ #" }, `ab-____-${ULID}`],
    [{ name: "a-b", reference: "n" }, {}, `ab-${ULID}`],
  ])("%j", (of, input, name) => {
    expect(runName(of, input, ULID)).toBe(name);
  });
  test("never longer than an execution's name may be", () => {
    const name = runName({ name: "a-b-c-d-e-f-g-h-i-j-k-l-m-n-o-p", reference: "n" }, { n: "x".repeat(500) }, ULID);
    expect(name).toMatch(/^[A-Za-z0-9_-]{1,80}$/);
  });
  test("the same request has the same suffix, another person's another", () => {
    const request = { workflow: "w", tenant: "t", requester: "a", requestId: "1" };
    expect(requestSuffix(request)).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
    expect(requestSuffix({ ...request })).toBe(requestSuffix(request));
    expect(requestSuffix({ ...request, requester: "b" })).not.toBe(requestSuffix(request));
  });
  test("unique inputs", () => {
    expect(uniqueHash({ unique: [] }, { a: 1 })).toBeNull();
    expect(uniqueHash({ unique: ["a"] }, { a: 1, b: 2 })).toBe(uniqueHash({ unique: ["a"] }, { a: 1, b: 3 }));
    expect(uniqueHash({ unique: ["a"] }, { a: 1 })).not.toBe(uniqueHash({ unique: ["a"] }, {}));
  });
});
