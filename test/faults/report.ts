/** What a sweep comes to, as JSON and in lines; a sweep may be made in several runs, each of which goes on from the JSON of the one before. Pure. */

import type { Counted } from "./measure.ts";
import { pointText, readPoint } from "./point.ts";
import type { Struck } from "./sweep.ts";
import { tokenPutBack } from "./token/token-file.ts";

export interface Report {
  /** points that were taken */
  readonly points: number;
  /** of these, points that the fault came to, after which every promise was asked for */
  readonly swept: number;
  /** points after which something was broken */
  readonly violations: number;
  /** points that were not swept yet; undefined where points were given */
  readonly left: number | undefined;
  /** points that the process did not come to: it made fewer such calls than the run that was counted */
  readonly missed: readonly string[];
  /** what was broken, by point */
  readonly broken: Readonly<Record<string, readonly string[]>>;
  /** points after which people had to end the process that met the fault, though it did not tell them to */
  readonly byHand: readonly string[];
  /** points after which people had to put SoftHSM's own file back, as a login of it was stopped while it was written */
  readonly tokenFile: readonly string[];
  /** points after which the batch was answered with a refusal */
  readonly refused: Readonly<Record<string, string>>;
  /** by process and call: points taken, and swept */
  readonly calls: Readonly<Record<string, { readonly points: number; readonly swept: number }>>;
  /** all points that an unharmed batch has, and where they are; undefined where points were given */
  readonly all: number | undefined;
  readonly counted: readonly Counted[];
  readonly seed: number;
  /** of all runs */
  readonly seconds: number;
  /** SHA-256 over what was swept and what sweeps: runs of other sources do not go on from this */
  readonly source: string;
  /** the points that were swept, with nothing broken */
  readonly done: readonly string[];
}

/** `earlier`: the report of the runs before this one, of the same list. */
export function reportOf(
  struck: readonly Struck[],
  run: Pick<Report, "all" | "counted" | "seed" | "seconds" | "source">,
  earlier?: Report,
): Report {
  const texts = (wanted: (one: Struck) => boolean) => struck.filter(wanted).map(({ point }) => pointText(point));
  const broken = {
    ...earlier?.broken,
    ...Object.fromEntries(
      struck
        .filter(({ outcome }) => outcome.broken.length > 0)
        .map(({ point, outcome }) => [pointText(point), outcome.broken.map((one) => one.join(": "))]),
    ),
  };
  const swept = union(
    earlier?.done,
    Object.keys(earlier?.broken ?? {}),
    texts(({ outcome }) => outcome.struck),
  );
  const sweptSet = new Set(swept);
  const missed = union(
    earlier?.missed,
    texts(({ outcome }) => !outcome.struck),
  ).filter((one) => !sweptSet.has(one));
  const calls: Record<string, { points: number; swept: number }> = {};
  for (const text of [...swept, ...missed]) {
    const { part, call } = readPoint(text);
    calls[`${part} ${call}`] ??= { points: 0, swept: 0 };
    const at = calls[`${part} ${call}`] as { points: number; swept: number };
    at.points++;
    if (sweptSet.has(text)) at.swept++;
  }
  const refused = struck.flatMap(({ point, outcome }) =>
    outcome.refused === undefined ? [] : [[pointText(point), outcome.refused]],
  );
  return {
    points: swept.length + missed.length,
    swept: swept.length,
    violations: Object.keys(broken).length,
    left: run.all === undefined ? undefined : run.all - swept.length,
    missed,
    broken,
    byHand: union(
      earlier?.byHand,
      texts(({ outcome }) => outcome.byHand && !outcome.told),
    ),
    tokenFile: union(
      earlier?.tokenFile,
      texts(({ outcome }) => outcome.restarted.includes(tokenPutBack)),
    ),
    refused: { ...earlier?.refused, ...Object.fromEntries(refused) },
    calls,
    ...run,
    seconds: run.seconds + (earlier?.seconds ?? 0),
    done: swept.filter((one) => broken[one] === undefined),
  };
}

function union(...lists: readonly (readonly string[] | undefined)[]): readonly string[] {
  return [...new Set(lists.flatMap((list) => list ?? []))];
}

/** A table of what was swept, and the totals as the last line. */
export function reportLines(report: Report): readonly string[] {
  const { points, swept, missed, violations, byHand, tokenFile, refused, all, left, seed, seconds } = report;
  const rows = Object.entries(report.calls)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([at, of]) => `  ${at.padEnd(22)} ${String(of.swept).padStart(5)} of ${of.points}`);
  return [
    "swept by process and call:",
    ...rows,
    ...(missed.length > 0 ? [`missed, as this run made fewer calls: ${missed.join(" ")}`] : []),
    ...(byHand.length > 0 ? [`a process had to be ended by people: ${byHand.join(" ")}`] : []),
    ...(tokenFile.length > 0 ? [`SoftHSM lost its token, and its file was put back: ${tokenFile.join(" ")}`] : []),
    ...Object.entries(refused).map(([point, code]) => `answered with ${code}: ${point}`),
    `${points} points${all === undefined ? "" : ` of ${all}`}, ${swept} swept, ${missed.length} missed, ${violations} violations${left === undefined ? "" : `, ${left} left`} (seed ${seed}, ${Math.round(seconds)} s)`,
  ];
}
