/** The emergencies of a chain: what of each is here, what its closing record lists and is not here, and what contradicts it (docs/formats.md, "An emergency"). */

import type { Utc } from "../../encoding/shape.ts";
import { type ClosedManifest, type Closing, closedManifest, closedText, isMissing } from "../../records/closing.ts";
import type { EmergencyPart } from "../../records/emergency.ts";
import type { Manifest } from "../../records/manifest.ts";
import { type NumberRange, rangesOf } from "../../records/number-ranges.ts";
import type { ChainFindings } from "./chain-findings.ts";
import type { Links } from "./chain-links.ts";

export interface ChainEmergency extends Pick<EmergencyPart, "cause" | "since"> {
  /** SHA-256 of the order that declared it, hex */
  readonly order: string;
  /** of those that are here */
  readonly numbers: readonly NumberRange[];
  readonly manifests: number;
  readonly seals: number;
  /** seals that its manifests count before themselves, and that are in none that is here */
  readonly sealsNotPresented: number;
  /** null: no closing record was presented */
  readonly closing: {
    readonly ended: Utc;
    readonly manifests: number;
    readonly seals: number;
    /** numbers that it lists, and that are not here */
    readonly notPresented: readonly NumberRange[];
    /** numbers that the loss of a disk left unexplained while it was open */
    readonly missing: readonly NumberRange[];
  } | null;
}

interface Row extends ClosedManifest {
  readonly cause: string;
  readonly earlierSeals: number;
  readonly file: string;
  /** of the journal */
  readonly sequence: number;
}

/** What is known of the chain that they are in. */
export interface EmergencyContext {
  /** all numbers that are here, of whatever mode */
  readonly seen: ReadonlySet<number>;
  readonly links: Pick<Links, "gaps">;
  /** a continuity record is here: seals were counted anew, and some may not be known to the box */
  readonly recovered: boolean;
}

interface Seen extends Pick<EmergencyPart, "cause" | "since"> {
  readonly rows: Map<number, Row>;
}

/** Emergencies that are kept of a chain; more no box has had. */
const mostKept = 1000;

/** Told manifest by manifest, in any order. */
export class ChainEmergencies {
  readonly #seen = new Map<string, Seen>();
  readonly #closings = new Map<string, { readonly closing: Closing; readonly file: string }>();

  take(manifest: Manifest, digest: string, file: string): void {
    const { emergency, journal, number } = manifest;
    if (!emergency) return;
    const { cause, earlierSeals, order, since } = emergency;
    const known = this.#seen.get(order);
    if (!known && this.#seen.size >= mostKept) return;
    const seen = known ?? { cause, rows: new Map<number, Row>(), since };
    this.#seen.set(order, seen);
    const { sequence } = journal;
    seen.rows.set(number, { ...closedManifest(manifest, digest), cause, earlierSeals, file, sequence });
  }

  /** One that holds by itself, of this box. CLOSING: another one of an emergency that lists other manifests. */
  takeClosing(closing: Closing, file: string, findings: ChainFindings): void {
    const known = this.#closings.get(closing.declared.order);
    if (!known && this.#closings.size < mostKept) this.#closings.set(closing.declared.order, { closing, file });
    if (!known || (known.closing.root === closing.root && known.closing.ended.order === closing.ended.order)) return;
    findings.add(file, "CLOSING", `two closing records of one emergency say different things, this and ${known.file}`, {
      expected: `root ${known.closing.root}`,
      got: `root ${closing.root}`,
    });
  }

  /**
   * CLOSING: a manifest that its closing record does not list as it is, or lists and is here in another mode. EMERGENCY: one that counts other seals before itself
   * than are here, where nothing is missing; causes that differ.
   */
  judge(context: EmergencyContext, findings: ChainFindings): readonly ChainEmergency[] {
    const orders = new Set([...this.#seen.keys(), ...this.#closings.keys()]);
    const all = [...orders].map((order) => this.#judgeOne(order, context, findings));
    return all.sort((a, b) => (a.since < b.since ? -1 : 1));
  }

  #judgeOne(order: string, context: EmergencyContext, findings: ChainFindings): ChainEmergency {
    const closed = this.#closings.get(order);
    const seen = this.#seen.get(order);
    const rows = [...(seen?.rows.values() ?? [])].sort((a, b) => a.number - b.number);
    const { cause, since } = seen ?? {
      cause: closed?.closing.cause ?? "unknown",
      since: closed?.closing.declared.since ?? "",
    };
    const { seals, sealsNotPresented } = judgeCounts(rows, context, findings);
    const other = rows.find((row) => row.cause !== cause);
    if (other) {
      findings.add(other.file, "EMERGENCY", "manifests of one emergency name different causes", {
        expected: cause,
        got: other.cause,
      });
    }
    if (closed) judgeListed({ cause, rows, seen: context.seen }, closed, findings);
    return {
      order,
      cause,
      since,
      numbers: rangesOf(rows.map(({ number }) => number)),
      manifests: rows.length,
      seals,
      sealsNotPresented,
      closing: closed ? closingShown(closed.closing, seen?.rows) : null,
    };
  }
}

function closingShown({ ended, manifests, missing = [], seals }: Closing, rows: ReadonlyMap<number, Row> | undefined) {
  const absent = manifests.filter(({ number }) => !rows?.has(number)).map(({ number }) => number);
  return { ended: ended.time, manifests: manifests.length, seals, notPresented: rangesOf(absent), missing };
}

/** Each counts the seals before it: not fewer than are here, and more where some are not. Since a lost disk the box counts what it knows. */
function judgeCounts(rows: readonly Row[], { links, recovered }: EmergencyContext, findings: ChainFindings) {
  let seals = 0;
  let sealsNotPresented = 0;
  for (const { earlierSeals, file, number, seals: own } of rows) {
    const gapless = links.gaps.length === 0;
    if (!recovered && (earlierSeals < seals || (gapless && earlierSeals > seals))) {
      findings.add(file, "EMERGENCY", `number ${number} counts other seals of its emergency before it than are here`, {
        expected: `${gapless ? "" : "at least "}${seals}`,
        got: `${earlierSeals}`,
      });
    } else sealsNotPresented = Math.max(sealsNotPresented, earlierSeals - seals);
    seals += own;
  }
  return { seals, sealsNotPresented };
}

function judgeListed(
  { cause, rows, seen }: { readonly cause: string; readonly rows: readonly Row[]; readonly seen: ReadonlySet<number> },
  { closing, file: record }: { readonly closing: Closing; readonly file: string },
  findings: ChainFindings,
): void {
  const listed = new Map(closing.manifests.map((one) => [one.number, one]));
  if (closing.cause !== cause) {
    findings.add(record, "CLOSING", "the closing record names another cause", { expected: cause, got: closing.cause });
  }
  for (const row of rows) {
    const { file, number, sequence } = row;
    const mine = listed.get(number);
    listed.delete(number);
    const [expected, got] = [closedText(row), mine ? closedText(mine) : "none of this number"];
    if (sequence > closing.journal.sequence) {
      findings.add(file, "CLOSING", `number ${number} was made after its emergency was closed, by ${record}`);
    } else if (expected !== got && (mine || !isMissing(closing, number))) {
      findings.add(file, "CLOSING", `the closing record ${record} does not list number ${number} as it is`, {
        expected,
        got,
      });
    }
  }
  const elsewhere = [...listed.keys()].find((number) => seen.has(number));
  if (elsewhere === undefined) return;
  findings.add(
    record,
    "CLOSING",
    `the closing record lists number ${elsewhere}, which is here and was not sealed in this emergency`,
  );
}
