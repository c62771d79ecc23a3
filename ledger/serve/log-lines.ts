/** The service's log: one JSON line for each event, on standard error. No secret, no header, no document's name and no digest that was asked for is in it. */

import { shown } from "../../manifests/records/names.ts";

export type LogLine = Readonly<Record<string, string | number | boolean | null | undefined>>;
export type Log = (event: string, about?: LogLine) => void;

/** Each line is written at once. Text is escaped, as names of clients are theirs to choose. */
export function logTo(write: (line: string) => void, now: () => number = Date.now): Log {
  return (event, about = {}) => {
    const safe = Object.entries(about).map(([name, value]) => [name, typeof value === "string" ? shown(value) : value]);
    write(`${JSON.stringify({ time: new Date(now()).toISOString(), event, ...Object.fromEntries(safe) })}\n`);
  };
}
