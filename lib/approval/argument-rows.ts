/** The arguments of an action as rows, for the page and for Slack; without the sensitive ones for who may not see them. */
import type { ApprovalView } from "../run/protocol.js";
import { leaves, textOf } from "./changes.js";

/** Field and text; null where something sensitive stands. `withheld`: also of a view that is whole. */
export function argumentRows(
  view: Pick<ApprovalView, "args" | "sensitive_paths" | "page_only" | "withheld">,
  form: "as it is" | "withheld" = "as it is",
): readonly (readonly [string, string | null])[] {
  const hides = form === "withheld" || view.withheld !== undefined;
  if (hides && view.page_only?.includes("args") === true) return [["every argument", null]];
  const rows = [...leaves(view.args)].map(([field, { value }]) =>
    hides && isSensitive(field, view.sensitive_paths)
      ? ([field.replace(/\.?\$commitment$/, ""), null] as const)
      : ([field, textOf(value)] as const),
  );
  // An object that is sensitive as a whole is one row.
  return rows.filter(([field, text], at) => text !== null || rows.findIndex(([other]) => other === field) === at);
}

/** `items[].note` and everything below it. */
function isSensitive(field: string, paths: readonly string[]): boolean {
  const name = field.replace(/\[\d+\]/g, "[]");
  return paths.some((path) => name === path || name.startsWith(`${path}.`) || name.startsWith(`${path}[`));
}
