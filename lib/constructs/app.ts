/** The CDK app: a control plane per stage, a stack per workflow and stage, and the checks that every synth runs. */
import { Annotations, App, type AppProps } from "aws-cdk-lib";
import { renderFault } from "../contract/faults.js";
import type { Contract } from "../contract/model.js";
import { signInWarnings } from "../contract/rules/sign-in.js";
import { CountersignError } from "../errors.js";
import type { PolicySet } from "../policy/source.js";
import { AuditStack } from "./audit-stack.js";
import { type BundleOptions, Bundler, type WorkflowBundles } from "./bundle.js";
import { ControlPlaneStack } from "./control-plane-stack.js";
import { addChecks } from "./findings.js";
import { auditStackName, controlPlaneStackName, workflowStackName } from "./names.js";
import { secretNames } from "./secrets.js";
import { readSettings } from "./settings.js";
import { WorkflowStack } from "./workflow-stack.js";

/** A workflow that passed every check. */
export interface CheckedWorkflow {
  readonly contract: Contract;
  readonly policySet: PolicySet;
}

export interface AppOptions {
  readonly workflows: readonly CheckedWorkflow[];
  readonly bundles?: BundleOptions;
  readonly app?: AppProps;
}

/**
 * Builds the app; `synth()` is the caller's.
 * @throws CountersignError CS-13xx
 */
export async function createApp(options: AppOptions): Promise<App> {
  const { workflows, bundles = {} } = options;
  const app = new App({ analyticsReporting: false, ...options.app });
  addChecks(app);
  const { stage, mailFrom, archive, slack, oidc } = readSettings(app.node);
  refuseRepeats(workflows);
  const bundler = new Bundler(bundles);
  const deskCode = await bundler.approvalDesk();
  const senderCode = await bundler.approvalSender();
  const notaryCode = await bundler.notary(workflows.map(({ contract }) => contract.name));
  const slackCode = slack ? { slackCode: await bundler.approvalSlack() } : {};
  const codes: WorkflowBundles[] = [];
  // One after the other: esbuild uses every core for one, and the code of a hundred would not fit the memory.
  for (const { contract } of workflows) codes.push(await bundler.workflow(contract));
  // What keeps records is not destroyed by a slip of the hand; a stage for trying things out is.
  const terminationProtection = stage !== "dev";
  // 100 workflows with readable templates would not fit CloudFormation's 1 MB.
  const compact = { suppressTemplateIndentation: true };
  const plane = new ControlPlaneStack(app, controlPlaneStackName(stage), {
    ...compact,
    terminationProtection,
    description: `Countersign control plane, stage ${stage}`,
    stage,
    deskCode,
    senderCode,
    mailFrom,
    notaryCode,
    archive,
    ...slackCode,
    ...(oidc === undefined ? {} : { oidc }),
    workflows: workflows.map(({ contract }) => contract.name),
    secretNames: secretNames(workflows.map(({ contract }) => contract)),
  });
  if (archive.audit !== undefined) {
    new AuditStack(app, auditStackName(stage), {
      ...compact,
      terminationProtection,
      description: `Countersign archive and signing key, stage ${stage}`,
      env: { account: archive.audit.account },
      stage,
      settings: archive,
      ...archive.audit,
    });
  }
  workflows.forEach(({ contract, policySet }, index) => {
    const code = codes[index];
    if (code === undefined) return;
    const stack = new WorkflowStack(app, workflowStackName(stage, contract.name), {
      ...compact,
      description: `Countersign workflow ${contract.name} v${contract.version}, stage ${stage}`,
      contract,
      policySet,
      stage,
      bundles: code,
      mailFrom,
      slack,
    });
    for (const fault of oidc === undefined ? signInWarnings(contract) : [])
      Annotations.of(stack).addWarningV2(`countersign:${fault.code}:${fault.value}`, renderFault(fault));
    // The stacks meet in exported names, which CDK does not see as a dependency.
    stack.addStackDependency(plane);
  });
  return app;
}

function refuseRepeats(workflows: readonly CheckedWorkflow[]): void {
  const seen = new Map<string, string>();
  for (const { contract } of workflows) {
    const other = seen.get(contract.name);
    if (other !== undefined) {
      throw new CountersignError(
        "CS-1306",
        `contract.name: "${contract.name}" is used by ${other} and ${contract.file}; give each workflow its own name`,
      );
    }
    seen.set(contract.name, contract.file);
  }
}
