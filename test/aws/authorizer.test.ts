/** The suites of the authorizer on the embedded Verified Permissions, and on the Cedar engine that lint and backtests use. */
import { CreatePolicyStoreCommand, VerifiedPermissionsClient } from "@aws-sdk/client-verifiedpermissions";
import { afterAll, beforeAll, describe } from "vitest";
import { type Authorizer, readSource, verifiedPermissions } from "../../lib/aws/authorizer.js";
import { createVerifiedPermissionsEngine } from "../../lib/local/services/verifiedpermissions.js";
import { createAuthorizer } from "../../lib/policy/local-authorizer.js";
import {
  authorizerSuite,
  fillStore,
  POLICIES,
  policyStoreSuite,
  SCHEMA,
  type TestedStore,
} from "../contract-suites/authorizer.js";
import { type ServedEngine, serve, testCloud } from "../local/services/harness.js";

describe("Verified Permissions", () => {
  let served: ServedEngine;
  let store: TestedStore;
  beforeAll(async () => {
    served = await serve(createVerifiedPermissionsEngine(testCloud().ctx));
    const client = new VerifiedPermissionsClient(served.config());
    const { policyStoreId = "" } = await client.send(
      new CreatePolicyStoreCommand({ validationSettings: { mode: "STRICT" } }),
    );
    store = { client, policyStoreId };
    await fillStore(store);
  });
  afterAll(async () => {
    store.client.destroy();
    await served.close();
  });
  authorizerSuite(() => verifiedPermissions(store.client, store.policyStoreId));
  policyStoreSuite(() => store);
});

describe("the Cedar engine itself", () => {
  const policies = Object.entries(POLICIES).map(([id, text]) => ({
    ...readSource(id, text),
    source: "team" as const,
  }));
  authorizerSuite((): Authorizer => {
    const ask = createAuthorizer({ policies, hash: "authorizer-suite" }, SCHEMA);
    return {
      async ask(request) {
        const { decision, determining, errors } = ask(request);
        return {
          allowed: decision === "allow",
          determining: policies
            .filter(({ id }) => determining.includes(id))
            .map(({ id, text }) => readSource(id, text)),
          errors,
        };
      },
    };
  });
});
