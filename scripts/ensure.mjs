// Set-up for a fresh clone: installs the dependencies of package-lock.json when they are missing or older than it.
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Exits with a clear message when Node is too old or the installation fails. Returns the seconds it took, 0 when nothing was to do. */
export function ensureDependencies() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    console.error(`Countersign needs Node 20.19 or newer; this is ${process.version}. Install a newer Node and try again.`);
    process.exit(1);
  }
  const installed = join(root, "node_modules", ".package-lock.json");
  const wanted = join(root, "package-lock.json");
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(wanted).mtimeMs) return 0;
  const began = Date.now();
  process.stderr.write("  … installing dependencies (once, about a minute)\n");
  const done = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
  if (done.status !== 0) {
    console.error("The dependencies could not be installed; see npm's message above.");
    process.exit(1);
  }
  return (Date.now() - began) / 1000;
}
