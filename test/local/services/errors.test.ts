import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { servicesErrors } from "../../../lib/errors/services.js";

it("every code the service engines use is in the table, and every code of the table is used", () => {
  const folder = new URL("../../../lib/local/services/", import.meta.url).pathname;
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  const used = files.flatMap((name) => readFileSync(join(folder, name), "utf8").match(/CS-\d{4}/g) ?? []);
  expect([...new Set(used)].sort()).toEqual(Object.keys(servicesErrors).sort());
});
