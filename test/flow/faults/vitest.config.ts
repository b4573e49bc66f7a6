/** `npm run test:faults`: the whole matrix and all schedules. `npm test` runs a part of the same files. */
import { defineConfig } from "vitest/config";
import { root } from "../../../scripts/ensure.mjs";

export default defineConfig({
  root,
  test: {
    include: ["test/flow/faults/**/*.test.ts"],
    globalSetup: "test/flow/faults/setup.ts",
    setupFiles: "test/support/assembly-made.ts",
    testTimeout: 4 * 3_600_000,
    hookTimeout: 300_000,
    maxWorkers: 2,
    // What a schedule leaves behind is short-lived: it need not be copied on.
    execArgv: ["--max-semi-space-size=64"],
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true", COUNTERSIGN_FAULTS: "all" },
  },
});
