import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

/** Replay hands the gate what a redacted record cannot tell. In the function that is deployed nobody does. */
test("the deployed gate has neither known checks nor a question of its own", () => {
  const handler = readFileSync(join(import.meta.dirname, "../../lambdas/decide/handler.ts"), "utf8");
  expect(handler).toContain("createHandler({");
  expect(handler).not.toMatch(/\b(known|question)\b/);
});
