import { defineConfig } from "vitest/config";
import { root } from "../../scripts/ensure.mjs";

export default defineConfig({
  root,
  test: {
    include: ["test/on-aws/*.suite.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" },
  },
});
