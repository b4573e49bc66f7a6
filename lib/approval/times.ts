/** Instants as people read them. */

/** `18:04 Europe/Berlin on Sat 21 Nov 2026 (17:04 UTC)`; UTC alone when the zone is UTC. */
export function instantText(iso: string, timeZone: string): string {
  const at = new Date(iso);
  const day = new Intl.DateTimeFormat("en-GB", { timeZone, weekday: "short", day: "numeric", month: "short", year: "numeric" });
  const local = `${clockText(iso, timeZone)} ${timeZone} on ${day.format(at).replace(",", "")}`;
  return timeZone === "UTC" ? local : `${local} (${clockText(iso, "UTC")} UTC)`;
}

/** `18:04` */
export function clockText(iso: string, timeZone: string): string {
  return new Intl.DateTimeFormat("en-GB", { timeZone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(new Date(iso));
}

/** `3 h 52 min`, `2 d 4 h`, `45 s`: the two largest units, rounded down so that nobody comes too late. */
export function durationText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const units: readonly (readonly [string, number])[] = [
    ["d", 86_400],
    ["h", 3600],
    ["min", 60],
    ["s", 1],
  ];
  const first = units.findIndex(([, size]) => seconds >= size);
  if (first === -1) return "0 s";
  return units
    .slice(first, first + (seconds >= 60 ? 2 : 1))
    .map(([unit, size], index) => ({ unit, count: index === 0 ? Math.floor(seconds / size) : Math.floor((seconds % (units[first]?.[1] ?? 1)) / size) }))
    .filter(({ unit, count }) => count > 0 && !(unit === "s" && seconds >= 3600))
    .map(({ unit, count }) => `${count} ${unit}`)
    .join(" ");
}
