/**
 * The policies of a workflow in Verified Permissions. A store never changes: its construct id holds the hash of the policy set,
 * so that a change makes a new store, the gate is switched to it whole, and the old one goes. (Changing policies in place would
 * show the gate half of a change, for CloudFormation updates them one by one.)
 */
import * as verifiedpermissions from "aws-cdk-lib/aws-verifiedpermissions";
import { Construct } from "constructs";
import { CountersignError } from "../errors.js";
import type { PolicySet } from "../policy/source.js";
import { pascal } from "./names.js";
import type { Grantee } from "./zone-function.js";

const MAX_DESCRIPTION = 150;

export interface PolicyStoreProps {
  readonly workflow: string;
  /** checked, see lib/policy */
  readonly policySet: PolicySet;
}

export class PolicyStore extends Construct {
  readonly policyStoreId: string;
  private readonly policyStoreArn: string;

  /** @throws CountersignError CS-1307 for two ids that would be one name in Verified Permissions */
  constructor(scope: Construct, props: PolicyStoreProps) {
    const { workflow, policySet } = props;
    super(scope, `PolicyStore${policySet.hash.slice(0, 8)}`);
    const store = new verifiedpermissions.CfnPolicyStore(this, "Resource", {
      description: `${workflow}, policy set ${policySet.hash}`.slice(0, MAX_DESCRIPTION),
      validationSettings: { mode: "STRICT" },
      schema: { cedarJson: JSON.stringify(policySet.schema) },
    });
    this.policyStoreId = store.attrPolicyStoreId;
    this.policyStoreArn = store.attrArn;
    for (const [name, policy] of byName(workflow, policySet)) {
      new verifiedpermissions.CfnPolicy(this, `Policy${pascal(name)}`, {
        policyStoreId: store.attrPolicyStoreId,
        name: `name/${name}`,
        definition: { static: { statement: policy.text, description: policy.reason.slice(0, MAX_DESCRIPTION) } },
      });
    }
  }

  /** The gate asks, and reads the policies that decided, to say why. */
  grantAsk(grantee: Grantee): void {
    grantee.provide(
      { POLICY_STORE_ID: this.policyStoreId },
      {
        sid: "AskPolicies",
        // BatchGetPolicy has no permission of its own: GetPolicy allows it.
        actions: ["verifiedpermissions:IsAuthorized", "verifiedpermissions:GetPolicy"],
        resources: [this.policyStoreArn],
      },
    );
  }
}

/**
 * Policies by their name in the store, where only letters, digits, `_` and `-` are allowed. People read it in the console; the gate
 * reads `@id` in the policy's text.
 */
function byName(workflow: string, { policies }: PolicySet): ReadonlyMap<string, PolicySet["policies"][number]> {
  const named = new Map<string, PolicySet["policies"][number]>();
  for (const policy of policies) {
    const name = policy.id.replaceAll(/[^A-Za-z0-9_-]/g, "-");
    const other = named.get(name);
    if (other !== undefined) {
      throw new CountersignError(
        "CS-1307",
        `policies of ${workflow}: "${other.id}" and "${policy.id}" would both be named "${name}" in Verified Permissions; rename one`,
      );
    }
    named.set(name, policy);
  }
  return named;
}
