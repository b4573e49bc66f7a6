/** The policy store of one run of the tests on AWS: made empty, and removed with what the suites put into it. */
import {
  CreatePolicyStoreCommand,
  DeletePolicyStoreCommand,
  paginateListPolicyStores,
  type VerifiedPermissionsClient,
} from "@aws-sdk/client-verifiedpermissions";
import { CountersignError } from "../lib/errors.js";

/** @throws CountersignError CS-5091 */
export async function createStore(client: VerifiedPermissionsClient, run: string, say: (line: string) => void) {
  // The id is the service's choice; the description says whose it is.
  const description = `${run}-policies`;
  say(`+ policy store ${description}`);
  const policyStoreId = await create(client, run, description);
  return {
    policyStoreId,
    /** @throws CountersignError CS-5091 naming the store */
    async remove(): Promise<void> {
      try {
        await client.send(new DeletePolicyStoreCommand({ policyStoreId }));
      } catch (error) {
        throw new CountersignError(
          "CS-5091",
          `still there: policy store ${policyStoreId} (${description}): ${String(error)}; delete it by hand`,
          { left: [policyStoreId] },
        );
      }
      say(`- policy store ${description}`);
    },
  };
}

async function create(client: VerifiedPermissionsClient, run: string, description: string): Promise<string> {
  const tags = { "countersign:test": run, "countersign:remove": "any time" };
  const request = { validationSettings: { mode: "STRICT" }, description, tags } as const;
  try {
    const { policyStoreId } = await client.send(new CreatePolicyStoreCommand(request));
    if (policyStoreId !== undefined) return policyStoreId;
    throw new Error("the answer has no policyStoreId");
  } catch (error) {
    throw new CountersignError("CS-5091", `policy store ${description}: not created: ${String(error)}`, { run });
  }
}

/** Descriptions and ids of policy stores that earlier runs left behind because they were killed. */
export async function storesLeftBehind(client: VerifiedPermissionsClient, prefix: string): Promise<string[]> {
  const left: string[] = [];
  for await (const { policyStores = [] } of paginateListPolicyStores({ client, pageSize: 50 }, {}))
    for (const { description = "", policyStoreId } of policyStores)
      if (description.startsWith(prefix)) left.push(`policy store ${policyStoreId} (${description})`);
  return left;
}
