import { createHash } from "node:crypto";
import * as z from "zod";
import type { SandboxStart } from "../../../../../../lib/contract/model.js";
import {
  cannedAnswers,
  type SandboxAnswer,
  type SandboxRequest,
  type SandboxSystem,
  serveSandbox,
} from "../../../../../../lib/local/sandbox.js";

const seedSchema = z.strictObject({
  customers: z.array(z.strictObject({ id: z.string(), name: z.string(), tier: z.string(), country: z.string() })),
  charges: z.array(
    z.strictObject({
      id: z.string(),
      customer: z.string(),
      amount: z.int(),
      description: z.string(),
      created: z.iso.datetime(),
    }),
  ),
  answers: cannedAnswers,
});
type Seed = z.output<typeof seedSchema>;

interface Refund {
  readonly id: string;
  readonly charge: string;
  readonly amount: number;
  readonly reason: string | null;
  readonly created: number;
}

/** As much of Stripe as the tools use: customers, charges, refunds, idempotency keys. */
class StripeSandbox implements SandboxSystem {
  private readonly refunds: Refund[] = [];
  private readonly byKey = new Map<string, { readonly bodyHash: string; readonly answer: SandboxAnswer }>();
  constructor(
    private readonly seed: Seed,
    private readonly now: () => number,
  ) {}

  state(): unknown {
    return { refunds: this.refunds.map(({ charge, amount, reason }) => ({ charge, amount, reason })) };
  }

  answer(request: SandboxRequest): SandboxAnswer {
    if (!/^Bearer \S+$/.test(request.headers.authorization ?? ""))
      return fault(401, "api_key_missing", "You did not provide an API key.");
    const charge = /^\/v1\/charges\/([^/]+)$/.exec(request.path);
    if (request.method === "GET" && charge?.[1] !== undefined) return this.charge(charge[1], expanded(request.query));
    if (request.method === "GET" && request.path === "/v1/charges") return this.charges(request.query);
    if (request.method === "POST" && request.path === "/v1/refunds")
      return this.once(request, () => this.refund(new URLSearchParams(request.body)));
    return fault(404, "resource_missing", `Unrecognized request URL (${request.method}: ${request.path}).`);
  }

  private charge(id: string, expand: ReadonlySet<string>): SandboxAnswer {
    const found = this.seed.charges.find((charge) => charge.id === id);
    return found === undefined
      ? fault(404, "resource_missing", `No such charge: '${id}'`)
      : { status: 200, body: this.render(found, expand) };
  }

  private charges(query: URLSearchParams): SandboxAnswer {
    const customer = query.get("customer");
    const expand = new Set([...expanded(query)].map((path) => path.replace(/^data\./, "")));
    const data = this.seed.charges.filter((charge) => customer === null || charge.customer === customer);
    return {
      status: 200,
      body: {
        object: "list",
        url: "/v1/charges",
        has_more: false,
        data: data.map((charge) => this.render(charge, expand)),
      },
    };
  }

  private render(charge: Seed["charges"][number], expand: ReadonlySet<string>): unknown {
    const refunds = this.refunds.filter((refund) => refund.charge === charge.id);
    const customer = this.seed.customers.find((candidate) => candidate.id === charge.customer);
    return {
      id: charge.id,
      object: "charge",
      amount: charge.amount,
      amount_refunded: refunds.reduce((sum, refund) => sum + refund.amount, 0),
      currency: "eur",
      description: charge.description,
      created: Math.floor(Date.parse(charge.created) / 1000),
      customer: expand.has("customer") && customer !== undefined ? renderCustomer(customer) : charge.customer,
      ...(expand.has("refunds")
        ? {
            refunds: {
              object: "list",
              has_more: false,
              url: `/v1/charges/${charge.id}/refunds`,
              data: refunds.map(renderRefund),
            },
          }
        : {}),
    };
  }

  private refund(form: URLSearchParams): SandboxAnswer {
    const charge = this.seed.charges.find((candidate) => candidate.id === form.get("charge"));
    if (charge === undefined) return fault(404, "resource_missing", `No such charge: '${form.get("charge")}'`);
    const refunded = this.refunds
      .filter((refund) => refund.charge === charge.id)
      .reduce((sum, refund) => sum + refund.amount, 0);
    const amount = Number(form.get("amount") ?? charge.amount - refunded);
    if (!Number.isSafeInteger(amount) || amount < 1)
      return fault(400, "parameter_invalid_integer", "Invalid integer: amount");
    if (refunded === charge.amount)
      return fault(400, "charge_already_refunded", `Charge ${charge.id} has already been refunded.`);
    if (amount > charge.amount - refunded)
      return fault(
        400,
        "amount_too_large",
        `Refund amount (${amount}) is greater than unrefunded amount on charge (${charge.amount - refunded})`,
      );
    const refund = {
      id: `re_${this.refunds.length + 1}${charge.id.slice(3)}`,
      charge: charge.id,
      amount,
      reason: form.get("reason"),
      created: Math.floor(this.now() / 1000),
    };
    this.refunds.push(refund);
    return { status: 200, body: renderRefund(refund) };
  }

  /** Stripe's idempotency: the same key gives the same answer, and is refused for other parameters. */
  private once(request: SandboxRequest, act: () => SandboxAnswer): SandboxAnswer {
    const key = request.headers["idempotency-key"];
    if (typeof key !== "string") return act();
    const bodyHash = createHash("sha256").update(request.body).digest("hex");
    const earlier = this.byKey.get(key);
    if (earlier !== undefined && earlier.bodyHash !== bodyHash)
      return fault(
        400,
        "idempotency_key_in_use",
        "Keys for idempotent requests can only be used with the same parameters they were first used with.",
      );
    const answer = earlier?.answer ?? act();
    this.byKey.set(key, { bodyHash, answer });
    return answer;
  }
}

function expanded(query: URLSearchParams): ReadonlySet<string> {
  return new Set([...query].filter(([name]) => /^expand(\[\d*\])?$/.test(name)).map(([, value]) => value));
}

function renderCustomer(customer: Seed["customers"][number]): unknown {
  return {
    id: customer.id,
    object: "customer",
    name: customer.name,
    metadata: { tier: customer.tier },
    address: { country: customer.country },
  };
}

function renderRefund(refund: Refund): unknown {
  return { object: "refund", currency: "eur", status: "succeeded", ...refund };
}

function fault(status: number, code: string, message: string): SandboxAnswer {
  return { status, body: { error: { type: "invalid_request_error", code, message } } };
}

export const start: SandboxStart = ({ seed, now }) =>
  serveSandbox(
    (value) => seedSchema.parse(value),
    (parsed) => new StripeSandbox(parsed, now),
    seed,
  );
