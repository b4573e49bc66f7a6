/** A copy of the project as a fresh clone would be: what git tracks or would track, with the installed packages linked in. */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ensureDependencies, root } from "../../scripts/ensure.mjs";

export function copyProject(): string {
  // Else a command in the copy would install through the link, under everybody's feet.
  ensureDependencies();
  const copy = mkdtempSync(join(tmpdir(), "countersign-clone-"));
  const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "-z"], {
    cwd: root,
    encoding: "utf8",
  }).split("\0");
  for (const file of files) {
    if (file === "") continue;
    mkdirSync(join(copy, dirname(file)), { recursive: true });
    cpSync(join(root, file), join(copy, file));
  }
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  return copy;
}
