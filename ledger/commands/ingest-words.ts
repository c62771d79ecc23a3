/** What is said of an ingest: of each thing, of all of them, and how it ends. */

import { count } from "../../host/terminal/amounts.ts";
import { shown } from "../../manifests/records/names.ts";
import { inOneLine, Refusal } from "../../manifests/refusal.ts";
import type { Told } from "../ingest/ingest.ts";

export function endingOf(all: readonly Told[]): Refusal | undefined {
  const disputed = all.filter(({ result }) => result.kind === "disputed");
  const [first] = disputed;
  if (first?.result.kind === "disputed") {
    const what = count(disputed.length, "manifest");
    return new Refusal("LEDGER-FORK", `${what} in dispute`, { got: first.result.finding, about: first.place });
  }
  const refused = all.flatMap(({ place, result }) =>
    result.kind === "refused" ? [{ place, refusal: result.refusal }] : [],
  );
  const [worst] = refused;
  if (!worst) return leftOf(all);
  const { code, expected, got, message } = worst.refusal;
  const which = `${count(refused.length, "record was", "records were")} refused, the first ${shown(worst.place)}`;
  return new Refusal(code, `${which}: ${message}`, {
    ...(expected === undefined ? {} : { expected }),
    ...(got === undefined ? {} : { got }),
    about: worst.place,
  });
}

/** Nothing was refused, and something was not looked at: whether a record was there, nobody knows. */
function leftOf(all: readonly Told[]): Refusal | undefined {
  const left = all.flatMap(({ place, result }) => (result.kind === "left" ? [{ place, result }] : []));
  const [first] = left;
  if (!first) return undefined;
  const { code, message } = first.result.refusal;
  const which = `${count(left.length, "place was", "places were")} left, the first ${shown(first.place)}`;
  return new Refusal("LEDGER-GAP", which, {
    expected: "records of a box",
    got: `${code}: ${message}`,
    about: first.place,
  });
}

export function countsOf(all: readonly Told[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { result } of all) counts[result.kind] = (counts[result.kind] ?? 0) + 1;
  return counts;
}

/** What is told as left, for whatever reason. */
const leftKinds = ["left", "practised", "unsigned", "unvouched"];

export function summary(counts: Readonly<Record<string, number>>): string {
  const known = counts.known ?? 0;
  const left = leftKinds.reduce((sum, kind) => sum + (counts[kind] ?? 0), 0);
  const changed = Object.entries(counts).filter(([kind]) => !["known", "refused", ...leftKinds].includes(kind));
  const words = changed.map(([kind, many]) => `${many} ${kind}`).join(", ");
  return `${words === "" ? "nothing changed" : words}; known before: ${known}; refused: ${counts.refused ?? 0}${left > 0 ? `; left: ${left}` : ""}`;
}

export function line({ place, result, stick, what }: Told): string {
  const where = place === "" ? "" : ` (${shown(stick)}/${shown(place)})`;
  switch (result.kind) {
    case "chained":
      return `manifest ${result.number}: in the log, entries ${result.entry} to ${result.entry + result.entries - 1}${where}`;
    case "waits":
      return `manifest ${result.number}: waits for number ${result.next}${where}`;
    case "disputed":
      return `manifest ${result.number}: IN DISPUTE, the chain of its box stands: ${shown(result.finding)}${where}`;
    case "completed":
      return `manifest ${result.number}: its seals are here now, and hold${where}`;
    case "known":
      return `${what}: known${where}`;
    case "entered":
      return `${what}: in the log, entry ${result.entry}${where}`;
    case "taken":
      return `${what}: taken${where}`;
    case "practised":
      return `${what}: of a practice run, so no record of a box: left${where}`;
    case "unsigned":
      return `${what}: signed by nobody, so no evidence: left${where}`;
    case "unvouched":
      return `${what}: no transcript that is here vouches for it: left${where}`;
    case "left":
      return `LEFT: ${shown(inOneLine(result.refusal.toRecord()))}${where}`;
    case "refused":
      return `${what}: REFUSED ${shown(inOneLine(result.refusal.toRecord()))}${where}`;
  }
}

export function plain({ result, ...rest }: Told) {
  return { ...rest, result: "refusal" in result ? { ...result, refusal: result.refusal.toRecord() } : result };
}
