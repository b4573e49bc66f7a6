/** Policy decisions a second as the set grows, in the local authorizer and in the embedded Verified Permissions. */

import type { Contract, Tool } from "../lib/contract/model.js";
import { createVerifiedPermissionsEngine } from "../lib/local/services/verifiedpermissions.js";
import type { AwsCall } from "../lib/local/types.js";
import { createAuthorizer } from "../lib/policy/local-authorizer.js";
import { authorizationRequest, type PolicyFacts } from "../lib/policy/request.js";
import { type PolicySource, policySet } from "../lib/policy/source.js";
import { context } from "./engines.js";
import { type Benchmark, type Case, type Figure, interleave } from "./measure.js";
import { referenceContract } from "./reference.js";

const SIZES = [10, 100, 1000, 10_000] as const;
const PER_TOOL = 10;
const ROUNDS = { rounds: 9, calls: 400 };

export const gate: Benchmark = {
  name: "gate",
  about: `decisions with 10 to 10,000 policies: ${PER_TOOL} a tool, as sets grow with tools; and one policy a customer of a single tool`,
  async run() {
    const contract = await referenceContract();
    return [...(await byTool(contract)), ...(await byCustomer(contract)), ...(await inVerifiedPermissions(contract))];
  },
};

async function byTool(contract: Contract): Promise<Figure[]> {
  const cases = SIZES.map((size): Case => {
    const wide = withTools(contract, size / PER_TOOL);
    const set = policySet(wide, wide.tools.flatMap(policiesOf));
    const authorize = createAuthorizer(set, set.schema);
    return { name: String(size), run: asking(wide, wide.tools, authorize) };
  });
  const median = await interleave(cases, ROUNDS);
  const perSecond = (size: number) => 1000 / median(String(size));
  const rates = SIZES.map(perSecond);
  return [
    ...SIZES.map(
      (size): Figure => ({
        name: `local authorizer, ${size.toLocaleString("en-US")} policies of ${size / PER_TOOL} tools`,
        value: perSecond(size),
        unit: "/s",
        aim: { atLeast: 4000 },
      }),
    ),
    {
      name: "fastest against slowest",
      value: Math.max(...rates) / Math.min(...rates),
      unit: "x",
      aim: { atMost: 2 },
    },
  ];
}

async function byCustomer(contract: Contract): Promise<Figure[]> {
  const [tool] = withTools(contract, 1).tools;
  if (tool === undefined) throw new Error("no tool");
  const one = { ...contract, tools: [tool, ...contract.tools] };
  const cases = [10, 10_000].map((size): Case => {
    const set = policySet(one, customerPolicies(tool, size));
    return { name: String(size), run: asking(one, [tool], createAuthorizer(set, set.schema), size) };
  });
  const median = await interleave(cases, ROUNDS);
  return [10, 10_000].map((size) => ({
    name: `local authorizer, one tool, a policy for each of ${size.toLocaleString("en-US")} customers`,
    value: 1000 / median(String(size)),
    unit: "/s",
  }));
}

/** The embedded service without its socket: request parsing included. Its quota for policies allows one each for many resources only. */
async function inVerifiedPermissions(contract: Contract): Promise<Figure[]> {
  const [tool] = withTools(contract, 1).tools;
  if (tool === undefined) throw new Error("no tool");
  const one = { ...contract, tools: [tool, ...contract.tools] };
  const sizes = [10, 1000];
  const cases: Case[] = [];
  for (const size of sizes) {
    const engine = createVerifiedPermissionsEngine(context);
    const set = policySet(one, customerPolicies(tool, size));
    const create = (type: string, logicalId: string, properties: Record<string, unknown>) =>
      engine.resources[type]?.({
        type,
        logicalId,
        stackName: `s${size}`,
        defaultName: logicalId,
        metadata: {},
        properties,
      });
    const store = await create("AWS::VerifiedPermissions::PolicyStore", "Store", {
      ValidationSettings: { Mode: "OFF" },
      Schema: { CedarJson: JSON.stringify(set.schema) },
    });
    const PolicyStoreId = store?.ref;
    for (const [index, { text }] of set.policies.entries())
      await create("AWS::VerifiedPermissions::Policy", `P${index}`, {
        PolicyStoreId,
        Definition: { Static: { Statement: text } },
      });
    let n = 0;
    const run = () => {
      n = (n + 1) % Math.min(size, 500);
      const { principal, action, resource, context, entities } = authorizationRequest(one, facts(tool, `cus_${n}`));
      const body = JSON.stringify({
        policyStoreId: PolicyStoreId,
        principal,
        action,
        resource,
        context: { cedarJson: JSON.stringify(context) },
        entities: { cedarJson: JSON.stringify(entities) },
      });
      return engine.handle({ ...CALL, body: Buffer.from(body) });
    };
    cases.push({ name: String(size), run });
  }
  const median = await interleave(cases, ROUNDS);
  return sizes.map((size) => ({
    name: `embedded Verified Permissions, a policy for each of ${size.toLocaleString("en-US")} customers`,
    value: 1000 / median(String(size)),
    unit: "/s",
  }));
}

const CALL: Omit<AwsCall, "body"> = {
  service: "verifiedpermissions",
  caller: {
    principalArn: "arn:aws:iam::111111111111:role/bench",
    sessionArn: "arn:aws:sts::111111111111:assumed-role/bench/b",
    accountId: "111111111111",
  },
  method: "POST",
  path: "/",
  query: new URLSearchParams(),
  headers: {},
  operation: "IsAuthorized",
};

/** The contract with copies of one of its reads in place of its tools. */
function withTools(contract: Contract, count: number): Contract {
  const model = contract.tools.find(({ name }) => name === "stripe.lookup_charge");
  if (model === undefined) throw new Error("the reference workflow has no stripe.lookup_charge");
  const copies = Array.from({ length: count }, (_, n): Tool => ({ ...model, name: `desk.read_case_${n}` }));
  // those that facts come from stay
  return { ...contract, tools: [...copies, ...contract.tools] };
}

function policiesOf(tool: Tool): PolicySource[] {
  if (!tool.name.startsWith("desk.")) return [];
  return Array.from({ length: PER_TOOL }, (_, n) => source(`${tool.name}-${n}`, tool, "resource", n));
}

const customerPolicies = (tool: Tool, count: number): PolicySource[] =>
  Array.from({ length: count }, (_, n) =>
    source(`customer-${n}`, tool, `resource == BillingDispute::Customer::"cus_${n}"`, n % PER_TOOL),
  );

function source(id: string, tool: Tool, resource: string, n: number): PolicySource {
  const text = `@id("${id}") permit (principal, action == BillingDispute::Action::"${tool.name}", ${resource})
when { context.input.charge_id == resource.charge_id && context.hour >= ${n} && context.approvals >= ${n % 3} };`;
  return { id, text, file: "bench.cedar", line: 1 };
}

/** Asks about every tool in turn, and about as many customers as there are policies for. */
function asking(
  contract: Contract,
  tools: readonly Tool[],
  authorize: ReturnType<typeof createAuthorizer>,
  customers = 1,
): () => void {
  const asked = tools.filter(({ name }) => name.startsWith("desk."));
  let n = 0;
  return () => {
    n += 1;
    const tool = asked[n % Math.min(asked.length, 200)];
    if (tool === undefined) return;
    const { decision, errors } = authorize(
      authorizationRequest(contract, facts(tool, `cus_${n % Math.min(customers, 500)}`)),
    );
    if (decision !== "allow" || errors.length > 0) throw new Error(`${tool.name}: ${decision} ${errors.join()}`);
  };
}

function facts(tool: Tool, customer: string): PolicyFacts {
  return {
    tenant: "acme",
    stage: "dev",
    requester: "dana@example.com",
    tool,
    args: { charge_id: "ch_77" },
    resource: {
      id: customer,
      facts: { customer_id: customer, charge_id: "ch_77", ticket_id: "4411", tier: "standard", country: "DE" },
    },
    approvals: 2,
    confidencePercent: 95,
    untrusted: false,
    destinationFromRequester: true,
    exposure: {},
    spentMicroUsd: 1000,
    budgetLeftMicroUsd: 289_000,
    hour: 14,
    weekday: 3,
  };
}
