import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { plainKeys } from "../../lib/constructs/bundle-sdk.js";

describe("plain keys", () => {
  it("write a computed key as the text that its constant has, and leave the rest alone", () => {
    const source =
      'const _a = "jsonName";\nconst _b = "a \\"b";\nlet _c = "x";\nexport var Q$ = { [_a]: 1, [_b]: [_a], [_c]: 2 };';
    expect(plainKeys(source).split("\n").at(-1)).toBe('export var Q$ = { "jsonName": 1, "a \\"b": [_a], [_c]: 2 };');
  });
  it("do not turn a member into a prototype", () => {
    const source = 'const _p = "__proto__";\nexport var Q$ = { [_p]: 1 };';
    expect(plainKeys(source)).toBe(source);
  });
  it.each(["client-s3", "client-dynamodb", "client-lambda"])("%s: the module exports the same shapes", async (name) => {
    const client = dirname(createRequire(import.meta.url).resolve(`@aws-sdk/${name}/package.json`));
    const source = readFileSync(join(client, "dist-es/schemas/schemas_0.js"), "utf8");
    const changed = plainKeys(source);
    expect(changed.length).not.toBe(source.length);
    // only the shapes: what they are registered with needs the whole package
    const shapes = (text: string): unknown => {
      const constants = [...text.matchAll(/^const _\w+ = "(?:[^"\\]|\\.)*";$/gm)].map(([line]) => line).join("\n");
      const objects = [...text.matchAll(/\{ \[?["_][^{}]*\}/g)].map(([object]) => object);
      return new Function("n0", "_s", `${constants}\nreturn [${objects.join(",\n")}];`)("n0", "s");
    };
    expect(shapes(changed)).toEqual(shapes(source));
  });
});
