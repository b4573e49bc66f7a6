/**
 * The Cedar schema generated from a contract: one namespace, what Verified Permissions takes as `cedarJson`, and what policies are
 * validated against in strict mode.
 *
 * **Facts.** The resource's attributes are its trusted facts. One that comes from the run's input is always there and `required`. One that comes from a
 * tool's result is unknown until that tool has answered; Cedar types attributes per entity type, not per action, so it is optional for every
 * action, and strict validation makes each policy that reads it ask `resource has tier` first. What that leaves open, a `forbid … when { resource
 * has tier && … }` that says nothing while the fact is unknown, is closed for writes: the guardrail `guardrail:facts` forbids every write until every fact is known, and
 * `authorizationRequest` refuses to ask. Reads may run without: they are how facts become known.
 */

import type { Contract, Tool } from "../contract/model.js";
import { fieldAt, jsonSchemaOf } from "../contract/schema-paths.js";
import { CountersignError } from "../errors.js";
import { type CedarAttribute, type CedarRecord, cedarRecord, cedarType } from "./cedar-types.js";
import { exposureNames, namespaceOf } from "./names.js";

export interface CedarEntityType {
  readonly memberOfTypes?: readonly string[];
  readonly shape: CedarRecord;
}
export interface CedarAction {
  readonly memberOf?: readonly { readonly id: string }[];
  readonly appliesTo?: {
    readonly principalTypes: readonly string[];
    readonly resourceTypes: readonly string[];
    readonly context: CedarRecord;
  };
}
export interface CedarNamespace {
  readonly entityTypes: Readonly<Record<string, CedarEntityType>>;
  readonly actions: Readonly<Record<string, CedarAction>>;
}
/** One entry: the namespace. JSON. */
export type CedarSchema = Readonly<Record<string, CedarNamespace>>;

const STRING = { type: "String" } as const;
const LONG = { type: "Long" } as const;
const BOOLEAN = { type: "Boolean" } as const;
const record = (attributes: Readonly<Record<string, CedarAttribute>>): CedarRecord => ({ type: "Record", attributes });

/** @throws CountersignError CS-1120 when the contract did not come from `checkContract` */
export function cedarSchema(contract: Contract): CedarSchema {
  const { type } = contract.resource;
  return {
    [namespaceOf(contract)]: {
      entityTypes: {
        Tenant: { shape: record({}) },
        Agent: {
          memberOfTypes: ["Tenant"],
          shape: record({ owner: STRING, autonomy: STRING, requester: STRING, tenant: STRING }),
        },
        [type]: { shape: record({ tenant: STRING, ...factTypes(contract) }) },
      },
      actions: {
        read: {},
        write: {},
        ...Object.fromEntries(
          contract.tools.map((tool): [string, CedarAction] => [
            tool.name,
            {
              memberOf: [{ id: tool.effect }],
              appliesTo: { principalTypes: ["Agent"], resourceTypes: [type], context: contextType(contract, tool) },
            },
          ]),
        ),
      },
    },
  };
}

/** What `context` holds for an action. */
export function contextType(contract: Contract, tool: Tool): CedarRecord {
  const exposure = exposureNames(contract, tool).flatMap(({ sum, count }): [string, CedarAttribute][] => [
    [sum, LONG],
    [count, LONG],
  ]);
  return record({
    /** the model's words: parsed and well-formed, never trusted. Defaults of the schema are filled in. */
    input: cedarRecord(jsonSchemaOf(tool.input, "output"), `${tool.name}.input`),
    /** how many people have approved: asked with 0, then 1, then 2 */
    approvals: LONG,
    /** percent, as the agent says */
    confidence: LONG,
    autonomy: STRING,
    /** the run has read text from outside */
    untrusted: BOOLEAN,
    destination_from_requester: BOOLEAN,
    reversibility: STRING,
    blast_radius: STRING,
    data_class: STRING,
    exposure: record(Object.fromEntries(exposure)),
    spent_micro_usd: LONG,
    budget_left_micro_usd: LONG,
    /** 0 to 23 and 1 (Monday) to 7, in the contract's time zone */
    hour: LONG,
    weekday: LONG,
    tenant: STRING,
    stage: STRING,
  });
}

/** Facts whose tool may not have answered yet. */
export function lookedUpFacts(contract: Contract): readonly string[] {
  return Object.entries(contract.resource.facts).flatMap(([fact, source]) =>
    source.startsWith("input.") ? [] : [fact],
  );
}

export function factTypes(contract: Contract): Readonly<Record<string, CedarAttribute>> {
  return Object.fromEntries(
    Object.entries(contract.resource.facts).map(([fact, source]): [string, CedarAttribute] => {
      const type = cedarType(factSchema(contract, source), `resource.${fact}`);
      return [fact, source.startsWith("input.") ? type : { ...type, required: false }];
    }),
  );
}

function factSchema(contract: Contract, source: string) {
  const [system = "", verb = "", ...path] = source.split(".");
  const tool = contract.tools.find(({ name }) => name === `${system}.${verb}`);
  const found = source.startsWith("input.")
    ? fieldAt(jsonSchemaOf(contract.input, "output"), source.slice("input.".length))
    : tool && fieldAt(jsonSchemaOf(tool.output, "output"), path.join("."));
  if (found !== undefined) return found.schema;
  throw new CountersignError("CS-1120", `resource fact: ${source} is no field; run \`countersign workflow check\``);
}
