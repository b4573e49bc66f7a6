/** Instants and local days. The clock is always an argument, in epoch ms. */

/** `2026-11-21T14:02:00.000Z` */
export const isoTime = (ms: number): string => new Date(ms).toISOString();

/** Epoch ms of an ISO time; NaN when it is none. */
export const msOf = (iso: string): number => Date.parse(iso);

export interface LocalTime {
  /** `2026-11-21` */
  readonly day: string;
  /** 0–23 */
  readonly hour: number;
  /** ISO: 1 = Monday … 7 = Sunday */
  readonly weekday: number;
}

/** Day, hour and weekday on the wall clock of an IANA time zone; right on both sides of a change of summer time. */
export function localTime(ms: number, timeZone: string): LocalTime {
  const parts = new Map(
    formatFor(timeZone)
      .formatToParts(ms)
      .map((part) => [part.type, part.value]),
  );
  const part = (type: Intl.DateTimeFormatPartTypes) => Number(parts.get(type));
  const day = `${String(part("year")).padStart(4, "0")}-${pad(part("month"))}-${pad(part("day"))}`;
  return { day, hour: part("hour"), weekday: new Date(`${day}T00:00:00Z`).getUTCDay() || 7 };
}

/** `2026-11-21` in the time zone: the key of a day's counters and budget. */
export const localDay = (ms: number, timeZone: string): string => localTime(ms, timeZone).day;

const pad = (value: number) => String(value).padStart(2, "0");

// building a format costs 50 µs, using one 1 µs; a process sees one or two time zones
const formats = new Map<string, Intl.DateTimeFormat>();
function formatFor(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat("en-u-ca-iso8601", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
  });
  formats.set(timeZone, made);
  return made;
}
