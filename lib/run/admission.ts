/** The front door: may this run begin? Either way there is a record. */
import type * as z from "zod";
import { strictestDataClass } from "../contract/data-class.js";
import type { Contract } from "../contract/model.js";
import { agentId } from "../policy/names.js";
import { hashJson, isJson, isJsonObject, type Json, jsonSizeBytes, sameJson } from "./canonical.js";
import { failed, freshnessFault, passed, skipped } from "./checks.js";
import { firstContext } from "./context.js";
import { cut } from "./cut.js";
import type { Check } from "./events.js";
import { isDeeper, JSON_FAULTS, jsonFault, MAX_VALUE_DEPTH } from "./json.js";
import { faultText } from "./proposal.js";
import { MAX_ARGS_BYTES } from "./protocol.js";
import { jsonAt, noncesOf, redact, sealedAs } from "./redact.js";
import { isoTime } from "./time.js";
import type { Admission, AdmissionInput } from "./types.js";

interface Refusal {
  readonly code: string;
  readonly detail: string;
}
const ORDER: readonly (readonly [Check["name"], (input: AdmissionInput) => Refusal | undefined])[] = [
  ["brake", brakeRefusal],
  ["schema", schemaRefusal],
  ["freshness", freshnessRefusal],
  ["duplicate", duplicateRefusal],
  ["budget", budgetRefusal],
];

export function admit(input: AdmissionInput): Admission {
  const checks: Check[] = [];
  for (const [index, [name, check]] of ORDER.entries()) {
    const refusal = check(input);
    if (refusal !== undefined) {
      const rest = ORDER.slice(index + 1).map(([later]) => later);
      checks.push(failed(name, refusal.detail), ...skipped(rest, "an earlier check failed"));
      return refused(input, refusal, checks);
    }
    checks.push(passed(name));
  }
  return started(input, checks);
}

function refused({ requester, contract }: AdmissionInput, { code, detail }: Refusal, checks: Check[]): Admission {
  const data = { requester, code, reason: detail, checks, data_class: strictestDataClass(contract) };
  return { kind: "refused", step: "0.admit", events: [{ type: "RunRefused", data }], code, message: detail };
}

function started(request: AdmissionInput, checks: Check[]): Admission {
  const { contract, hashes, runId, tenant, input, nowMs } = request;
  const { redacted, sealed } = redact(input, contract.sensitive, noncesOf(request.runSecret, 0, "input"));
  const data = {
    requester: request.requester,
    agent: agentId(contract),
    model: contract.agent.kind === "bedrock" ? contract.agent.model : contract.agent.kind,
    contract_version: contract.version,
    contract_hash: hashes.contractHash,
    policy_set_hash: hashes.policySetHash,
    stage: request.stage,
    autonomy: contract.autonomy,
    reference: referenceOf(contract, input),
    input: redacted,
    input_hash: hashJson(redacted),
    budget_micro_usd: contract.budget.perRunMicroUsd,
    expires_at: isoTime(nowMs + contract.limits.runTimeMs),
    checks,
    data_class: strictestDataClass(contract),
  };
  return {
    kind: "started",
    step: "0.admit",
    events: [{ type: "RunStarted", data }],
    sealed: Object.keys(sealed).length === 0 ? [] : [{ index: 0, values: sealedAs("input", sealed) }],
    context: firstContext({
      run_id: runId,
      workflow: contract.name,
      version: contract.version,
      tenant,
      input,
      budget_left_micro_usd: contract.budget.perRunMicroUsd,
      steps_left: contract.limits.steps,
    }),
    leaseMicroUsd: contract.budget.perRunMicroUsd,
  };
}

function referenceOf(contract: Contract, input: Json): string | null {
  const value = contract.reference === undefined ? undefined : jsonAt(input, contract.reference);
  return typeof value === "string" || typeof value === "number" ? String(value) : null;
}

function brakeRefusal({ brake, contract }: AdmissionInput): Refusal | undefined {
  if (!brake.on) return undefined;
  const detail = `${contract.name}: stopped by ${brake.by} at ${brake.at}: ${brake.reason}; ask the operator to resume it`;
  return { code: "CS-3001", detail };
}

function schemaRefusal({ contract, tenant, input }: AdmissionInput): Refusal | undefined {
  if (!contract.tenants.includes(tenant)) {
    return { code: "CS-3002", detail: `tenant: "${tenant}" is not allowed; use ${contract.tenants.join(" or ")}` };
  }
  const fault = jsonFault(input);
  if (fault !== undefined) return { code: "CS-3004", detail: `input: ${JSON_FAULTS[fault]}` };
  if (isDeeper(input, MAX_VALUE_DEPTH))
    return { code: "CS-3004", detail: `input: nested deeper than ${MAX_VALUE_DEPTH} levels` };
  if (jsonSizeBytes(input) > MAX_ARGS_BYTES)
    return { code: "CS-3004", detail: `input: more than ${MAX_ARGS_BYTES} bytes` };
  const parsed = contract.input.safeParse(input);
  if (!parsed.success) return { code: "CS-3003", detail: `input: ${inputFault(parsed.error)}` };
  const value: unknown = parsed.data;
  if (isJson(value) && isJsonObject(value) && sameJson(value, input)) return undefined;
  return { code: "CS-3003", detail: "input: parsing would change it; give every value exactly as the schema has it" };
}

const inputFault = (error: z.ZodError) => cut(faultText(error), 400);

function freshnessRefusal({ contract, input, nowMs }: AdmissionInput): Refusal | undefined {
  const detail = freshnessFault(contract, input, nowMs);
  return detail === undefined ? undefined : { code: "CS-3005", detail };
}

function duplicateRefusal({ contract, duplicateOf, runId }: AdmissionInput): Refusal | undefined {
  if (duplicateOf === null || duplicateOf === runId) return undefined;
  const detail = `input: run ${duplicateOf} is open with the same ${contract.unique.join(", ")}; wait until it is closed`;
  return { code: "CS-3006", detail };
}

function budgetRefusal({ contract, dayLeftMicroUsd }: AdmissionInput): Refusal | undefined {
  const needed = contract.budget.perRunMicroUsd;
  if (dayLeftMicroUsd >= needed) return undefined;
  const detail = `budget: ${dayLeftMicroUsd} micro-USD of the day's ${contract.budget.perDayMicroUsd} are left, a run leases ${needed}`;
  return { code: "CS-3007", detail };
}
