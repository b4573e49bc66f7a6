/**
 * What the log's schemas use of zod, in a page: it stands for zod in the verifier that is one file, so that an auditor can read all of it. A test
 * compares the two on every kind of record and damage.
 */

/** Where a value is not as the schema says; undefined when it is. */
type Fault = readonly string[] | undefined;
type Find = (value: unknown) => Fault;
type Members = Readonly<Record<string, Schema>>;

const HERE: Fault = [];
const holds = (condition: boolean): Fault => (condition ? undefined : HERE);
const within = (key: string | number, fault: Fault): Fault => fault && [String(key), ...fault];
const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);

class Schema {
  readonly #find: Find;
  constructor(
    find: Find,
    readonly isOptional = false,
  ) {
    this.#find = find;
  }
  fault(value: unknown): Fault {
    return this.#find(value);
  }
  optional(): Schema {
    return new Schema((value) => (value === undefined ? undefined : this.fault(value)), true);
  }
  nullable(): Schema {
    return new Schema((value) => (value === null ? undefined : this.fault(value)));
  }
  protected also<T extends Schema>(make: new (find: Find) => T, condition: (value: unknown) => boolean): T {
    return new make((value) => this.fault(value) ?? holds(condition(value)));
  }
}

class Text extends Schema {
  regex(pattern: RegExp): Text {
    return this.also(Text, (value) => pattern.test(String(value)));
  }
  max(length: number): Text {
    return this.also(Text, (value) => String(value).length <= length);
  }
}

class Int extends Schema {
  min(least: number): Int {
    return this.also(Int, (value) => Number(value) >= least);
  }
  max(most: number): Int {
    return this.also(Int, (value) => Number(value) <= most);
  }
  positive(): Int {
    return this.min(1);
  }
}

/** Exactly these members. */
class Strict extends Schema {
  constructor(readonly members: Members) {
    super((value) => {
      if (!isObject(value)) return HERE;
      for (const [key, schema] of Object.entries(members)) {
        if (!Object.hasOwn(value, key) && schema.isOptional) continue;
        const fault = within(key, schema.fault(Reflect.get(value, key)));
        if (fault !== undefined) return fault;
      }
      return holds(Object.keys(value).every((key) => Object.hasOwn(members, key)));
    });
  }
  extend(more: Members): Strict {
    return new Strict({ ...this.members, ...more });
  }
}

function items(value: unknown, schemaOf: (index: number) => Schema | undefined): Fault {
  if (!Array.isArray(value)) return HERE;
  for (const [index, item] of value.entries()) {
    const fault = within(index, schemaOf(index)?.fault(item));
    if (fault !== undefined) return fault;
  }
  return undefined;
}

export const string = () => new Text((value) => holds(typeof value === "string"));
export const int = () => new Int((value) => holds(Number.isSafeInteger(value)));
export const boolean = () => new Schema((value) => holds(typeof value === "boolean"));
export const literal = (wanted: string | number) => new Schema((value) => holds(value === wanted));
const oneOf = (allowed: readonly string[]) =>
  new Schema((value) => holds(typeof value === "string" && allowed.includes(value)));

export { oneOf as enum };
export const custom = (condition: (value: unknown) => boolean) => new Schema((value) => holds(condition(value)));
export const array = (item: Schema) => new Schema((value) => items(value, () => item));
export const tuple = (each: readonly Schema[]) =>
  new Schema(
    (value) => items(value, (index) => each[index]) ?? holds(Array.isArray(value) && value.length === each.length),
  );
export const strictObject = (members: Members) => new Strict(members);
export const discriminatedUnion = (key: string, kinds: readonly Strict[]) =>
  new Schema((value) => {
    if (!isObject(value)) return HERE;
    const kind = kinds.find(({ members }) => members[key]?.fault(Reflect.get(value, key)) === undefined);
    return kind === undefined ? [key] : kind.fault(value);
  });

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
/** UTC with three decimals, of a day and an hour that there are. */
export const iso = {
  datetime: (_options: { readonly precision: 3 }) =>
    new Schema((value) => {
      if (typeof value !== "string" || !TIME.test(value)) return HERE;
      const time = new Date(value);
      return holds(!Number.isNaN(time.getTime()) && time.toISOString() === value);
    }),
};

/** Answers as zod does, as far as the verifier asks. */
export const compile = (schema: Schema, _options: { readonly strict: true }) => ({
  safeParse(value: unknown) {
    const path = schema.fault(value);
    return path === undefined ? { success: true, data: value } : { success: false, error: { issues: [{ path }] } };
  },
});
