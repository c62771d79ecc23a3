/** What a sweep comes to, as JSON and in lines. Pure. */

import type { Counted } from "./measure.ts";
import { pointText } from "./point.ts";
import type { Struck } from "./sweep.ts";

export interface Report {
  /** points that this run took */
  readonly points: number;
  /** of these, points that the fault came to, after which every promise was asked for */
  readonly swept: number;
  /** points after which something was broken */
  readonly violations: number;
  /** points that the process did not come to in this run: it made fewer such calls than the run that was counted */
  readonly missed: readonly string[];
  /** what was broken, by point */
  readonly broken: Readonly<Record<string, readonly string[]>>;
  /** points after which people had to end the process that met the fault, though it did not tell them to */
  readonly byHand: readonly string[];
  /** points after which the batch was answered with a refusal */
  readonly refused: Readonly<Record<string, string>>;
  /** by process and call: points taken, and swept */
  readonly calls: Readonly<Record<string, { readonly points: number; readonly swept: number }>>;
  /** all points that an unharmed batch has, and where they are; undefined where points were given */
  readonly all: number | undefined;
  readonly counted: readonly Counted[];
  readonly seed: number;
  readonly seconds: number;
}

export function reportOf(struck: readonly Struck[], run: Pick<Report, "all" | "counted" | "seed" | "seconds">): Report {
  const texts = (wanted: (one: Struck) => boolean) => struck.filter(wanted).map(({ point }) => pointText(point));
  const broken = struck.filter(({ outcome }) => outcome.broken.length > 0);
  const calls: Record<string, { points: number; swept: number }> = {};
  for (const { point, outcome } of struck) {
    const at = `${point.part} ${point.call}`;
    calls[at] ??= { points: 0, swept: 0 };
    calls[at].points++;
    if (outcome.struck) calls[at].swept++;
  }
  return {
    points: struck.length,
    swept: struck.filter(({ outcome }) => outcome.struck).length,
    violations: broken.length,
    missed: texts(({ outcome }) => !outcome.struck),
    broken: Object.fromEntries(
      broken.map(({ point, outcome }) => [pointText(point), outcome.broken.map((one) => one.join(": "))]),
    ),
    byHand: texts(({ outcome }) => outcome.byHand && !outcome.told),
    refused: Object.fromEntries(
      struck.flatMap(({ point, outcome }) =>
        outcome.refused === undefined ? [] : [[pointText(point), outcome.refused]],
      ),
    ),
    calls,
    ...run,
  };
}

/** A table of what was swept, and the totals as the last line. */
export function reportLines(report: Report): readonly string[] {
  const { points, swept, missed, violations, byHand, refused, all, seed, seconds } = report;
  const rows = Object.entries(report.calls)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([at, of]) => `  ${at.padEnd(22)} ${String(of.swept).padStart(5)} of ${of.points}`);
  return [
    "swept by process and call:",
    ...rows,
    ...(missed.length > 0 ? [`missed, as this run made fewer calls: ${missed.join(" ")}`] : []),
    ...(byHand.length > 0 ? [`a process had to be ended by people: ${byHand.join(" ")}`] : []),
    ...Object.entries(refused).map(([point, code]) => `answered with ${code}: ${point}`),
    `${points} points${all === undefined ? "" : ` of ${all}`}, ${swept} swept, ${missed.length} missed, ${violations} violations (seed ${seed}, ${Math.round(seconds)} s)`,
  ];
}
