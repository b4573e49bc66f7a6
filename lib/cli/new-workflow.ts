import { cp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CountersignError } from "../errors.js";

const TEMPLATE = "my-workflow";

/** `my-first` → `MyFirst`, the Cedar namespace. */
function pascalCase(name: string): string {
  return name.replace(/(^|-)([a-z0-9])/g, (_, __, letter: string) => letter.toUpperCase());
}

/** Copies the template to `workflows/<name>` with the name put in; all or nothing. Answers with the files written. */
export async function createWorkflow(root: string, name: string): Promise<string[]> {
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name) || name.length > 32)
    throw new CountersignError(
      "CS-5007",
      `workflow new: '${name}' is not allowed; use at most 32 lower-case letters, digits and single hyphens, beginning with a letter`,
    );
  const target = join(root, "workflows", name);
  if (await exists(target))
    throw new CountersignError(
      "CS-5007",
      `workflow new: workflows/${name} exists already; choose another name or remove it`,
    );
  const draft = `${target}.new`;
  await rm(draft, { recursive: true, force: true });
  await cp(join(root, "templates", TEMPLATE), draft, { recursive: true });
  const files: string[] = [];
  for (const entry of await readdir(draft, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const text = await readFile(path, "utf8");
    await writeFile(path, text.replaceAll(TEMPLATE, name).replaceAll(pascalCase(TEMPLATE), pascalCase(name)));
    files.push(path.replace(draft, join("workflows", name)));
  }
  await rename(draft, target);
  return files.sort();
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
