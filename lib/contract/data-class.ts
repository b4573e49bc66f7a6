/** What a workflow's records may hold, and how long they are kept for it. */
import { type Contract, DATA_CLASS, type DataClass } from "./model.js";

/** The strictest class of the contract's tools. */
export function strictestDataClass({ tools }: Pick<Contract, "tools">): DataClass {
  const ranks = tools.map(({ dataClass }) => DATA_CLASS.indexOf(dataClass));
  return DATA_CLASS[Math.max(0, ...ranks)] ?? "public";
}
