/** The real names of a session's deployment, and one run in it, for code that attacks it. */
import { EncryptCommand, KMSClient } from "@aws-sdk/client-kms";
import { callKeyOf, contextKey, type RunRef, vaultKey } from "../../lib/run/keys.js";
import { FINISH, type Flow, LOOKUP, REFUND } from "./flow.js";
import type { Targets } from "./isolation-targets.js";

/** Starts a run that waits for people, and names everything around it. */
export async function prepareTargets(flow: Flow): Promise<Targets> {
  await flow.begin([LOOKUP, REFUND, FINISH]);
  const run = await flow.start();
  await flow.asked(run);
  return targetsOf(flow, run);
}

export async function targetsOf(flow: Flow, run: RunRef): Promise<Targets> {
  const { cloud } = flow.session;
  const plane = cloud.outputs("countersign-dev");
  const workflow = cloud.outputs("countersign-dev-billing-dispute");
  const named = (outputs: Readonly<Record<string, string>>, name: string): string => {
    const value = outputs[name];
    if (value === undefined) throw new Error(`no output ${name}`);
    return value;
  };
  const at = (name: string) => named(plane, name);
  const machineArn = named(workflow, "StateMachineArn");
  const seal = new KMSClient(flow.as(flow.roleOf("/approval-request/")));
  const { CiphertextBlob = new Uint8Array() } = await seal.send(
    new EncryptCommand({
      KeyId: at("TokenKeyArn"),
      Plaintext: Buffer.from("token"),
      EncryptionContext: { workflow: "billing-dispute" },
    }),
  );
  return {
    tables: {
      log: at("RunLogTable"),
      approvals: at("ApprovalsTable"),
      budgets: at("BudgetsTable"),
      control: at("ControlTable"),
      effects: at("EffectsTable"),
      oversight: at("OversightTable"),
    },
    logArn: at("RunLogTableArn"),
    runId: run.runId,
    contextKey: contextKey.object(run, 1),
    callKey: callKeyOf.object(run, "stripe.refund", 2),
    vaultKey: vaultKey.runKey(run),
    buckets: { context: at("ContextBucket"), vault: at("VaultBucket") },
    keys: { data: at("DataKeyArn"), vault: at("VaultKeyArn"), token: at("TokenKeyArn") },
    sealed: Buffer.from(CiphertextBlob).toString("base64"),
    machineArn,
    executionArn: `${machineArn.replace(":stateMachine:", ":execution:")}:${run.runId}`,
    machineRoleArn: flow.roleOf("/machine/"),
    policyStoreId: named(workflow, "PolicyStoreId"),
  };
}
