import { isBolder, recommendAutonomy } from "../autonomy.js";
import type { Draft } from "../draft.js";
import { at, type Faults } from "../faults.js";

/** A contract bolder than recommended gives its reason in writing. */
export function checkAutonomy(draft: Draft, faults: Faults): void {
  const { autonomy, reason } = draft.fields;
  const here = at(draft.where, "autonomy");
  if (autonomy === undefined || reason !== undefined) return;
  if (faults.list.some((fault) => fault.path === at(draft.where, "reason").path)) return;
  const { level, tools } = recommendAutonomy({ tools: draft.tools.map((tool) => tool.fields) });
  if (!isBolder(autonomy, level)) return;
  const timid = tools.filter((tool) => isBolder(autonomy, tool.level));
  const why = timid.map(({ tool, level: toolLevel, reasons }) => {
    const values = reasons.filter((found) => found.cap === toolLevel).map((found) => found.value);
    return `${tool} (${values.join(", ")})`;
  });
  const rule = `is bolder than recommended for ${why.join(" and ")}`;
  faults.add("CS-1015", here, { value: autonomy, rule, fix: `lower it to "${level}" or give \`reason\`` });
}
