/** The tests that Stryker runs against each mutant: examples of the gate's decisions, without clouds, processes, browsers and random runs. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/run/{asking,gate,steps,checks,evidence,state,people,edit,resource,recording,proposal}.test.ts"],
    testTimeout: 20_000,
  },
});
