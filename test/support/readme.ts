/** Commands of the documentation, so that tests run what a reader would type. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/ensure.mjs";

/** The lines of the first `sh` block below a heading, without comments. */
export function commandsBelow(file: string, heading: string): readonly string[] {
  const text = readFileSync(join(root, file), "utf8");
  const block = /```sh\n([\s\S]*?)```/.exec(text.slice(text.indexOf(`\n## ${heading}\n`)))?.[1];
  if (!text.includes(`\n## ${heading}\n`) || block === undefined)
    throw new Error(`${file} has no commands below "${heading}"`);
  return block
    .split("\n")
    .map((line) => line.replace(/\s+#.*$/, "").trim())
    .filter((line) => line !== "");
}

/** Every command line of every `sh` block of a file. */
export function allCommands(file: string): readonly string[] {
  const blocks = [...readFileSync(join(root, file), "utf8").matchAll(/```sh\n([\s\S]*?)```/g)].map(
    (match) => match[1] ?? "",
  );
  return blocks.flatMap((block) =>
    block
      .split("\n")
      .map((line) => line.replace(/\s+#.*$/, "").trim())
      .filter((line) => line !== ""),
  );
}
