import {
  BatchGetPolicyCommand,
  BatchIsAuthorizedCommand,
  CreatePolicyCommand,
  CreatePolicyStoreCommand,
  DeletePolicyStoreCommand,
  GetPolicyCommand,
  GetPolicyStoreCommand,
  GetSchemaCommand,
  IsAuthorizedCommand,
  type IsAuthorizedCommandInput,
  ListPoliciesCommand,
  ListPolicyStoresCommand,
  PutSchemaCommand,
  VerifiedPermissionsClient,
} from "@aws-sdk/client-verifiedpermissions";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createVerifiedPermissionsEngine } from "../../../lib/local/services/verifiedpermissions.js";
import type { Engine } from "../../../lib/local/types.js";
import { create, type ServedEngine, serve, type TestCloud, testCloud } from "./harness.js";

const STORE = "AWS::VerifiedPermissions::PolicyStore";
const POLICY = "AWS::VerifiedPermissions::Policy";
const long = { type: "Long" };
const SCHEMA = {
  Billing: {
    entityTypes: { Agent: {}, Customer: { shape: { type: "Record", attributes: { tier: { type: "String" } } } } },
    actions: {
      writes: {},
      "stripe.refund": {
        memberOf: [{ id: "writes" }],
        appliesTo: {
          principalTypes: ["Agent"],
          resourceTypes: ["Customer"],
          context: {
            type: "Record",
            attributes: {
              approvals: long,
              input: { type: "Record", attributes: { amount_cents: long } },
              at: { type: "Extension", name: "decimal", required: false },
            },
          },
        },
      },
    },
  },
};
const REFUND = 'action == Billing::Action::"stripe.refund"';
const SMALL = `@id("small") permit (principal, ${REFUND}, resource) when { context.input.amount_cents <= 5000 };`;
const ASKED = `@id("asked") permit (principal, ${REFUND}, resource) when { context.input.amount_cents <= 50000 && context.approvals >= 1 };`;
const NO_VIP =
  '@id("vip") forbid (principal, action in Billing::Action::"writes", resource) when { resource.tier == "vip" };';

describe("verified permissions engine", () => {
  let cloud: TestCloud;
  let engine: Engine;
  let served: ServedEngine;
  let client: VerifiedPermissionsClient;
  let policyStoreId: string;
  const ids: Record<string, unknown> = {};

  const addPolicy = (logicalId: string, statement: string, name = `name/${logicalId}`) =>
    create(engine, POLICY, logicalId, {
      PolicyStoreId: policyStoreId,
      Name: name,
      Definition: { Static: { Statement: statement, Description: `about ${logicalId}` } },
    });

  beforeEach(async () => {
    cloud = testCloud();
    engine = createVerifiedPermissionsEngine(cloud.ctx);
    served = await serve(engine);
    client = new VerifiedPermissionsClient(served.config());
    const store = await create(engine, STORE, "Policies", {
      ValidationSettings: { Mode: "STRICT" },
      Schema: { CedarJson: JSON.stringify(SCHEMA) },
      Description: "billing",
      DeletionProtection: { Mode: "ENABLED" },
    });
    policyStoreId = store.ref;
    for (const [logicalId, statement] of Object.entries({ small: SMALL, asked: ASKED, vip: NO_VIP }))
      ids[logicalId] = (await addPolicy(logicalId, statement)).attributes.PolicyId;
  });
  afterEach(async () => {
    client.destroy();
    await served.close();
  });

  const refund = (amount: number, approvals: number, tier = "standard"): IsAuthorizedCommandInput => ({
    policyStoreId,
    principal: { entityType: "Billing::Agent", entityId: "billing-v3" },
    action: { actionType: "Billing::Action", actionId: "stripe.refund" },
    resource: { entityType: "Billing::Customer", entityId: "cus_9" },
    context: {
      contextMap: { approvals: { long: approvals }, input: { record: { amount_cents: { long: amount } } } },
    },
    entities: {
      entityList: [
        {
          identifier: { entityType: "Billing::Customer", entityId: "cus_9" },
          attributes: { tier: { string: tier } },
          parents: [],
        },
      ],
    },
  });
  const decide = (input: IsAuthorizedCommandInput) => client.send(new IsAuthorizedCommand(input));

  it("answers decision and determining policies by opaque id", async () => {
    expect(await decide(refund(4000, 0))).toMatchObject({
      decision: "ALLOW",
      determiningPolicies: [{ policyId: ids.small }],
      errors: [],
    });
    expect(await decide(refund(42_000, 0))).toMatchObject({ decision: "DENY", determiningPolicies: [] });
    expect(await decide(refund(42_000, 1))).toMatchObject({
      decision: "ALLOW",
      determiningPolicies: [{ policyId: ids.asked }],
    });
    expect(String(ids.small)).toMatch(/^[A-Za-z0-9]{22}$/);
    expect(cloud.iam.last("verifiedpermissions:IsAuthorized").resource).toBe(
      `arn:aws:verifiedpermissions::111111111111:policy-store/${policyStoreId}`,
    );
  });

  it("knows the schema's action groups", async () => {
    expect(await decide(refund(10, 2, "vip"))).toMatchObject({
      decision: "DENY",
      determiningPolicies: [{ policyId: ids.vip }],
    });
  });

  it("reads context and entities as Cedar JSON too", async () => {
    const answer = await decide({
      ...refund(0, 0),
      context: { cedarJson: JSON.stringify({ approvals: 1, input: { amount_cents: 9000 } }) },
      entities: {
        cedarJson: JSON.stringify([
          { uid: { type: "Billing::Customer", id: "cus_9" }, attrs: { tier: "a" }, parents: [] },
        ]),
      },
    });
    expect(answer.determiningPolicies).toEqual([{ policyId: ids.asked }]);
  });

  it("skips a policy that errors and says so, as Cedar does", async () => {
    const { entities: _none, ...withoutTier } = refund(4000, 0);
    const answer = await decide(withoutTier);
    expect(answer.decision).toBe("ALLOW");
    expect(answer.errors?.[0]?.errorDescription).toContain(String(ids.vip));
    expect(answer.errors?.[0]?.errorDescription).toContain("does not exist");
  });

  it.each([
    ["a fraction", { cedarJson: '{"approvals":0.5}' }, /approvals.*integer/],
    ["a null", { cedarJson: '{"approvals":null}' }, /null/],
    ["a rounded integer", { cedarJson: '{"approvals":9007199254740993}' }, /2\^53/],
    ["a fraction as long", { contextMap: { approvals: { long: 1.5 } } }, /approvals\.long: must be an integer/],
    ["an empty key", { contextMap: { "": { long: 1 } } }, /context/],
    ["a bad decimal", { contextMap: { at: { decimal: "1.2.3" } } }, /decimal/],
    ["deep nesting", { cedarJson: `{"a":${"[".repeat(200)}${"]".repeat(200)}}` }, /nested deeper/],
    ["no JSON", { cedarJson: "{" }, /no JSON/],
  ])("refuses %s in the context", async (_name, context, message) => {
    const sent = decide({ ...refund(1, 0), context });
    await expect(sent).rejects.toMatchObject({ name: "ValidationException" });
    await expect(sent).rejects.toThrow(message);
  });

  it("refuses action entities, unknown stores and oversized requests", async () => {
    const action = { identifier: { entityType: "Billing::Action", entityId: "writes" } };
    await expect(decide({ ...refund(1, 0), entities: { entityList: [action] } })).rejects.toThrow(/is an action/);
    await expect(decide({ ...refund(1, 0), policyStoreId: "none" })).rejects.toMatchObject({
      name: "ResourceNotFoundException",
      resourceType: "POLICY_STORE",
    });
    const huge = { contextMap: { text: { string: "x".repeat(1_000_001) } } };
    await expect(decide({ ...refund(1, 0), context: huge })).rejects.toThrow(/1000000 are allowed/);
  });

  it("refuses callers that IAM refuses", async () => {
    cloud.iam.refuse((question) => question.caller.principalArn.endsWith("role/propose"));
    const proposer = new VerifiedPermissionsClient(served.config("propose"));
    await expect(proposer.send(new IsAuthorizedCommand(refund(1, 0)))).rejects.toMatchObject({
      name: "AccessDeniedException",
    });
  });

  it("decides batches for one principal or resource", async () => {
    const { policyStoreId: _id, entities, ...first } = refund(4000, 0);
    const { entities: _e, policyStoreId: _p, ...second } = refund(42_000, 0);
    const batch = { policyStoreId, entities, requests: [first, second] };
    const { results } = await client.send(new BatchIsAuthorizedCommand(batch));
    expect(results?.map((result) => result.decision)).toEqual(["ALLOW", "DENY"]);
    const other = { entityType: "Billing::Agent", entityId: "other" };
    const elsewhere = { entityType: "Billing::Customer", entityId: "cus_1" };
    const mixed = { ...batch, requests: [first, { ...second, principal: other, resource: elsewhere }] };
    await expect(client.send(new BatchIsAuthorizedCommand(mixed))).rejects.toThrow(/principal or the resource/);
  });

  it("hands out policies by id and by name, one page at a time", async () => {
    const policy = await client.send(new GetPolicyCommand({ policyStoreId, policyId: "name/vip" }));
    expect(policy).toMatchObject({
      policyId: ids.vip,
      effect: "Forbid",
      actions: [{ actionType: "Billing::Action", actionId: "writes" }],
      definition: { static: { statement: NO_VIP, description: "about vip" } },
      createdDate: new Date("2026-11-21T09:00:00Z"),
    });
    const requests = [
      { policyStoreId, policyId: String(ids.small) },
      { policyStoreId, policyId: "none" },
    ];
    const { results, errors } = await client.send(new BatchGetPolicyCommand({ requests }));
    expect(results?.map((result) => result.name)).toEqual(["name/small"]);
    expect(errors?.map((error) => error.code)).toEqual(["POLICY_NOT_FOUND"]);
    expect(cloud.iam.last("verifiedpermissions:GetPolicy").resource).toContain(policyStoreId);
    const page = await client.send(new ListPoliciesCommand({ policyStoreId, maxResults: 2 }));
    const rest = await client.send(
      new ListPoliciesCommand({ policyStoreId, maxResults: 2, nextToken: page.nextToken }),
    );
    const listed = [...(page.policies ?? []), ...(rest.policies ?? [])];
    expect(listed.map((each) => each.name)).toEqual(["name/small", "name/asked", "name/vip"]);
    expect(rest.nextToken).toBeUndefined();
  });

  it("describes store and schema", async () => {
    const store = await client.send(new GetPolicyStoreCommand({ policyStoreId }));
    expect(store).toMatchObject({ validationSettings: { mode: "STRICT" }, deletionProtection: "ENABLED" });
    const { schema = "", namespaces } = await client.send(new GetSchemaCommand({ policyStoreId }));
    expect(JSON.parse(schema)).toEqual(SCHEMA);
    expect(namespaces).toEqual(["Billing"]);
  });

  it.each([
    ["an attribute the schema lacks", `permit (principal, ${REFUND}, resource) when { context.nope > 1 };`, /nope/],
    ["a syntax error", "permit (principal, action, resource", /parse|unexpected/],
    [
      "two policies in one",
      "permit (principal, action, resource); permit (principal, action, resource);",
      /unexpected token/,
    ],
    ["a template", "permit (principal, action, resource == ?resource);", /template/],
    ["an oversized policy", `${SMALL}//${"x".repeat(10_000)}`, /10000/],
  ])("refuses %s at creation, naming the policy", async (_name, statement, message) => {
    const refused = addPolicy("bad", statement);
    await expect(refused).rejects.toMatchObject({ code: "CS-4034" });
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.toThrow(/name\/bad/);
  });

  it("refuses a name twice, a name without its prefix, templates and unknown stores", async () => {
    await expect(addPolicy("again", SMALL, "name/small")).rejects.toMatchObject({ code: "CS-4031" });
    await expect(addPolicy("bare", SMALL, "small")).rejects.toThrow(/name\/ and then/);
    const Definition = { TemplateLinked: { PolicyTemplateId: "t" } };
    await expect(create(engine, POLICY, "T", { PolicyStoreId: policyStoreId, Definition })).rejects.toThrow(
      /Definition.TemplateLinked: not modelled|Definition.Static/,
    );
    const elsewhere = { PolicyStoreId: "none", Definition: { Static: { Statement: SMALL } } };
    await expect(create(engine, POLICY, "N", elsewhere)).rejects.toMatchObject({ code: "CS-4032" });
  });

  it.each([
    ["two namespaces", { A: { entityTypes: {}, actions: {} }, B: { entityTypes: {}, actions: {} } }, /2 namespaces/],
    ["the empty namespace", { "": { entityTypes: {}, actions: {} } }, /empty name/],
    [
      "an empty attribute name",
      { A: { entityTypes: { E: { shape: { type: "Record", attributes: { "": long } } } }, actions: {} } },
      /empty name/,
    ],
    ["a reserved namespace", { "Aws::X": { entityTypes: {}, actions: {} } }, /reserved/],
    ["what Cedar refuses", { A: { entityTypes: { E: { memberOfTypes: ["Nope"] } }, actions: {} } }, /Nope/],
    ["an oversized schema", { A: { entityTypes: {}, actions: { ["x".repeat(100_000)]: {} } } }, /100000/],
  ])("refuses a schema with %s", async (_name, schema, message) => {
    const properties = { ValidationSettings: { Mode: "STRICT" }, Schema: { CedarJson: JSON.stringify(schema) } };
    const refused = create(engine, STORE, "Bad", properties);
    await expect(refused).rejects.toMatchObject({ code: "CS-4033" });
    await expect(refused).rejects.toThrow(message);
  });

  it("takes unvalidated policies only when validation is off", async () => {
    const strict = await create(engine, STORE, "NoSchema", { ValidationSettings: { Mode: "STRICT" } });
    const Definition = { Static: { Statement: "permit (principal, action, resource) when { context.anything };" } };
    await expect(create(engine, POLICY, "P1", { PolicyStoreId: strict.ref, Definition })).rejects.toThrow(
      /has no schema/,
    );
    const off = await create(engine, STORE, "Off", { ValidationSettings: { Mode: "OFF" } });
    await create(engine, POLICY, "P2", { PolicyStoreId: off.ref, Definition });
    const context = { contextMap: { anything: { boolean: true } } };
    expect(await decide({ ...refund(0, 0), policyStoreId: off.ref, context })).toMatchObject({ decision: "ALLOW" });
  });

  describe("a store made by a call", () => {
    const strict = { validationSettings: { mode: "STRICT" as const } };
    const isThere = (id: string) => client.send(new GetPolicyStoreCommand({ policyStoreId: id, tags: true }));
    const gone = { name: "ResourceNotFoundException" };

    it("is asked for, filled, changed and deleted, each with its own permission on it", async () => {
      const { policyStoreId: id = "", arn } = await client.send(
        new CreatePolicyStoreCommand({ ...strict, description: "mine", tags: { team: "a" } }),
      );
      expect(id).toMatch(/^[A-Za-z0-9]{22}$/);
      expect(arn).toBe(`arn:aws:verifiedpermissions::111111111111:policy-store/${id}`);
      expect(cloud.iam.last("verifiedpermissions:CreatePolicyStore")).toMatchObject({
        resource: "*",
        context: { "aws:RequestTag/team": "a", "aws:TagKeys": ["team"] },
      });
      expect(cloud.iam.last("verifiedpermissions:TagResource").context).toEqual({
        "aws:RequestTag/team": "a",
        "aws:TagKeys": ["team"],
      });
      expect(await isThere(id)).toMatchObject({ description: "mine", tags: { team: "a" } });
      const { policyStores = [], nextToken } = await client.send(new ListPolicyStoresCommand({ maxResults: 1 }));
      const rest = await client.send(new ListPolicyStoresCommand({ maxResults: 1, nextToken }));
      const listed = [...policyStores, ...(rest.policyStores ?? [])];
      expect(listed.map(({ policyStoreId }) => policyStoreId)).toEqual([policyStoreId, id]);
      expect(cloud.iam.last("verifiedpermissions:ListPolicyStores").resource).toBe("*");
      const definition = { cedarJson: JSON.stringify(SCHEMA) };
      const { namespaces } = await client.send(new PutSchemaCommand({ policyStoreId: id, definition }));
      expect(namespaces).toEqual(["Billing"]);
      const made = await client.send(
        new CreatePolicyCommand({ policyStoreId: id, name: "name/x", definition: { static: { statement: NO_VIP } } }),
      );
      expect(made).toMatchObject({ effect: "Forbid", policyType: "STATIC", policyStoreId: id });
      expect(await decide({ ...refund(1, 1, "vip"), policyStoreId: id })).toMatchObject({
        determiningPolicies: [{ policyId: made.policyId }],
      });
      await client.send(new DeletePolicyStoreCommand({ policyStoreId: id }));
      await client.send(new DeletePolicyStoreCommand({ policyStoreId: id }));
      await expect(isThere(id)).rejects.toMatchObject(gone);
      for (const action of ["PutSchema", "CreatePolicy", "DeletePolicyStore"])
        expect(cloud.iam.last(`verifiedpermissions:${action}`).resource).toBe(arn);
    });

    it("does not check the policies of before against a new schema, but asks them with its groups", async () => {
      const { policyStoreId: id = "" } = await client.send(new CreatePolicyStoreCommand(strict));
      const put = (schema: object) =>
        client.send(new PutSchemaCommand({ policyStoreId: id, definition: { cedarJson: JSON.stringify(schema) } }));
      await put(SCHEMA);
      await client.send(new CreatePolicyCommand({ policyStoreId: id, definition: { static: { statement: NO_VIP } } }));
      const question = { ...refund(1, 1, "vip"), policyStoreId: id };
      expect((await decide(question)).determiningPolicies).toHaveLength(1);
      const { actions, ...types } = SCHEMA.Billing;
      const alone = { ...actions["stripe.refund"], memberOf: [] };
      await put({ Billing: { ...types, actions: { ...actions, "stripe.refund": alone } } });
      expect((await decide(question)).determiningPolicies).toEqual([]);
    });

    it.each([
      ["CreatePolicyStore", "the store is not made"],
      ["TagResource", "nor when only its tags are refused"],
    ])("needs %s: %s", async (action) => {
      cloud.iam.refuse((asked) => asked.action === `verifiedpermissions:${action}`);
      const tagged = new CreatePolicyStoreCommand({ ...strict, tags: { team: "a" } });
      await expect(client.send(tagged)).rejects.toMatchObject({ name: "AccessDeniedException" });
    });

    it.each([
      [
        "PutSchema",
        (id: string) => client.send(new PutSchemaCommand({ policyStoreId: id, definition: { cedarJson: "{}" } })),
      ],
      [
        "CreatePolicy",
        (id: string) =>
          client.send(new CreatePolicyCommand({ policyStoreId: id, definition: { static: { statement: SMALL } } })),
      ],
      ["DeletePolicyStore", (id: string) => client.send(new DeletePolicyStoreCommand({ policyStoreId: id }))],
    ])("needs %s; and a store of the template takes none, whoever asks", async (action, change) => {
      await expect(change(policyStoreId)).rejects.toThrow(/CS-4036 .*store of the template/);
      cloud.iam.refuse((asked) => asked.action === `verifiedpermissions:${action}`);
      await expect(change(policyStoreId)).rejects.toMatchObject({ name: "AccessDeniedException" });
      expect((await decide(refund(4000, 0))).decision).toBe("ALLOW");
    });

    it("is one for one client token, for eight hours", async () => {
      const make = (mode: "STRICT" | "OFF") =>
        client.send(new CreatePolicyStoreCommand({ validationSettings: { mode }, clientToken: "t-1" }));
      const first = await make("OFF");
      expect(await make("OFF")).toMatchObject({ policyStoreId: first.policyStoreId });
      await expect(make("STRICT")).rejects.toMatchObject({ name: "ConflictException" });
      cloud.advance(8 * 3_600_000);
      expect((await make("STRICT")).policyStoreId).not.toBe(first.policyStoreId);
    });

    it("with deletion protection stays, and a reset takes every one", async () => {
      const guarded = new CreatePolicyStoreCommand({ ...strict, deletionProtection: "ENABLED" });
      const { policyStoreId: id = "" } = await client.send(guarded);
      await expect(client.send(new DeletePolicyStoreCommand({ policyStoreId: id }))).rejects.toMatchObject({
        name: "InvalidStateException",
      });
      await engine.reset();
      await expect(isThere(id)).rejects.toMatchObject(gone);
      expect(await isThere(policyStoreId)).toMatchObject({ description: "billing" });
    });
  });
});
