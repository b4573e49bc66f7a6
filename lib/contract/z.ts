/**
 * The part of zod that contracts are written with. Named one by one: re-exporting all of zod puts 370 kB of locales and formats
 * into every function that bundles a contract. For more, `import * as z from "zod"` works as well.
 */

export type { infer, input, output, ZodObject, ZodType } from "zod";
export {
  array,
  boolean,
  discriminatedUnion,
  email,
  enum,
  int,
  int32,
  iso,
  json,
  literal,
  looseObject,
  number,
  object,
  record,
  strictObject,
  string,
  union,
  unknown,
  url,
  uuid,
} from "zod";
