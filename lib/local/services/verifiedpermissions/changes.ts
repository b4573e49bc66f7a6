/**
 * Policy stores made by a call: CreatePolicyStore, PutSchema, CreatePolicy, DeletePolicyStore. They live in memory until a reset. The
 * stores of a template stay as they were deployed: a change of theirs would be gone with the next start.
 */
import * as z from "zod";
import { CountersignError } from "../../../errors.js";
import { type AwsCall, AwsFault, type Caller, type CloudContext } from "../../types.js";
import { randomToken } from "../support/ids.js";
import { parseRequest, unknownMember } from "../support/request.js";
import type { StoreAccess } from "./access.js";
import { describePolicy, iso } from "./describe.js";
import { ID_LENGTH, policyName, storeDescription } from "./resources.js";
import { PolicyStore } from "./store.js";
import { invalid } from "./values.js";

const SERVICE = "verifiedpermissions";
/** so long is a client token known */
const TOKEN_LIFE_MS = 8 * 3_600_000;

const policyStoreId = z.string().min(1).max(200);
const clientToken = z
  .string()
  .regex(/^[a-zA-Z0-9-]{1,64}$/)
  .optional();
const createStoreRequest = z.strictObject({
  clientToken,
  validationSettings: z.strictObject({ mode: z.enum(["STRICT", "OFF"]) }),
  description: storeDescription.optional(),
  deletionProtection: z.enum(["ENABLED", "DISABLED"]).default("DISABLED"),
  tags: z.record(z.string().min(1).max(128), z.string().max(256)).default({}),
});
const putSchemaRequest = z.strictObject({
  policyStoreId,
  definition: z.strictObject({ cedarJson: z.string().min(1) }),
});
const createPolicyRequest = z.strictObject({
  clientToken,
  policyStoreId,
  name: policyName.optional(),
  definition: z.strictObject({
    static: z.strictObject({ statement: z.string().min(1), description: storeDescription.optional() }),
  }),
});
const deleteStoreRequest = z.strictObject({ policyStoreId });

interface Answered {
  /** the whole request, as JSON */
  readonly request: string;
  readonly answer: object;
  readonly atMs: number;
}

export class StoreChanges {
  private readonly created = new Set<string>();
  private readonly answered = new Map<string, Answered>();

  constructor(
    private readonly ctx: CloudContext,
    private readonly access: StoreAccess,
  ) {}

  createPolicyStore({ caller, body }: AwsCall): object {
    const request = parseRequest(SERVICE, body, createStoreRequest);
    const { iam } = this.ctx;
    const tags = Object.fromEntries(
      Object.entries(request.tags).map(([key, value]) => [`aws:RequestTag/${key}`, value]),
    );
    const context = { ...tags, "aws:TagKeys": Object.keys(request.tags) };
    this.access.authorizeAny(caller, "CreatePolicyStore", context);
    if (Object.keys(request.tags).length > 0)
      iam.authorize({ caller, action: `${SERVICE}:TagResource`, resource: this.access.arnOf("*"), context });
    return this.once("CreatePolicyStore", request, () => {
      const id = randomToken(ID_LENGTH);
      const arn = this.access.arnOf(id);
      const { description, deletionProtection, validationSettings } = request;
      const store = new PolicyStore({
        id,
        arn,
        place: `policy store ${id}`,
        mode: validationSettings.mode,
        deletionProtection,
        tags: request.tags,
        createdAtMs: this.ctx.clock.now(),
        ...(description !== undefined && { description }),
      });
      this.access.stores.set(id, store);
      this.created.add(id);
      return { policyStoreId: id, arn, ...this.datesOf(store.options.createdAtMs) };
    });
  }

  putSchema({ caller, body }: AwsCall): object {
    const request = parseRequest(SERVICE, body, putSchemaRequest);
    const store = this.changeable(caller, "PutSchema", request.policyStoreId);
    const schema = refusable(() => store.putSchema(request.definition.cedarJson));
    return {
      policyStoreId: store.options.id,
      namespaces: schema.namespaces,
      ...this.datesOf(store.options.createdAtMs),
    };
  }

  createPolicy({ caller, body }: AwsCall): object {
    const request = parseRequest(SERVICE, body, createPolicyRequest);
    const store = this.changeable(caller, "CreatePolicy", request.policyStoreId);
    return this.once("CreatePolicy", request, () => {
      const { statement, description } = request.definition.static;
      const policy = refusable(() =>
        store.add(`policy store ${store.options.id}`, {
          id: randomToken(ID_LENGTH),
          statement,
          createdAtMs: this.ctx.clock.now(),
          ...(request.name !== undefined && { name: request.name }),
          ...(description !== undefined && { description }),
        }),
      );
      return describePolicy(store, policy);
    });
  }

  /** A store that is not there is deleted already. */
  deletePolicyStore({ caller, body }: AwsCall): object {
    const { policyStoreId: id } = parseRequest(SERVICE, body, deleteStoreRequest);
    this.access.authorize(caller, "DeletePolicyStore", id);
    const store = this.access.stores.get(id);
    if (store === undefined) return {};
    this.assertCreated(id);
    if (store.options.deletionProtection === "ENABLED")
      throw new AwsFault("InvalidStateException", `policy store ${id} has deletion protection; switch it off first`);
    this.forget(id);
    return {};
  }

  reset(): void {
    for (const id of this.created) this.forget(id);
    this.answered.clear();
  }

  private forget(id: string): void {
    this.access.stores.delete(id);
    this.created.delete(id);
  }

  private changeable(caller: Caller, action: string, id: string): PolicyStore {
    const store = this.access.open(caller, action, id);
    this.assertCreated(id);
    return store;
  }

  private assertCreated(id: string): void {
    if (!this.created.has(id))
      throw unknownMember(SERVICE, `a change of ${id}, a policy store of the template,`, "change the template instead");
  }

  /** The same token again is the same request again, and answered alike. */
  private once(
    operation: string,
    request: { readonly clientToken?: string | undefined },
    perform: () => object,
  ): object {
    const { clientToken: token } = request;
    if (token === undefined) return perform();
    const key = `${operation} ${token}`;
    const now = this.ctx.clock.now();
    const before = this.answered.get(key);
    const json = JSON.stringify(request);
    if (before !== undefined && now - before.atMs < TOKEN_LIFE_MS) {
      if (before.request === json) return before.answer;
      throw new AwsFault("ConflictException", `clientToken ${token} was used for another request`, 409);
    }
    const answer = perform();
    this.answered.set(key, { request: json, answer, atMs: now });
    return answer;
  }

  private datesOf(createdAtMs: number): object {
    return { createdDate: iso(createdAtMs), lastUpdatedDate: iso(this.ctx.clock.now()) };
  }
}

/** What a template may not hold, a call may not send. */
function refusable<T>(change: () => T): T {
  try {
    return change();
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error;
    if (error.code === "CS-4031") throw new AwsFault("ConflictException", error.message, 409);
    throw invalid(error.message);
  }
}
