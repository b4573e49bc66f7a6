/** What every authorizer does, and how its policy store takes policies. */
import {
  CreatePolicyCommand,
  IsAuthorizedCommand,
  ListPoliciesCommand,
  PutSchemaCommand,
  type VerifiedPermissionsClient,
} from "@aws-sdk/client-verifiedpermissions";
import { describe, expect, test, vi } from "vitest";
import type { Authorizer } from "../../lib/aws/authorizer.js";
import type { AuthorizationRequest } from "../../lib/policy/request.js";

const long = { type: "Long" as const };
export const SCHEMA = {
  Billing: {
    entityTypes: {
      Agent: { shape: { type: "Record" as const, attributes: {} } },
      Customer: { shape: { type: "Record" as const, attributes: { tier: { type: "String" as const } } } },
    },
    actions: {
      writes: {},
      "stripe.refund": {
        memberOf: [{ id: "writes" }],
        appliesTo: {
          principalTypes: ["Agent"],
          resourceTypes: ["Customer"],
          context: { type: "Record" as const, attributes: { approvals: long, amount_cents: long } },
        },
      },
    },
  },
};
const REFUND = 'action == Billing::Action::"stripe.refund"';
/** by `@id` */
export const POLICIES = {
  "small-refunds": `@id("small-refunds")\n@reason("small amounts go unattended")\npermit (principal, ${REFUND}, resource)\nwhen { context.amount_cents <= 5000 };`,
  "asked-refunds": `// a person looked at it\n@id("asked-refunds")\npermit (principal, ${REFUND}, resource)\nwhen { context.amount_cents <= 50000 && context.approvals >= 1 };`,
  "no-vips": `@id("no-vips")\nforbid (principal, action in Billing::Action::"writes", resource)\nwhen { resource.tier == "vip" };`,
} as const;

function refund(amount_cents: number, approvals: number, attrs: Record<string, string> = { tier: "standard" }) {
  const resource = { type: "Billing::Customer", id: "cus_9" };
  return {
    principal: { entityType: "Billing::Agent", entityId: "billing-v3" },
    action: { actionType: "Billing::Action", actionId: "stripe.refund" },
    resource: { entityType: resource.type, entityId: resource.id },
    context: { amount_cents, approvals },
    entities: [
      { uid: { type: "Billing::Agent", id: "billing-v3" }, attrs: {}, parents: [] },
      { uid: resource, attrs, parents: [] },
    ],
  } satisfies AuthorizationRequest;
}

/** Verified Permissions needs seconds until a new policy counts: until the policies answer. */
export async function untilSettled(authorizer: Authorizer): Promise<void> {
  const names = async () => {
    const verdicts = [await authorizer.ask(refund(9000, 1)), await authorizer.ask(refund(1, 0, { tier: "vip" }))];
    return [...verdicts, await authorizer.ask(refund(1, 0))].flatMap(({ determining }) =>
      determining.map(({ id }) => id),
    );
  };
  const settled = async () => expect(await names()).toEqual(["asked-refunds", "no-vips", "small-refunds"]);
  await vi.waitFor(settled, { timeout: 60_000, interval: 1000 });
}

/** @param authorizer over SCHEMA and POLICIES */
export function authorizerSuite(authorizer: () => Authorizer): void {
  describe("an authorizer", () => {
    test("allows what a permit matches, and says which, with its reason and text", async () => {
      expect(await authorizer().ask(refund(5000, 0))).toEqual({
        allowed: true,
        determining: [{ id: "small-refunds", reason: "small amounts go unattended", text: POLICIES["small-refunds"] }],
        errors: [],
      });
      expect(await authorizer().ask(refund(50_000, 1))).toMatchObject({
        allowed: true,
        determining: [{ id: "asked-refunds", reason: "a person looked at it" }],
      });
    });

    test("names every permit that matches", async () => {
      const { allowed, determining } = await authorizer().ask(refund(100, 2));
      expect(allowed).toBe(true);
      expect(determining.map(({ id }) => id).toSorted()).toEqual(["asked-refunds", "small-refunds"]);
    });

    test("denies what no policy permits, and then no policy determines it", async () => {
      const denied = { allowed: false, determining: [], errors: [] };
      expect(await authorizer().ask(refund(5001, 0))).toEqual(denied);
      expect(await authorizer().ask(refund(50_001, 2))).toEqual(denied);
    });

    test("a forbid wins, also one on the group of the action, and alone determines", async () => {
      const verdict = await authorizer().ask(refund(100, 2, { tier: "vip" }));
      expect(verdict).toMatchObject({ allowed: false, determining: [{ id: "no-vips" }], errors: [] });
      expect(verdict.determining).toHaveLength(1);
    });

    test("says when a policy could not be evaluated, which must never pass for a clean answer", async () => {
      const { errors } = await authorizer().ask(refund(100, 0, {}));
      expect(errors.length).toBeGreaterThan(0);
      expect(errors.join()).toMatch(/tier/);
    });
  });
}

export interface TestedStore {
  readonly client: VerifiedPermissionsClient;
  /** strict, and without a schema until `fillStore` */
  readonly policyStoreId: string;
}

export async function fillStore({ client, policyStoreId }: TestedStore): Promise<void> {
  await client.send(new PutSchemaCommand({ policyStoreId, definition: { cedarJson: JSON.stringify(SCHEMA) } }));
  for (const [name, statement] of Object.entries(POLICIES))
    await client.send(
      new CreatePolicyCommand({ policyStoreId, name: `name/${name}`, definition: { static: { statement } } }),
    );
}

/** @param tested a filled store of Verified Permissions */
export function policyStoreSuite(tested: () => TestedStore): void {
  const add = (statement: string, more: { name?: string; clientToken?: string } = {}) => {
    const { client, policyStoreId } = tested();
    return client.send(new CreatePolicyCommand({ policyStoreId, definition: { static: { statement } }, ...more }));
  };
  const permits = async () => {
    const { client, policyStoreId } = tested();
    const { policies = [] } = await client.send(new ListPoliciesCommand({ policyStoreId, maxResults: 50 }));
    return policies.filter(({ effect }) => effect === "Permit").length;
  };

  describe("a strict policy store", () => {
    test.each([
      ["an attribute that the schema lacks", `permit (principal, ${REFUND}, resource) when { context.nope > 1 };`],
      ["an action that the schema lacks", 'permit (principal, action == Billing::Action::"nope", resource);'],
      ["a type that the schema lacks", `permit (principal is Billing::Robot, ${REFUND}, resource);`],
      ["values of two types compared", `permit (principal, ${REFUND}, resource) when { context.approvals > "1" };`],
      ["what is no Cedar", "permit (principal, action, resource"],
      ["two policies in one", `permit (principal, ${REFUND}, resource); permit (principal, ${REFUND}, resource);`],
    ])("refuses a policy with %s, and keeps nothing of it", async (_, statement) => {
      const before = await permits();
      await expect(add(statement)).rejects.toMatchObject({ name: "ValidationException" });
      expect(await permits()).toBe(before);
    });

    test("refuses a name that is taken", async () => {
      const again = add(POLICIES["small-refunds"], { name: "name/small-refunds" });
      await expect(again).rejects.toMatchObject({ name: "ConflictException" });
    });

    test("makes one policy of a request that comes twice, and takes its token for no other request", async () => {
      const clientToken = `twice-${Date.now()}`;
      const forbid = (cents: number) =>
        `forbid (principal, ${REFUND}, resource) when { context.amount_cents > ${cents} };`;
      const first = await add(forbid(900_000), { clientToken });
      expect((await add(forbid(900_000), { clientToken })).policyId).toBe(first.policyId);
      await expect(add(forbid(800_000), { clientToken })).rejects.toMatchObject({ name: "ConflictException" });
    });

    test("that does not exist answers nobody", async () => {
      const { principal, action, resource } = refund(1, 0);
      const elsewhere = { policyStoreId: "PSDOESNOTEXIST000000000", principal, action, resource };
      await expect(tested().client.send(new IsAuthorizedCommand(elsewhere))).rejects.toMatchObject({
        name: "ResourceNotFoundException",
        resourceType: "POLICY_STORE",
      });
    });
  });
}
