/** A copy of the project as a fresh clone would be: what git tracks or would track, with the installed packages linked in. */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ensureDependencies, root } from "../../scripts/ensure.mjs";

/** @param assembly of the same sources, so that the first command in the copy does not spend ten seconds on another */
export function copyProject(assembly?: string): string {
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
  if (assembly !== undefined) cpSync(assembly, join(copy, "cdk.out"), { recursive: true });
  return copy;
}
