/** Amazon Verified Permissions: policy stores from the template, decisions by the real Cedar engine. */
import * as z from "zod";
import type { AwsCall, AwsReply, CloudContext, Engine } from "../types.js";
import { parseJsonBody, parseRequest, unknownOperation } from "./support/request.js";
import { notFound, StoreAccess } from "./verifiedpermissions/access.js";
import { StoreChanges } from "./verifiedpermissions/changes.js";
import { definitionOf, describeItem, describePolicy, iso } from "./verifiedpermissions/describe.js";
import { MAX_REQUEST_BYTES } from "./verifiedpermissions/refusals.js";
import { policyFactory, storeFactory } from "./verifiedpermissions/resources.js";
import type { PolicyStore } from "./verifiedpermissions/store.js";
import {
  actionIdentifier,
  checkDepth,
  contextDefinition,
  contextOf,
  entitiesDefinition,
  entitiesOf,
  entityIdentifier,
  invalid,
} from "./verifiedpermissions/values.js";

const SERVICE = "verifiedpermissions";
const MAX_BATCH = 30;
const MAX_BATCH_GET = 100;
const MAX_PAGE = 50;

const policyStoreId = z.string().min(1).max(200);
const policyId = z.string().min(1).max(200);
const question = { principal: entityIdentifier, action: actionIdentifier, resource: entityIdentifier };
const isAuthorizedRequest = z.strictObject({
  policyStoreId,
  ...question,
  context: contextDefinition.optional(),
  entities: entitiesDefinition.optional(),
});
const batchRequest = z.strictObject({
  policyStoreId,
  entities: entitiesDefinition.optional(),
  requests: z
    .array(z.strictObject({ ...question, context: contextDefinition.optional() }))
    .min(1)
    .max(MAX_BATCH),
});
const policyRequest = z.strictObject({ policyStoreId, policyId });
const batchGetRequest = z.strictObject({ requests: z.array(policyRequest).min(1).max(MAX_BATCH_GET) });
const storeRequest = z.strictObject({ policyStoreId });
const describeStoreRequest = z.strictObject({ policyStoreId, tags: z.boolean().optional() });
const paging = {
  maxResults: z.int().min(1).max(MAX_PAGE).default(10),
  nextToken: z.string().regex(/^\d+$/).optional(),
};
const listRequest = z.strictObject({ policyStoreId, ...paging });
const listStoresRequest = z.strictObject(paging);

export function createVerifiedPermissionsEngine(ctx: CloudContext): Engine {
  const stores = new Map<string, PolicyStore>();
  const access = new StoreAccess(ctx, stores);
  const service = new VerifiedPermissions(access);
  const changes = new StoreChanges(ctx, access);
  const operations: Readonly<Record<string, (call: AwsCall) => object>> = {
    IsAuthorized: (call) => service.isAuthorized(call),
    BatchIsAuthorized: (call) => service.batchIsAuthorized(call),
    GetPolicy: (call) => service.getPolicy(call),
    BatchGetPolicy: (call) => service.batchGetPolicy(call),
    ListPolicies: (call) => service.listPolicies(call),
    GetPolicyStore: (call) => service.getPolicyStore(call),
    GetSchema: (call) => service.getSchema(call),
    ListPolicyStores: (call) => service.listPolicyStores(call),
    CreatePolicyStore: (call) => changes.createPolicyStore(call),
    PutSchema: (call) => changes.putSchema(call),
    CreatePolicy: (call) => changes.createPolicy(call),
    DeletePolicyStore: (call) => changes.deletePolicyStore(call),
  };
  return {
    service: SERVICE,
    async handle(call): Promise<AwsReply> {
      const name = call.operation ?? `${call.method} ${call.path}`;
      const operation = Object.hasOwn(operations, name) ? operations[name] : undefined;
      if (operation === undefined) throw unknownOperation(SERVICE, name, Object.keys(operations));
      if (call.body.length > MAX_REQUEST_BYTES)
        throw invalid(`the request has ${call.body.length} bytes; ${MAX_REQUEST_BYTES} are allowed`);
      checkDepth(parseJsonBody(call.body));
      return { status: 200, body: operation(call) };
    },
    resources: {
      "AWS::VerifiedPermissions::PolicyStore": storeFactory(ctx, stores),
      "AWS::VerifiedPermissions::Policy": policyFactory(ctx, stores),
    },
    // The template's stores hold nothing but its schema and policies.
    async reset() {
      changes.reset();
    },
    async close() {},
  };
}

class VerifiedPermissions {
  constructor(private readonly access: StoreAccess) {}

  isAuthorized(call: AwsCall): object {
    const request = parseRequest(SERVICE, call.body, isAuthorizedRequest);
    const store = this.access.open(call.caller, "IsAuthorized", request.policyStoreId);
    return store.decide({ ...request, context: contextOf(request.context) }, entitiesOf(request.entities));
  }

  batchIsAuthorized(call: AwsCall): object {
    const { requests, ...request } = parseRequest(SERVICE, call.body, batchRequest);
    // The batch has no IAM action of its own.
    const store = this.access.open(call.caller, "IsAuthorized", request.policyStoreId);
    const entities = entitiesOf(request.entities);
    if (!allEqual(requests.map((each) => each.principal)) && !allEqual(requests.map((each) => each.resource)))
      throw invalid("requests: either the principal or the resource must be the same in all of them");
    return {
      results: requests.map((each) => ({
        request: each,
        ...store.decide({ ...each, context: contextOf(each.context) }, entities),
      })),
    };
  }

  getPolicy(call: AwsCall): object {
    const request = parseRequest(SERVICE, call.body, policyRequest);
    const store = this.access.open(call.caller, "GetPolicy", request.policyStoreId);
    const policy = store.policy(request.policyId);
    if (policy === undefined) throw notFound("POLICY", request.policyId);
    return { ...describePolicy(store, policy), definition: definitionOf(policy, true) };
  }

  batchGetPolicy(call: AwsCall): object {
    const { requests } = parseRequest(SERVICE, call.body, batchGetRequest);
    const results: object[] = [];
    const errors: object[] = [];
    for (const request of requests) {
      // The batch has no IAM action of its own either.
      this.access.authorize(call.caller, "GetPolicy", request.policyStoreId);
      const store = this.access.stores.get(request.policyStoreId);
      const policy = store?.policy(request.policyId);
      if (store !== undefined && policy !== undefined)
        results.push({ ...describeItem(store, policy), definition: definitionOf(policy, true) });
      else errors.push({ ...request, ...batchError(store === undefined) });
    }
    return { results, errors };
  }

  listPolicies(call: AwsCall): object {
    const request = parseRequest(SERVICE, call.body, listRequest);
    const store = this.access.open(call.caller, "ListPolicies", request.policyStoreId);
    const { items, ...more } = page(store.list(), request);
    const policies = items.map((policy) => ({
      ...describePolicy(store, policy),
      definition: definitionOf(policy, false),
    }));
    return { policies, ...more };
  }

  listPolicyStores(call: AwsCall): object {
    const request = parseRequest(SERVICE, call.body, listStoresRequest);
    this.access.authorizeAny(call.caller, "ListPolicyStores");
    const { items, ...more } = page([...this.access.stores.values()], request);
    return { policyStores: items.map(describeStore), ...more };
  }

  getPolicyStore(call: AwsCall): object {
    const request = parseRequest(SERVICE, call.body, describeStoreRequest);
    const { options } = this.access.open(call.caller, "GetPolicyStore", request.policyStoreId);
    return {
      ...describeStore({ options }),
      validationSettings: { mode: options.mode },
      deletionProtection: options.deletionProtection,
      cedarVersion: "CEDAR_4",
      ...(request.tags === true && { tags: options.tags }),
    };
  }

  getSchema(call: AwsCall): object {
    const request = parseRequest(SERVICE, call.body, storeRequest);
    const store = this.access.open(call.caller, "GetSchema", request.policyStoreId);
    if (store.schema === undefined) throw notFound("SCHEMA", request.policyStoreId);
    return {
      policyStoreId: store.options.id,
      schema: store.schema.text,
      namespaces: store.schema.namespaces,
      createdDate: iso(store.options.createdAtMs),
      lastUpdatedDate: iso(store.options.createdAtMs),
    };
  }
}

/** What all answers about a store share. */
function describeStore({ options }: Pick<PolicyStore, "options">): object {
  return {
    policyStoreId: options.id,
    arn: options.arn,
    createdDate: iso(options.createdAtMs),
    lastUpdatedDate: iso(options.createdAtMs),
    ...(options.description !== undefined && { description: options.description }),
  };
}

function page<T>(
  all: readonly T[],
  { maxResults, nextToken }: { readonly maxResults: number; readonly nextToken?: string | undefined },
): { readonly items: readonly T[]; readonly nextToken?: string } {
  const start = Number(nextToken ?? 0);
  const end = start + maxResults;
  return { items: all.slice(start, end), ...(end < all.length && { nextToken: String(end) }) };
}

function allEqual(values: readonly { entityType: string; entityId: string }[]): boolean {
  const [first] = values;
  return values.every((value) => value.entityType === first?.entityType && value.entityId === first.entityId);
}

function batchError(storeMissing: boolean): { code: string; message: string } {
  return storeMissing
    ? { code: "POLICY_STORE_NOT_FOUND", message: "there is no such policy store" }
    : { code: "POLICY_NOT_FOUND", message: "the policy store has no such policy" };
}
