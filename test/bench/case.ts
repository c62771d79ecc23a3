/** What a benchmark case is, and how its figures are summed up. */

export type LimitName =
  | "raw-1"
  | "raw-2"
  | "all-cores"
  | "openssl-loop"
  | "bouncycastle"
  | "openssl-dgst"
  | "cp-sync"
  | "bouncycastle-1k"
  | "durable-files"
  | "without-time"
  | "raw-insert";

/** One measurement: the figure in the case's unit, and the most memory that one of our processes held. */
export interface Figure {
  readonly value: number;
  readonly rssMiB: number;
}

/** A case that is set up: measured again and again, in turn with its limits. */
export interface Running {
  measure(): Promise<Figure>;
  /** in the case's unit */
  readonly limits: Readonly<Partial<Record<LimitName, () => Promise<number>>>>;
  end(): Promise<void>;
}

export interface BenchCase {
  readonly name: string;
  readonly unit: "documents/s" | "seals/s" | "MiB/s" | "ms" | "s";
  /** what is to be reached, in words; `ratios`: ours divided by the limit's, at least */
  readonly target: { readonly ratios?: Readonly<Partial<Record<LimitName, number>>>; readonly value?: number };
  /** `folder` is new and the case's own; `missing` is told of a limit that cannot be measured here */
  setUp(folder: string, missing: (limit: LimitName, why: string) => void): Promise<Running>;
}

export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const median = sorted.length % 2 === 1 ? at(sorted, middle) : (at(sorted, middle - 1) + at(sorted, middle)) / 2;
  return { median, least: at(sorted, 0), most: at(sorted, sorted.length - 1) };
}

function at(values: readonly number[], index: number): number {
  return values[index] as number;
}

/** What stands in the JSON file for one case. */
export interface CaseReport {
  readonly case: string;
  readonly unit: string;
  readonly value: number;
  readonly limits: Readonly<Record<string, { readonly value: number; readonly ratio: number }>>;
  readonly rssMiB: number;
}

export function reportOf(
  { name, unit }: BenchCase,
  figures: readonly Figure[],
  limits: ReadonlyMap<LimitName, readonly number[]>,
): CaseReport {
  const value = spreadOf(figures.map((one) => one.value)).median;
  const measured = [...limits].map(([limit, values]) => {
    const { median } = spreadOf(values);
    return [limit, { value: rounded(median), ratio: rounded(value / median, 3) }] as const;
  });
  return {
    case: name,
    unit,
    value: rounded(value),
    limits: Object.fromEntries(measured),
    rssMiB: Math.ceil(Math.max(...figures.map((one) => one.rssMiB))),
  };
}

/** In words, what of the target is missed; empty when it is reached. */
export function missedOf({ target, unit }: BenchCase, { value, limits }: CaseReport): readonly string[] {
  const missed: string[] = [];
  if (target.value !== undefined && (unit === "ms" || unit === "s" ? value > target.value : value < target.value)) {
    missed.push(`${value} ${unit} where ${target.value} is wanted`);
  }
  for (const [limit, wanted] of Object.entries(target.ratios ?? {})) {
    const ratio = limits[limit]?.ratio;
    if (ratio === undefined) missed.push(`${limit} was not measured`);
    else if (ratio < wanted) missed.push(`${ratio} of ${limit} where ${wanted} is wanted`);
  }
  return missed;
}

function rounded(value: number, digits = 1): number {
  return Number(value.toFixed(digits));
}
