/** dynalite ships no types; this is all that is used of it. */
declare module "dynalite" {
  import type { Server } from "node:http";

  interface DynaliteOptions {
    readonly createTableMs?: number;
    readonly deleteTableMs?: number;
  }
  export default function dynalite(options?: DynaliteOptions): Server;
}
