/** Every error table in one, for the generated `docs/errors.md` and its test. Nothing else needs all of them. */
import type { ErrorEntry } from "../errors.js";
import { admissionErrors } from "./admission.js";
import { approvalErrors } from "./approval.js";
import { auditErrors } from "./audit.js";
import { cliErrors } from "./cli.js";
import { constructsErrors } from "./constructs.js";
import { contractErrors } from "./contract.js";
import { interpreterErrors } from "./interpreter.js";
import { localErrors } from "./local.js";
import { localdataErrors } from "./localdata.js";
import { policyErrors } from "./policy.js";
import { runErrors } from "./run.js";
import { sandboxErrors } from "./sandbox.js";
import { servicesErrors } from "./services.js";
import { storeErrors } from "./store.js";
import { templateErrors } from "./template.js";
import { toolErrors } from "./tool.js";

export const ERROR_AREAS: Readonly<Record<string, Readonly<Record<string, ErrorEntry>>>> = {
  Contract: contractErrors,
  Policies: policyErrors,
  Template: templateErrors,
  "State machine": interpreterErrors,
  Synthesis: constructsErrors,
  Approvals: approvalErrors,
  "Front door": admissionErrors,
  "Admission, gate and agent": runErrors,
  Tools: toolErrors,
  "Stored data": storeErrors,
  "Local cloud": localErrors,
  "Local data": localdataErrors,
  "Local services": servicesErrors,
  Sandboxes: sandboxErrors,
  "Command line": cliErrors,
  "Export and verification": auditErrors,
};

/** `docs/errors.md`. */
export function renderErrorsDoc(): string {
  const sections = Object.entries(ERROR_AREAS).map(([area, table]) => {
    const rows = Object.entries(table)
      .sort(([a], [b]) => a.localeCompare(b))
      .map(
        ([code, { kind, retryable, summary }]) =>
          `| ${code} | ${kind} | ${retryable ? "yes" : "no"} | ${summary.replaceAll("|", "\\|")} |`,
      );
    return [`## ${area}`, "", "| code | whose | again? | what |", "|---|---|---|---|", ...rows].join("\n");
  });
  return `# Error codes\n\nGenerated from \`lib/errors/*.ts\` by \`npm run docs:errors\`. *Whose*: a person's mistake or the system's. *Again?*: whether doing the same again can succeed.\n\n${sections.join("\n\n")}\n`;
}
