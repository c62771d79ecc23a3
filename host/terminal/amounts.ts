/** Amounts for people: exact, with the unit in words. */

const units = ["KiB", "MiB", "GiB", "TiB", "PiB"];

/** `1.2 MiB`, `88 KiB`, `0 bytes`: one fraction digit below ten, for a column. */
export function size(bytes: number): string {
  if (bytes < 1024) return count(bytes, "byte");
  let value = bytes;
  let unit = -1;
  do {
    value /= 1024;
    unit += 1;
  } while (value >= 1023.95 && unit < units.length - 1);
  const digits = value < 9.995 ? value.toFixed(2) : value < 99.95 ? value.toFixed(1) : value.toFixed(0);
  return `${digits} ${units[unit]}`;
}

/** `241.3 MiB (253,023,744 bytes)`: rounded for the eye and exact for the comparison. */
export function exactSize(bytes: number): string {
  return bytes < 1024 ? count(bytes, "byte") : `${size(bytes)} (${count(bytes, "byte")})`;
}

/** `1 document`, `12 documents`, `100,000 documents`. */
export function count(amount: number, noun: string, plural = `${noun}s`): string {
  return `${number(amount)} ${amount === 1 ? noun : plural}`;
}

/** A whole number with commas between thousands. */
export function number(amount: number): string {
  return String(amount).replace(/\B(?=(?:\d{3})+$)/g, ",");
}

/** `20 s`, `3 min 5 s`, `2 h 4 min`, `9 days`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return withRest(Math.floor(whole / 60), "min", whole % 60, "s");
  if (whole < 48 * 3600) return withRest(Math.floor(whole / 3600), "h", Math.floor((whole % 3600) / 60), "min");
  return count(Math.floor(whole / 86_400), "day");
}

function withRest(large: number, unit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${unit}` : `${large} ${unit} ${small} ${smallUnit}`;
}

/** `2026-11-23 12:04Z` of a UTC text with seconds; the seconds are dropped. */
export function minute(utc: string): string {
  return `${utc.slice(0, 10)} ${utc.slice(11, 16)}Z`;
}

/** `12:04Z` when it is of the same day as `now`, else with the date. */
export function clockTime(utc: string, now: string): string {
  return utc.slice(0, 10) === now.slice(0, 10) ? `${utc.slice(11, 16)}Z` : minute(utc);
}
