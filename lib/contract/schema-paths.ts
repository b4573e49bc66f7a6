/**
 * Field paths such as `email`, `card.last4` and `items[].note`, over JSON Schema and over values. Zod schemas are turned
 * into JSON Schema once, here, with references resolved.
 */
import * as z from "zod";

/** The part of JSON Schema (2020-12) that zod produces and Countersign reads. */
export interface JsonSchema {
  readonly type?: string | readonly string[] | undefined;
  readonly properties?: Readonly<Record<string, JsonSchema>> | undefined;
  readonly required?: readonly string[] | undefined;
  readonly items?: JsonSchema | undefined;
  readonly additionalProperties?: boolean | JsonSchema | undefined;
  readonly enum?: readonly unknown[] | undefined;
  readonly const?: unknown;
  readonly format?: string | undefined;
  readonly minimum?: number | undefined;
  readonly exclusiveMinimum?: number | undefined;
  readonly anyOf?: readonly JsonSchema[] | undefined;
  readonly oneOf?: readonly JsonSchema[] | undefined;
  readonly allOf?: readonly JsonSchema[] | undefined;
  readonly prefixItems?: readonly JsonSchema[] | undefined;
  readonly $ref?: string | undefined;
}

const schemaNode: z.ZodType<JsonSchema> = z.lazy(() =>
  z.looseObject({
    type: z.union([z.string(), z.array(z.string())]).optional(),
    properties: z.record(z.string(), schemaNode).optional(),
    required: z.array(z.string()).optional(),
    items: schemaNode.optional().catch(undefined),
    additionalProperties: z.union([z.boolean(), schemaNode]).optional(),
    enum: z.array(z.unknown()).optional(),
    const: z.unknown().optional(),
    format: z.string().optional(),
    minimum: z.number().optional(),
    exclusiveMinimum: z.number().optional(),
    anyOf: z.array(schemaNode).optional(),
    oneOf: z.array(schemaNode).optional(),
    allOf: z.array(schemaNode).optional(),
    prefixItems: z.array(schemaNode).optional(),
    $ref: z.string().optional(),
  }),
);
const rootNode = z.looseObject({ $defs: z.record(z.string(), schemaNode).optional() });

/**
 * JSON Schema of a zod schema: `input` is what a caller may send, `output` what parsing answers (defaults filled in).
 * Recursive schemas keep a `$ref`, which no rule accepts.
 * @throws what zod throws for what JSON Schema cannot say (dates, big integers, transforms in `output`)
 */
export function jsonSchemaOf(schema: z.ZodType, io: "input" | "output"): JsonSchema {
  const cached = cache[io].get(schema);
  if (cached !== undefined) return cached;
  const raw = z.toJSONSchema(schema, { io, unrepresentable: "throw" });
  const defs = rootNode.parse(raw).$defs ?? {};
  const resolved = inline(schemaNode.parse(raw), defs, []);
  cache[io].set(schema, resolved);
  return resolved;
}
const cache = { input: new WeakMap<z.ZodType, JsonSchema>(), output: new WeakMap<z.ZodType, JsonSchema>() };

function inline(node: JsonSchema, defs: Readonly<Record<string, JsonSchema>>, open: readonly string[]): JsonSchema {
  if (node.$ref !== undefined) {
    const name = node.$ref.replace("#/$defs/", "");
    const target = Object.hasOwn(defs, name) ? defs[name] : undefined;
    return target === undefined || open.includes(name) ? { $ref: node.$ref } : inline(target, defs, [...open, name]);
  }
  const each = (list: readonly JsonSchema[] | undefined) => list?.map((item) => inline(item, defs, open));
  const { additionalProperties: extra } = node;
  return {
    ...node,
    properties:
      node.properties &&
      Object.fromEntries(Object.entries(node.properties).map(([key, value]) => [key, inline(value, defs, open)])),
    items: node.items && inline(node.items, defs, open),
    additionalProperties: typeof extra === "object" ? inline(extra, defs, open) : extra,
    anyOf: each(node.anyOf),
    oneOf: each(node.oneOf),
    allOf: each(node.allOf),
  };
}

/** `items[].note` → `["items", "[]", "note"]`; undefined when it is not a path. */
export function pathParts(path: string): readonly string[] | undefined {
  if (!/^[A-Za-z_][A-Za-z0-9_]*(\[\])*(\.[A-Za-z_][A-Za-z0-9_]*(\[\])*)*$/.test(path)) return undefined;
  return path.match(/[A-Za-z0-9_]+|\[\]/g) ?? undefined;
}

export interface SchemaField {
  readonly schema: JsonSchema;
  /** it, or something around it, may be absent */
  readonly optional: boolean;
  /** it is inside an array */
  readonly repeated: boolean;
}

/** The field at a path of an object schema; undefined when there is none. */
export function fieldAt(schema: JsonSchema, path: string): SchemaField | undefined {
  let field: SchemaField = { schema, optional: false, repeated: false };
  for (const part of pathParts(path) ?? [""]) {
    const { schema: at, optional, repeated } = field;
    if (part === "[]") {
      if (at.items === undefined) return undefined;
      field = { schema: at.items, optional, repeated: true };
    } else {
      const next = at.properties !== undefined && Object.hasOwn(at.properties, part) ? at.properties[part] : undefined;
      if (next === undefined) return undefined;
      field = { schema: next, optional: optional || !(at.required ?? []).includes(part), repeated };
    }
  }
  return field;
}

/** Every path of a schema, objects and arrays included: for "did you mean". */
export function fieldPaths(schema: JsonSchema, prefix = ""): readonly string[] {
  if (schema.items !== undefined && prefix !== "") return [`${prefix}[]`, ...fieldPaths(schema.items, `${prefix}[]`)];
  return Object.entries(schema.properties ?? {}).flatMap(([key, value]) => {
    const path = prefix === "" ? key : `${prefix}.${key}`;
    return [path, ...fieldPaths(value, path)];
  });
}

/** The Cedar scalar a field is, or undefined: strings and their enums, integers, booleans. */
export function scalarOf(schema: JsonSchema): "string" | "integer" | "boolean" | undefined {
  if (schema.type === "string" || schema.type === "integer" || schema.type === "boolean") return schema.type;
  const literals = schema.enum ?? (schema.const === undefined ? [] : [schema.const]);
  return schema.type === "number" && literals.length > 0 && literals.every(Number.isSafeInteger)
    ? "integer"
    : undefined;
}

/** A value found at a path; `path` is concrete: `items[0].note`. */
export interface Place {
  readonly path: string;
  readonly value: unknown;
}

/** Every place in `value` that `path` names, in order; none when it is absent. */
export function placesAt(value: unknown, path: string): readonly Place[] {
  let places: readonly Place[] = [{ path: "", value }];
  for (const part of pathParts(path) ?? [""]) {
    places = places.flatMap((place) => {
      if (part === "[]") {
        const items: readonly unknown[] = Array.isArray(place.value) ? place.value : [];
        return items.map((item, index) => ({ path: `${place.path}[${index}]`, value: item }));
      }
      const found = ownValue(place.value, part);
      return found === undefined ? [] : [{ path: place.path === "" ? part : `${place.path}.${part}`, value: found }];
    });
  }
  return places;
}

/** Every value that `path` names, in order. */
export function valuesAt(value: unknown, path: string): readonly unknown[] {
  return placesAt(value, path).map((place) => place.value);
}

function ownValue(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null && !Array.isArray(value) && Object.hasOwn(value, key)
    ? Reflect.get(value, key)
    : undefined;
}

/** Whether `path` is one of `sensitive`, inside one, or around one. */
export function touchesSensitive(path: string, sensitive: readonly string[]): boolean {
  const inside = (inner: string, outer: string) =>
    inner === outer || inner.startsWith(`${outer}.`) || inner.startsWith(`${outer}[`);
  return sensitive.some((other) => inside(path, other) || inside(other, path));
}
