/** E-mail addresses in lower case, groups resolved, no repeats; unknown groups give nobody. */
export function approversOf(
  first: readonly string[],
  groups: Readonly<Record<string, readonly string[]>>,
): readonly string[] {
  const all = first.flatMap((entry) => {
    if (!entry.startsWith("group:")) return [entry];
    const name = entry.slice(6);
    return Object.hasOwn(groups, name) ? (groups[name] ?? []) : [];
  });
  return [...new Set(all.map((address) => address.toLowerCase()))];
}
