/** Numbers, sizes and times as people read them, in the language of the page. */

const formats = new Map<string, Intl.NumberFormat>();

function number(locale: string, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = locale + JSON.stringify(options);
  let found = formats.get(key);
  if (!found) formats.set(key, (found = new Intl.NumberFormat(locale, options)));
  return found;
}

let counts: { locale: string; format: Intl.NumberFormat } | undefined;

/** A whole number. Called for each row that is drawn, so its format is at hand. */
export function count(locale: string, value: number): string {
  if (counts?.locale !== locale) counts = { locale, format: number(locale, { maximumFractionDigits: 0 }) };
  return counts.format.format(value);
}

export function compact(locale: string, value: number): string {
  return number(locale, { notation: "compact", maximumFractionDigits: 1 }).format(value);
}

export function percent(locale: string, value: number | null, digits = 2): string {
  if (value === null) return "–";
  return number(locale, { style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
}

/** Bytes in powers of ten: 308.9 MB. */
export function bytes(locale: string, value: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (value >= 999.95 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1;
  return `${number(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value)} ${units[unit]}`;
}

/** Seconds as 8.4 s, 1:05 or 2:03:09. */
export function duration(locale: string, seconds: number): string {
  if (seconds < 59.95) {
    const digits = seconds < 9.95 ? 1 : 0;
    return `${number(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(seconds)} s`;
  }
  const whole = Math.round(seconds);
  const parts = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  const shown = parts[0] ? parts : parts.slice(1);
  return shown.map((part, place) => (place ? String(part).padStart(2, "0") : String(part))).join(":");
}

/** A moment of the API, in the zone of whoever looks. */
export function moment(locale: string, iso: string | null): string {
  if (!iso) return "–";
  return new Date(iso).toLocaleString(locale, { dateStyle: "medium", timeStyle: "medium" });
}

export function clock(locale: string, iso: string | null): string {
  if (!iso) return "–";
  const date = new Date(iso);
  const today = date.toDateString() === new Date().toDateString();
  return date.toLocaleString(locale, today ? { timeStyle: "medium" } : { dateStyle: "short", timeStyle: "short" });
}
