import { beforeEach, describe, expect, test, vi } from "vitest";
import { createHandler, type PreviewRuntime } from "../../lambdas/preview/serve.js";
import { ToolError } from "../../lib/tool/errors.js";
import { refund } from "../run/support.js";

beforeEach(() => {
  vi.spyOn(console, "log").mockImplementation(() => {});
});

const request = {
  run_id: "bd-dp_118-01J",
  tenant: "acme",
  step: "4.proposal",
  args: { charge_id: "ch_77", amount_cents: 42_000 },
};
const asked = (
  preview: PreviewRuntime["preview"],
  event: unknown = request,
  over: Partial<PreviewRuntime["tool"]> = {},
) => createHandler({ tool: { ...refund, ...over }, preview, secret: async (name) => name, local: undefined })(event);

describe("a preview", () => {
  test("answers before, after and notes", async () => {
    const seen: unknown[] = [];
    const answer = await asked(async (input, context) => {
      seen.push(input, context.runId, context.step, context.repeated);
      return { before: { refunded_cents: 0 }, after: { refunded_cents: 42_000 } };
    });
    expect(answer).toEqual({
      status: "ok",
      preview: { before: { refunded_cents: 0 }, after: { refunded_cents: 42_000 }, notes: [] },
    });
    expect(seen).toEqual([request.args, "bd-dp_118-01J", "4.proposal", false]);
  });
  test("that says no says why, in the tool's own words", async () => {
    const no = new ToolError("amount_too_large", "too much", { retryable: false, effectPossible: false });
    expect(await asked(async () => Promise.reject(no))).toEqual({
      status: "error",
      error: { code: "amount_too_large", message: "too much" },
    });
  });
  const wrong: readonly [string, string, () => Promise<unknown>, object?][] = [
    ["no preview", "CS-3216", async () => ({ before: {} })],
    ["functions", "CS-3216", async () => ({ before: {}, after: { a: () => 1 } })],
    [
      "too many notes",
      "CS-3216",
      async () => ({ before: {}, after: {}, notes: Array.from({ length: 21 }, () => "x") }),
    ],
    ["too much", "CS-3216", async () => ({ before: {}, after: { a: "x".repeat(70_000) } })],
    ["an error of its own", "CS-3215", async () => Promise.reject(new TypeError("key sk_live_1"))],
    ["silence", "CS-3213", () => new Promise(() => {}), { timeoutMs: 20 }],
  ];
  test.each(wrong)("%s is an error: %s", async (_what, code, preview, over) => {
    const answer = await asked(preview, request, over);
    expect(answer).toMatchObject({ status: "error", error: { code } });
    expect(JSON.stringify(answer)).not.toContain("sk_live_1");
  });
  test("of arguments that do not fit is never asked for", async () => {
    const preview = vi.fn();
    expect(await asked(preview, { ...request, args: { charge_id: 1 } })).toMatchObject({ error: { code: "CS-3201" } });
    await expect(asked(preview, { ...request, permit: 1 })).rejects.toThrow();
    expect(preview).not.toHaveBeenCalled();
  });
});
