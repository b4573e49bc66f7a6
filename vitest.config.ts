import { defineConfig } from "vitest/config";

const WHOLE_RUNS = ["test/flow/**/*.test.ts", "test/cli/**/*.test.ts"];
const FAULTS = ["test/flow/faults/**/*.test.ts"];

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    // What functions log is read when a test fails.
    silent: "passed-only",
    coverage: {
      provider: "v8",
      // What the examples of `npm run coverage` are about. The rest is run by whole-run tests and children, which no counter here sees.
      include: ["lib/{run,policy,audit,approval}/**/*.{ts,tsx}", "lambdas/**/*.{ts,tsx}"],
      reporter: ["text-summary", "html", "json-summary"],
      thresholds: {
        "lib/run/**": { branches: 95 },
        "lib/audit/**": { branches: 95 },
        "lib/policy/**": { branches: 95 },
      },
    },
    // A busy machine is slow, not wrong.
    expect: { poll: { timeout: 20_000 } },
    // The SDK warns about Node 20 from 2027 on; here it only hides results.
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" },
    projects: [
      {
        extends: true,
        test: { name: "parts", include: ["test/**/*.test.{ts,tsx}"], exclude: WHOLE_RUNS, isolate: false },
      },
      {
        extends: true,
        test: {
          name: "flow",
          include: WHOLE_RUNS,
          exclude: FAULTS,
          isolate: false,
          globalSetup: "test/support/synth-once.ts",
          setupFiles: "test/support/assembly-made.ts",
        },
      },
      {
        extends: true,
        test: {
          name: "faults",
          include: FAULTS,
          globalSetup: "test/flow/faults/setup.ts",
          setupFiles: "test/support/assembly-made.ts",
        },
      },
    ],
  },
});
