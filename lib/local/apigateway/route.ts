/** Which route of an HTTP API answers a request. */

export interface RouteKey {
  /** `ANY` matches every method; `$default` every request */
  readonly method: string;
  /** segments: a literal, `{name}` or, last, `{name+}` */
  readonly segments: readonly string[];
  /** as written, e.g. `POST /runs/{id}` */
  readonly text: string;
}
export interface RouteMatch<T> {
  readonly route: T;
  readonly parameters: Readonly<Record<string, string>>;
}

/** @returns undefined when the text is no route key */
export function parseRouteKey(text: string): RouteKey | undefined {
  if (text === "$default") return { method: "ANY", segments: ["{+}"], text };
  const match = /^(ANY|GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (\/.*)$/.exec(text);
  if (!match?.[1] || !match[2]) return undefined;
  const segments = match[2].split("/").slice(1);
  const greedy = segments.findIndex((segment) => segment.endsWith("+}"));
  if (greedy >= 0 && greedy !== segments.length - 1) return undefined;
  return { method: match[1], segments, text };
}

/** The path of a route key, as source ARNs of its invocations carry it: `/runs/{id}`. */
export function routePath(key: RouteKey): string {
  return key.text === "$default" ? "/$default" : key.text.slice(key.text.indexOf(" ") + 1);
}

/**
 * The most specific route for a request, as API Gateway chooses: a literal path before parameters before a greedy one, an own
 * method before ANY.
 *
 * @param path still percent-encoded
 */
export function matchRoute<T extends { readonly key: RouteKey }>(
  routes: Iterable<T>,
  method: string,
  path: string,
): RouteMatch<T> | undefined {
  const wanted = path.split("/").slice(1);
  let best: (RouteMatch<T> & { rank: string }) | undefined;
  for (const route of routes) {
    if (route.key.method !== "ANY" && route.key.method !== method) continue;
    const parameters = matchSegments(route.key.segments, wanted);
    if (!parameters) continue;
    const rank = rankOf(route.key);
    if (!best || rank < best.rank) best = { route, parameters, rank };
  }
  return best;
}

function matchSegments(pattern: readonly string[], wanted: readonly string[]): Record<string, string> | undefined {
  const parameters: Record<string, string> = {};
  for (const [index, segment] of pattern.entries()) {
    if (segment === "{+}") return parameters;
    const value = wanted[index];
    if (value === undefined) return undefined;
    if (segment.endsWith("+}")) {
      parameters[segment.slice(1, -2)] = decoded(wanted.slice(index).join("/"));
      return parameters;
    }
    if (segment.startsWith("{")) {
      if (value === "") return undefined;
      parameters[segment.slice(1, -1)] = decoded(value);
    } else if (segment !== decoded(value)) return undefined;
  }
  return pattern.length === wanted.length ? parameters : undefined;
}

/** Sorts more specific routes first, segment by segment. */
function rankOf(key: RouteKey): string {
  const segments = key.segments.map((segment) => {
    if (segment === "{+}") return "3";
    if (segment.endsWith("+}")) return "2";
    return segment.startsWith("{") ? "1" : "0";
  });
  return `${segments.join("")}${key.method === "ANY" ? "9" : "8"}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
