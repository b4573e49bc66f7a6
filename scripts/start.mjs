// `npm start`: set up what is missing, then `countersign local start`.
import { ensureDependencies } from "./ensure.mjs";

process.env.COUNTERSIGN_SETUP_SECONDS = String(ensureDependencies());
process.argv.splice(2, 0, "local", "start");
await import("../bin/countersign.mjs");
