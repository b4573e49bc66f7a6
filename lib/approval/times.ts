/** Instants as people read them. */

/** `18:04 Europe/Berlin on Sat 21 Nov 2026 (17:04 UTC)`; UTC alone when the zone is UTC. */
export function instantText(iso: string, timeZone: string): string {
  const at = new Date(iso);
  const day = new Intl.DateTimeFormat("en-GB", {
    timeZone,
    weekday: "short",
    day: "numeric",
    month: "short",
    year: "numeric",
  });
  const local = `${clockText(iso, timeZone)} ${timeZone} on ${day.format(at).replace(",", "")}`;
  return timeZone === "UTC" ? local : `${local} (${clockText(iso, "UTC")} UTC)`;
}

/** `18:04` */
export function clockText(iso: string, timeZone: string): string {
  return new Intl.DateTimeFormat("en-GB", { timeZone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(
    new Date(iso),
  );
}

/** `3 h 52 min`, `2 d 4 h`, `12 min`, `45 s`: rounded down, so that nobody comes too late. */
export function durationText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (days > 0) return two(days, "d", hours % 24, "h");
  if (hours > 0) return two(hours, "h", minutes % 60, "min");
  return minutes > 0 ? `${minutes} min` : `${seconds} s`;
}

const two = (large: number, unit: string, small: number, smaller: string) =>
  small === 0 ? `${large} ${unit}` : `${large} ${unit} ${small} ${smaller}`;
