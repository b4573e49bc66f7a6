import { join } from "node:path";
import { checkContract } from "../../lib/contract/check.js";
import { renderFault } from "../../lib/contract/faults.js";
import type { Contract, Defined, WorkflowDefinition } from "../../lib/contract/model.js";
import refundDesk from "./fixtures/refund-desk/contract.js";

export const FIXTURES = join(import.meta.dirname, "fixtures");
export const DESK = join(FIXTURES, "refund-desk");

type Fields = Readonly<Record<string, unknown>>;
type Loose = { readonly kind: string; readonly file: string; readonly definition: Fields };

/** The valid workflow with some fields replaced; `undefined` removes one. */
export function deskWith(patch: Fields): Loose {
  return changed(refundDesk, patch);
}

/** The valid workflow with some fields of one tool replaced. */
export function deskWithTool(name: string, patch: Fields, workflow: Fields = {}): Loose {
  const tools = refundDesk.definition.tools.map((tool) =>
    isTool(tool) && tool.definition.name === name ? changed(tool, patch) : tool,
  );
  return deskWith({ tools, ...workflow });
}

function changed(defined: Defined<object>, patch: Fields): Loose {
  const entries = Object.entries({ ...defined.definition, ...patch }).filter(([, value]) => value !== undefined);
  return { kind: defined.kind, file: defined.file, definition: Object.fromEntries(entries) };
}

function isTool(value: unknown): value is Defined<{ readonly name: string }> {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "tool";
}

/** `CS-1008 contract.…: … (file relative to the fixture)` */
export function faultsOf(defined: unknown): readonly string[] {
  return checkContract(defined).faults.map((fault) => `${fault.code} ${renderFault(fault, DESK)}`);
}

export function deskContract(defined: unknown = refundDesk): Contract {
  const { contract, faults } = checkContract(defined);
  if (contract === undefined) throw new Error(faults.map((fault) => renderFault(fault)).join("\n"));
  return contract;
}

export const deskDefinition: WorkflowDefinition = refundDesk.definition;
