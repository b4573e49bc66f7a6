/** Where a tool's code may connect to, and the base URL it gets for a host of its contract. */
import * as z from "zod";
import { CountersignError } from "../errors.js";

/** Local mode: outside host → loopback base URL. Undefined on AWS. */
export type LocalHosts = Readonly<Record<string, string>> | undefined;

/** Parses `COUNTERSIGN_LOCAL_HOSTS`. Throws CS-3209 for anything but loopback URLs. */
export function parseLocalHosts(text: string | undefined): LocalHosts {
  if (text === undefined) return undefined;
  const parsed = z.record(z.string(), z.url({ protocol: /^https?$/ })).safeParse(parseOrUndefined(text));
  if (!parsed.success)
    throw new CountersignError("CS-3209", "COUNTERSIGN_LOCAL_HOSTS: not a JSON map of host → http://127.0.0.1:<port>");
  for (const [host, url] of Object.entries(parsed.data)) {
    if (!isLoopback(new URL(url).hostname))
      throw new CountersignError(
        "CS-3209",
        `COUNTERSIGN_LOCAL_HOSTS.${host}: ${url} is not loopback; only 127.0.0.0/8, [::1] and localhost are allowed`,
      );
  }
  return parsed.data;
}

/** An IPv6 address as URLs write it, without its pair of brackets; half a pair is no such address and stays. */
const unbracketed = (host: string): string => /^\[(.*)\]$/.exec(host)?.[1] ?? host;

export function isLoopback(hostname: string): boolean {
  const host = unbracketed(hostname);
  return host === "localhost" || host === "::1" || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/** `https://<host>`, or the sandbox in local mode. A host outside the contract throws CS-3207. */
export function baseUrlOf(tool: string, hosts: readonly string[], local: LocalHosts, host: string): string {
  if (!hosts.includes(host)) throw hostRefused(tool, host, hosts);
  if (local === undefined) return `https://${host}`;
  const url = local[host];
  if (url === undefined)
    throw new CountersignError(
      "CS-3207",
      `${tool}: no sandbox stands in for ${host} in local mode; add it to the contract's \`sandbox\``,
    );
  return url.replace(/\/$/, "");
}

export function hostRefused(tool: string, target: string, hosts: readonly string[]): CountersignError {
  const allowed = hosts.length === 0 ? "it lists no host" : `allowed: ${hosts.join(", ")}`;
  return new CountersignError(
    "CS-3207",
    `${tool}: connecting to ${target.slice(0, 200)} is refused; ${allowed}. Add the host to the tool's \`hosts\` if it belongs there`,
  );
}

/** One place that may be connected to. */
export interface Place {
  /** lower case, no brackets; `*.x` also matches what ends in `.x` */
  readonly host: string;
  readonly port: number;
}

/**
 * Everything that this function may connect to: the contract's hosts (their sandboxes instead, in local mode), and what the runtime
 * itself needs: its AWS services and the Lambda runtime.
 */
export function allowedPlaces(options: {
  readonly hosts: readonly string[];
  readonly local: LocalHosts;
  /** service prefixes, e.g. `dynamodb` */
  readonly services: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}): readonly Place[] {
  const { hosts, local, services, env } = options;
  const outside = hosts.flatMap((host) => {
    if (local === undefined) return { host: host.toLowerCase(), port: 443 };
    const url = local[host];
    return url === undefined ? [] : placeOf(url);
  });
  const region = env.AWS_REGION ?? env.AWS_DEFAULT_REGION;
  const endpoints = Object.entries(env).flatMap(([name, url]) =>
    (name === "AWS_ENDPOINT_URL" || name.startsWith("AWS_ENDPOINT_URL_")) && url !== undefined ? placeOf(url) : [],
  );
  const aws = services.flatMap((service) => {
    if (region === undefined || env.AWS_ENDPOINT_URL !== undefined) return [];
    // With account-based endpoints, which the SDK prefers where it knows the account, DynamoDB is `<account>.ddb.<region>…`.
    const names = service === "dynamodb" ? [service, "ddb"] : [service];
    return names.flatMap((name) =>
      ["", "*."].map((any) => ({ host: `${any}${name}.${region}.amazonaws.com`, port: 443 })),
    );
  });
  const runtime = env.AWS_LAMBDA_RUNTIME_API;
  return [...outside, ...endpoints, ...aws, ...(runtime === undefined ? [] : placeOf(`http://${runtime}`))];
}

export function isAllowed(places: readonly Place[], host: string, port: number): boolean {
  const name = unbracketed(host.toLowerCase()).replace(/\.$/, "");
  return places.some(
    (place) =>
      place.port === port && (place.host.startsWith("*.") ? name.endsWith(place.host.slice(1)) : place.host === name),
  );
}

function placeOf(url: string): Place[] {
  const parsed = new URL(url);
  const port = parsed.port === "" ? (parsed.protocol === "https:" ? 443 : 80) : Number(parsed.port);
  return [{ host: unbracketed(parsed.hostname.toLowerCase()), port }];
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
