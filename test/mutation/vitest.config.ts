/** The tests that Stryker runs against each mutant: the domain's own, without clouds, processes and browsers. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { include: ["test/run/**/*.test.ts"], testTimeout: 20_000 },
});
