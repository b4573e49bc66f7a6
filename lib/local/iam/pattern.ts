import { type Truth, truth } from "./truth.js";

/** One position of a pattern: a UTF-16 unit, any run of units, or any one unit. */
export type Token = string | typeof ANY_RUN | typeof ANY_ONE;
export const ANY_RUN = Symbol("*");
export const ANY_ONE = Symbol("?");
export type Pattern = readonly Token[];

export function literal(text: string): Pattern {
  return text.split("");
}

/** `*` and `?` are wildcards; nothing escapes them. */
export function glob(text: string): Pattern {
  return text.split("").map((unit) => (unit === "*" ? ANY_RUN : unit === "?" ? ANY_ONE : unit));
}

/** Whether the whole text matches. Quadratic at worst, whatever the pattern: no backtracking over several runs. */
export function matches(pattern: Pattern, text: string): boolean {
  let p = 0;
  let t = 0;
  let runAt = -1;
  let runText = 0;
  while (t < text.length) {
    const token = pattern[p];
    if (token === ANY_RUN) {
      runAt = p++;
      runText = t;
    } else if (token !== undefined && (token === ANY_ONE || token === text[t])) {
      p++;
      t++;
    } else if (runAt >= 0) {
      p = runAt + 1;
      t = ++runText;
    } else {
      return false;
    }
  }
  while (pattern[p] === ANY_RUN) p++;
  return p === pattern.length;
}

/**
 * ARN matching: the six components are compared one by one, so a wildcard does not reach over a colon. AWS's
 * documentation leaves open what a pattern means that matches only across components: `unknown`.
 */
export function matchesArn(pattern: Pattern, arn: string): Truth {
  if (pattern.length > 0 && pattern.every((token) => token === ANY_RUN)) return "yes";
  if (!matches(pattern, arn)) return "no";
  const wanted = splitPattern(pattern);
  const parts = splitArn(arn);
  if (wanted === undefined || parts === undefined) return truthOfLiteral(pattern, arn);
  return wanted.every((component, index) => matches(component, parts[index] ?? "")) ? "yes" : "unknown";
}

/** The six components of an ARN (the last may contain colons); undefined when there are fewer. */
export function splitArn(arn: string): readonly string[] | undefined {
  const parts = arn.split(":");
  return parts.length < 6 ? undefined : [...parts.slice(0, 5), parts.slice(5).join(":")];
}

function truthOfLiteral(pattern: Pattern, text: string): Truth {
  const wild = pattern.some((token) => typeof token !== "string");
  return wild ? "unknown" : truth(matches(pattern, text));
}

function splitPattern(pattern: Pattern): readonly Pattern[] | undefined {
  const components: Token[][] = [[]];
  for (const token of pattern) {
    if (token === ":" && components.length < 6) components.push([]);
    else components.at(-1)?.push(token);
  }
  return components.length === 6 ? components : undefined;
}
