// `npm test`: set up what is missing, then every test. Arguments go to vitest.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { ensureDependencies, root } from "./ensure.mjs";

ensureDependencies();
const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
const done = spawnSync(process.execPath, [vitest, "run", ...process.argv.slice(2)], { cwd: root, stdio: "inherit" });
process.exit(done.status ?? 1);
