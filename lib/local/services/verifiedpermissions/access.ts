/** Which policy stores there are, and who may do what with one. */
import { type AccessQuestion, AwsFault, type Caller, type CloudContext } from "../../types.js";
import type { PolicyStore } from "./store.js";

const SERVICE = "verifiedpermissions";

export class StoreAccess {
  constructor(
    private readonly ctx: CloudContext,
    readonly stores: Map<string, PolicyStore>,
  ) {}

  arnOf(id: string): string {
    return `arn:aws:verifiedpermissions::${this.ctx.accountId}:policy-store/${id}`;
  }

  /** The store, if IAM lets the caller do this with it. @throws AwsFault AccessDeniedException, ResourceNotFoundException */
  open(caller: Caller, action: string, id: string): PolicyStore {
    this.authorize(caller, action, id);
    const store = this.stores.get(id);
    if (store === undefined) throw notFound("POLICY_STORE", id);
    return store;
  }

  /** For what concerns no single store. @throws AwsFault AccessDeniedException */
  authorizeAny(caller: Caller, action: string, context: AccessQuestion["context"] = {}): void {
    this.ctx.iam.authorize({ caller, action: `${SERVICE}:${action}`, resource: "*", context });
  }

  /** @throws AwsFault AccessDeniedException */
  authorize(caller: Caller, action: string, id: string): void {
    const tags = this.stores.get(id)?.options.tags ?? {};
    this.ctx.iam.authorize({
      caller,
      action: `${SERVICE}:${action}`,
      resource: this.arnOf(id),
      context: Object.fromEntries(Object.entries(tags).map(([key, value]) => [`aws:ResourceTag/${key}`, value])),
    });
  }
}

export function notFound(resourceType: string, resourceId: string): AwsFault {
  const message = `${resourceType.toLowerCase().replaceAll("_", " ")} ${resourceId} does not exist`;
  return new AwsFault("ResourceNotFoundException", message, 404, { resourceId, resourceType });
}
