/**
 * `synth.ts <folder>`: writes the laboratory's own assembly there. Its workflow is no part of the project, so that nobody deploys it. The project's
 * synth checks what these same constructs make, with cdk-nag, cfn-guard and the default rules; here nothing is checked again.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { App } from "aws-cdk-lib";
import * as z from "zod";
import {
  bundleApprovalDesk,
  bundleApprovalSender,
  bundleNotary,
  bundleWorkflow,
} from "../../../lib/constructs/bundle.js";
import { ControlPlaneStack } from "../../../lib/constructs/control-plane-stack.js";
import { loadWorkflows } from "../../../lib/constructs/load.js";
import { controlPlaneStackName, workflowStackName } from "../../../lib/constructs/names.js";
import { secretNames } from "../../../lib/constructs/secrets.js";
import { readSettings } from "../../../lib/constructs/settings.js";
import { WorkflowStack } from "../../../lib/constructs/workflow-stack.js";
import { root } from "../../../scripts/ensure.mjs";
import { FIXTURES, STAGE } from "./places.js";

const cdkJson = z.object({ context: z.record(z.string(), z.json()) });

const CHECKS = "@aws-cdk/core:validateAgainstDefaultRules";

await synthLab(z.string().parse(process.argv[2]));

async function synthLab(outdir: string): Promise<void> {
  const [checked] = await loadWorkflows(join(FIXTURES, "workflows"));
  if (checked === undefined) throw new Error("the laboratory has no workflow");
  const { contract, policySet } = checked;
  const { context } = cdkJson.parse(JSON.parse(await readFile(join(root, "cdk.json"), "utf8")));
  const app = new App({ outdir, analyticsReporting: false, context: { ...context, [CHECKS]: false } });
  const [deskCode, senderCode, notaryCode, bundles] = await Promise.all([
    bundleApprovalDesk(),
    bundleApprovalSender(),
    bundleNotary([contract.name]),
    bundleWorkflow(contract),
  ]);
  const plane = new ControlPlaneStack(app, controlPlaneStackName(STAGE), {
    stage: STAGE,
    deskCode,
    senderCode,
    mailFrom: "lab@example.com",
    notaryCode,
    archive: readSettings(app.node).archive,
    workflows: [contract.name],
    secretNames: secretNames([contract]),
  });
  sleepNotary(plane);
  new WorkflowStack(app, workflowStackName(STAGE, contract.name), {
    contract,
    policySet,
    stage: STAGE,
    bundles,
    mailFrom: "lab@example.com",
  }).addStackDependency(plane);
  app.synth();
}

/** The notary has fault tests of its own. Awake it would make half of all calls here, and change none of the books that are compared. */
function sleepNotary(plane: ControlPlaneStack): void {
  const { node } = plane.node.findChild("Notary");
  for (const waker of ["RunsEnd", "Sweep"]) if (!node.tryRemoveChild(waker)) throw new Error(`no ${waker} to remove`);
  for (const construct of node.findAll())
    if (construct.node.id.startsWith("AllowEventRule")) construct.node.scope?.node.tryRemoveChild(construct.node.id);
}
