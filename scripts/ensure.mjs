// Set-up for a fresh clone: installs the dependencies of package-lock.json when they are missing or other ones.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Exits with a clear message when Node is too old or the installation fails. Returns the seconds it took, 0 when nothing was to do. */
export function ensureDependencies() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    console.error(
      `Countersign needs Node 20.19 or newer; this is ${process.version}. Install a newer Node and try again.`,
    );
    process.exit(1);
  }
  // What was installed last, by the hash of its lock file: times of files say nothing after a clone or a copy.
  const marker = join(root, "node_modules", ".countersign-installed");
  const wanted = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  if (existsSync(marker) && readFileSync(marker, "utf8") === wanted) return 0;
  const began = Date.now();
  process.stderr.write("  … installing dependencies (once, about a minute)\n");
  const done = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (done.status !== 0) {
    console.error("The dependencies could not be installed; see npm's message above.");
    process.exit(1);
  }
  writeFileSync(marker, wanted);
  return (Date.now() - began) / 1000;
}
