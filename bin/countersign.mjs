#!/usr/bin/env node
// The command line's entry: sets up what a fresh clone lacks, then runs the TypeScript sources.
import { ensureDependencies } from "../scripts/ensure.mjs";

ensureDependencies();
const { register } = await import("tsx/esm/api");
register();
await import("./countersign.ts");
