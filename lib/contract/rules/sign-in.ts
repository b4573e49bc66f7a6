/** What a stage without an OpenID Connect provider makes harder: nobody sees sensitive values there, so few can decide about them. */

import { Faults, type Where } from "../faults.js";
import type { Contract, Fault, Tool } from "../model.js";

/** Warnings, of a contract for a stage without an issuer: tools that people may be asked about and cannot be shown whole. */
export function signInWarnings({ tools }: Pick<Contract, "tools">): readonly Fault[] {
  const faults = new Faults();
  for (const [index, tool] of tools.entries()) {
    const hidden = hiddenFields(tool);
    if (tool.effect !== "write" || hidden.length === 0) continue;
    const where: Where = { path: `contract.tools[${index}].sensitive`, file: tool.file };
    faults.add("CS-1027", where, {
      value: tool.name,
      rule: `has fields that are shown only after sign-in (${hidden.join(", ")}), and this stage has no issuer: neither a mailed code nor Slack decides about it`,
      fix: "set oidcIssuer and oidcClientId in cdk.json's context, or let people decide on the command line",
    });
  }
  return faults.list;
}

/** Of a tool whose results are sensitive the changes are hidden. */
const hiddenFields = ({ sensitiveInput, sensitiveOutput, preview }: Tool): readonly string[] => [
  ...sensitiveInput,
  ...(preview === undefined ? [] : sensitiveOutput),
];
