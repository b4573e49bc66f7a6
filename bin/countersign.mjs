#!/usr/bin/env node
// The command line's entry: sets up what a fresh clone lacks, then runs the TypeScript sources.
import { ensureDependencies } from "../scripts/ensure.mjs";

ensureDependencies();
// The SDK warns about Node 20 from 2027 on; the README says which versions are supported.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";
const { register } = await import("tsx/esm/api");
register();
await import("./countersign.ts");
