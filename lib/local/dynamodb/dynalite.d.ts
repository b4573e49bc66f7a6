/** dynalite ships no types; this is all that is used of it: its parts, without the HTTP server in front of them. */
declare module "dynalite/db/index.js" {
  interface DynaliteOptions {
    readonly createTableMs?: number;
    readonly deleteTableMs?: number;
  }
  export function create(options: DynaliteOptions): object;
}
declare module "dynalite/validations/index.js" {
  export function toLowerFirst(operation: string): string;
  /** changes `input`; answers the members that `types` names */
  export function checkTypes(input: object, types: object): object;
  export function checkValidations(input: object, types: object, custom: unknown, store: object): void;
}
