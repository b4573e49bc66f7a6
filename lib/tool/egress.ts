/**
 * Refuses connections of a tool's code to anything but the places it may reach. Every TCP connection of Node (net, tls, http,
 * https, http2, fetch, undici) goes through `net.Socket.prototype.connect`; UDP, raw name look-ups, child processes and workers,
 * which could go around it, are refused too. It guards against mistakes and against a URL that came out of a ticket, in the same
 * process; a network boundary for hostile code is the account's job (VPC egress rules).
 */
import childProcess from "node:child_process";
import dgram from "node:dgram";
import dns from "node:dns";
import { syncBuiltinESMExports } from "node:module";
import net from "node:net";
import workerThreads from "node:worker_threads";
import { CountersignError } from "../errors.js";
import { hostRefused, isAllowed, type Place } from "./hosts.js";

export interface EgressRules {
  /** for messages: the tool's name */
  readonly tool: string;
  /** for messages: the contract's hosts */
  readonly hosts: readonly string[];
  readonly places: readonly Place[];
}

type Patch = () => void;

/** Puts the guard in place for the whole process; the returned function takes it off again (tests). */
export function installEgress(rules: EgressRules): () => void {
  const undo: Patch[] = [];
  patchConnect(rules, undo);
  patchDatagrams(rules, undo);
  patchLookups(rules, undo);
  patchProcesses(rules, undo);
  syncBuiltinESMExports();
  return () => {
    for (const restore of undo.reverse()) restore();
    syncBuiltinESMExports();
  };
}

function patchConnect(rules: EgressRules, undo: Patch[]): void {
  const original = net.Socket.prototype.connect;
  const guarded = function (this: net.Socket, ...args: unknown[]): net.Socket {
    const target = targetOf(args);
    if (target !== undefined && isAllowed(rules.places, target.host, target.port))
      return Reflect.apply(original, this, args);
    const shown = target === undefined ? "a socket file" : `${target.host}:${target.port}`;
    // As a failed connection, so that every client reports it the way it reports those.
    process.nextTick(() => this.destroy(hostRefused(rules.tool, shown, rules.hosts)));
    return this;
  };
  replace(net.Socket.prototype, "connect", guarded, undo);
}

/** Node's own, as clients that were loaded earlier hold it. Any other could resolve an allowed name to any address. */
const UNGUARDED_LOOKUP: unknown = dns.lookup;

/** `connect(options)`, `connect(port, host)`, `connect(path)`, or Node's own normalised `[options, callback]`. */
function targetOf(args: readonly unknown[]): { readonly host: string; readonly port: number } | undefined {
  const [first, second] = isNormalised(args[0]) ? args[0] : args;
  if (isRecord(first)) {
    // Node connects to a path before it looks at host and port, and to whatever address a `lookup` of the caller's says.
    if (first.path !== undefined && first.path !== null && first.path !== "") return undefined;
    if (first.lookup !== undefined && first.lookup !== dns.lookup && first.lookup !== UNGUARDED_LOOKUP)
      return undefined;
    return portOf(first.port, first.host);
  }
  return portOf(first, second);
}

/** An array with members of its own is what Node would read as options. */
function isNormalised(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && !["port", "host", "path"].some((name) => name in value);
}

function portOf(port: unknown, host: unknown) {
  const number = typeof port === "number" ? port : typeof port === "string" && /^\d+$/.test(port) ? Number(port) : NaN;
  return Number.isInteger(number)
    ? { host: typeof host === "string" && host !== "" ? host : "localhost", port: number }
    : undefined;
}

function patchDatagrams(rules: EgressRules, undo: Patch[]): void {
  for (const name of ["connect", "send", "sendto"]) {
    if (typeof Reflect.get(dgram.Socket.prototype, name) !== "function") continue;
    replace(
      dgram.Socket.prototype,
      name,
      () => {
        throw hostRefused(rules.tool, "a UDP address", rules.hosts);
      },
      undo,
    );
  }
}

/** A look-up carries its name out of the company, so only names that may be connected to are looked up. */
function patchLookups(rules: EgressRules, undo: Patch[]): void {
  const mayLookUp = (name: unknown) =>
    typeof name === "string" && rules.places.some((place) => isAllowed([place], name, place.port));
  const owners = [dns, dns.promises, dns.Resolver.prototype, dns.promises.Resolver.prototype];
  for (const owner of owners) {
    for (const name of namesOf(owner).filter((key) => /^(?:lookup|resolve|reverse)/.test(key))) {
      const original: unknown = Reflect.get(owner, name);
      if (typeof original !== "function") continue;
      const guarded = function (this: unknown, ...args: unknown[]): unknown {
        if (mayLookUp(args[0])) return Reflect.apply(original, this, args);
        const refused = hostRefused(rules.tool, String(args[0]), rules.hosts);
        const callback = args.at(-1);
        if (typeof callback !== "function") return Promise.reject(refused);
        process.nextTick(() => callback(refused));
        return undefined;
      };
      replace(owner, name, guarded, undo);
    }
  }
}

function patchProcesses(rules: EgressRules, undo: Patch[]): void {
  const refuse = (what: string) =>
    function refused(): never {
      throw new CountersignError(
        "CS-3214",
        `${rules.tool}: ${what} is refused, because it could connect to hosts that the contract does not list`,
      );
    };
  for (const name of ["spawn", "spawnSync", "exec", "execSync", "execFile", "execFileSync", "fork"])
    replace(childProcess, name, refuse("starting a process"), undo);
  replace(childProcess.ChildProcess.prototype, "spawn", refuse("starting a process"), undo);
  replace(workerThreads, "Worker", refuse("starting a worker"), undo);
}

function replace(owner: object, name: string, value: unknown, undo: Patch[]): void {
  const before = Reflect.getOwnPropertyDescriptor(owner, name);
  Reflect.defineProperty(owner, name, { configurable: true, writable: true, enumerable: true, value });
  undo.push(() => {
    if (before === undefined) Reflect.deleteProperty(owner, name);
    else Reflect.defineProperty(owner, name, before);
  });
}

function namesOf(owner: object): string[] {
  const parent: unknown = Object.getPrototypeOf(owner);
  const inherited = typeof parent === "object" && parent !== null && parent !== Object.prototype ? namesOf(parent) : [];
  return [...new Set([...Object.getOwnPropertyNames(owner), ...inherited])];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
