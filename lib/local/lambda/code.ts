import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CountersignError } from "../../errors.js";
import type { FunctionConfiguration } from "./configuration.js";

/**
 * Copies of function code in a temporary folder. On Lambda a bundle stands alone; under `cdk.out` it would see the
 * repository's package.json (a CommonJS bundle would be read as an ES module) and its node_modules.
 */
export class CodeStore {
  private readonly root = mkdtempSync(join(tmpdir(), "countersign-functions-"));
  private readonly copies = new Map<string, string>();

  /** @throws CountersignError CS-4010 when the handler's file is not in the asset */
  taskRoot(configuration: FunctionConfiguration): string {
    const { codeFolder, handler, name } = configuration;
    const file = handler.slice(0, handler.indexOf(".", handler.lastIndexOf("/") + 1));
    if (![".js", ".mjs", ".cjs"].some((ending) => existsSync(join(codeFolder, file + ending)))) {
      throw new CountersignError(
        "CS-4010",
        `function ${name}: handler ${handler} needs ${file}.js, .mjs or .cjs in ${codeFolder}`,
      );
    }
    const known = this.copies.get(codeFolder);
    if (known) return known;
    const copy = join(this.root, String(this.copies.size));
    cpSync(codeFolder, copy, { recursive: true, dereference: true });
    this.copies.set(codeFolder, copy);
    return copy;
  }

  close(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
