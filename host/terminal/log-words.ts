/** What a log's proofs show, in words. Pure. */

import type { LogShown, LogVerdict } from "../../manifests/verify/log-proofs.ts";
import { count } from "./amounts.ts";

/** HONEST: without witnesses a log may show one record to this reader, and another to the next. */
export function logRows(verdict: LogVerdict): readonly (readonly [label: string, text: string])[] {
  const { log, shown } = verdict;
  const counting = shown.filter(({ discounted }) => discounted === null);
  const rows = shown.map((one) => ["log", logText(one, verdict)] as const);
  if (log === null || counting.length > 0) return rows;
  return [["log", `not shown: no proof here shows that it is in ${log}`], ...rows];
}

function logText(one: LogShown, verdict: LogVerdict): string {
  const { discounted, file, manifest, origin, seal, size } = one;
  const entries = `entry ${manifest} is the manifest${seal === null ? "" : `, entry ${seal} this seal`}`;
  if (discounted !== null) return `${file}, of ${origin}, does not count: ${discounted}`;
  return `in ${origin}: ${entries}, by its checkpoint of ${count(size, "entry", "entries")}; ${witnessesText(one, verdict)}`;
}

function witnessesText({ cosigners }: LogShown, { cosignatures, witnesses }: LogVerdict): string {
  if (witnesses === 0) return "witnesses: none, so that nobody but the log says that it shows all people the same";
  const names = cosigners.map(({ name, time }) => `${name} (${time})`);
  const which = names.length === 0 ? "" : `: ${names.join(", ")}`;
  return `cosigned by ${cosigners.length} of ${count(witnesses, "witness", "witnesses")}, ${cosignatures} asked for${which}`;
}
