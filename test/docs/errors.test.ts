import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ERROR_AREAS, renderErrorsDoc } from "../../lib/errors/all.js";
import { root } from "../../scripts/ensure.mjs";

const known = Object.values(ERROR_AREAS).flatMap((table) => Object.keys(table));

/** Every code that the sources name, outside the tables themselves. */
function usedCodes(): Set<string> {
  const files = ["lib", "lambdas", "bin", "scripts"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((file) => join(folder, file)),
  );
  const sources = files.filter((file) => /\.tsx?$/.test(file) && !file.startsWith("lib/errors/"));
  return new Set(sources.flatMap((file) => readFileSync(join(root, file), "utf8").match(/CS-\d{4}/g) ?? []));
}

describe("the error table", () => {
  test("has every code once", () => expect(known.length).toBe(new Set(known).size));
  test("knows every code that the sources use", () =>
    expect([...usedCodes()].filter((code) => !known.includes(code))).toEqual([]));
  test("has no code that nothing uses", () => expect(known.filter((code) => !usedCodes().has(code))).toEqual([]));
  test("is what docs/errors.md says", () =>
    expect(readFileSync(join(root, "docs/errors.md"), "utf8")).toBe(renderErrorsDoc()));
});
