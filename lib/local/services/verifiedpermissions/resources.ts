/** AWS::VerifiedPermissions::PolicyStore and AWS::VerifiedPermissions::Policy. */
import * as z from "zod";
import { CountersignError } from "../../../errors.js";
import type { CloudContext, ResourceFactory } from "../../types.js";
import { stableToken } from "../support/ids.js";
import { parseProperties, tagList, tagsOf, where } from "../support/properties.js";
import { PolicyStore } from "./store.js";

export const ID_LENGTH = 22;
export const storeDescription = z.string().max(150);
export const policyName = z
  .string()
  .regex(/^name\/[a-zA-Z0-9_-]{1,145}$/, "must be name/ and then letters, digits, _ and -, as CreatePolicy wants it");

const storeProperties = z.strictObject({
  ValidationSettings: z.strictObject({ Mode: z.enum(["STRICT", "OFF"]) }),
  Schema: z.strictObject({ CedarJson: z.string().optional() }).optional(),
  Description: storeDescription.optional(),
  DeletionProtection: z.strictObject({ Mode: z.enum(["ENABLED", "DISABLED"]) }).default({ Mode: "DISABLED" }),
  Tags: tagList.optional(),
});
const policyProperties = z.strictObject({
  PolicyStoreId: z.string(),
  Name: policyName.optional(),
  Definition: z.strictObject({
    Static: z.strictObject({ Statement: z.string().min(1), Description: storeDescription.optional() }),
  }),
});

export function storeFactory(ctx: CloudContext, stores: Map<string, PolicyStore>): ResourceFactory {
  return (request) => {
    const properties = parseProperties(request, storeProperties);
    const id = stableToken(request, ID_LENGTH, "policy-store");
    const arn = `arn:aws:verifiedpermissions::${ctx.accountId}:policy-store/${id}`;
    const store = new PolicyStore({
      id,
      arn,
      place: where(request),
      mode: properties.ValidationSettings.Mode,
      deletionProtection: properties.DeletionProtection.Mode,
      tags: tagsOf(properties.Tags),
      createdAtMs: ctx.clock.now(),
      ...(properties.Schema?.CedarJson !== undefined && { schemaText: properties.Schema.CedarJson }),
      ...(properties.Description !== undefined && { description: properties.Description }),
    });
    stores.set(id, store);
    return { ref: id, attributes: { Arn: arn, PolicyStoreId: id } };
  };
}

export function policyFactory(ctx: CloudContext, stores: ReadonlyMap<string, PolicyStore>): ResourceFactory {
  return (request) => {
    const { PolicyStoreId, Name, Definition } = parseProperties(request, policyProperties);
    const store = stores.get(PolicyStoreId);
    if (store === undefined)
      throw new CountersignError(
        "CS-4032",
        `${where(request)}: PolicyStoreId ${PolicyStoreId} is no policy store of this cloud; create the store first`,
      );
    const id = stableToken(request, ID_LENGTH, "policy");
    const place = Name === undefined ? where(request) : `${where(request)} (${Name})`;
    store.add(place, {
      id,
      statement: Definition.Static.Statement,
      createdAtMs: ctx.clock.now(),
      ...(Name !== undefined && { name: Name }),
      ...(Definition.Static.Description !== undefined && { description: Definition.Static.Description }),
    });
    return { ref: `${id}|${PolicyStoreId}`, attributes: { PolicyId: id, PolicyType: "STATIC" } };
  };
}
