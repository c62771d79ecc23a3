/** The emergencies of a chain: what of each is here, what its closing record lists and is not here, and what contradicts it (docs/formats.md, "An emergency"). */

import type { Utc } from "../../encoding/shape.ts";
import type { ClosedManifest, Closing } from "../../records/closing.ts";
import type { EmergencyPart } from "../../records/emergency.ts";
import type { Manifest } from "../../records/manifest.ts";
import type { ChainFindings } from "./chain-findings.ts";
import { type NumberRange, rangesOf } from "./number-ranges.ts";

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
  readonly earlierSeals: number;
  readonly file: string;
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

  take({ documents, emergency, number, outcome }: Manifest, digest: string, file: string): void {
    if (!emergency) return;
    const { cause, earlierSeals, order, since } = emergency;
    const known = this.#seen.get(order);
    if (!known && this.#seen.size >= mostKept) return;
    const seen = known ?? { cause, rows: new Map<number, Row>(), since };
    this.#seen.set(order, seen);
    const seals = outcome === "sealed" ? documents.sealed : 0;
    seen.rows.set(number, { digest, earlierSeals, file, number, outcome, root: documents.root, seals });
  }

  /** One that holds by itself, of this box; the first of an emergency counts, and they are all the same. */
  takeClosing(closing: Closing, file: string): void {
    if (this.#closings.size < mostKept && !this.#closings.has(closing.declared.order)) {
      this.#closings.set(closing.declared.order, { closing, file });
    }
  }

  /** CLOSING: a manifest that its closing record does not list as it is. EMERGENCY: one that counts fewer seals before itself than are here. */
  judge(findings: ChainFindings): readonly ChainEmergency[] {
    const orders = new Set([...this.#seen.keys(), ...this.#closings.keys()]);
    const all = [...orders].map((order) => this.#judgeOne(order, findings));
    return all.sort((a, b) => (a.since < b.since ? -1 : 1));
  }

  #judgeOne(order: string, findings: ChainFindings): ChainEmergency {
    const closed = this.#closings.get(order);
    const seen = this.#seen.get(order);
    const rows = [...(seen?.rows.values() ?? [])].sort((a, b) => a.number - b.number);
    const { cause, since } = seen ?? {
      cause: closed?.closing.cause ?? "unknown",
      since: closed?.closing.declared.since ?? "",
    };
    const { seals, sealsNotPresented } = judgeCounts(rows, findings);
    if (closed) judgeListed(rows, closed, findings);
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

/** Each counts the seals before it: not fewer than are here, and more where some are not. */
function judgeCounts(rows: readonly Row[], findings: ChainFindings) {
  let seals = 0;
  let sealsNotPresented = 0;
  for (const { earlierSeals, file, number, seals: own } of rows) {
    if (earlierSeals < seals) {
      findings.add(file, "EMERGENCY", `number ${number} counts fewer seals of its emergency before it than are here`, {
        expected: `at least ${seals}`,
        got: `${earlierSeals}`,
      });
    } else sealsNotPresented = Math.max(sealsNotPresented, earlierSeals - seals);
    seals += own;
  }
  return { seals, sealsNotPresented };
}

function judgeListed(
  rows: readonly Row[],
  { closing, file: record }: { readonly closing: Closing; readonly file: string },
  findings: ChainFindings,
): void {
  const listed = new Map(closing.manifests.map((one) => [one.number, one]));
  const text = (one: ClosedManifest | undefined) =>
    one ? `${one.digest}, ${one.outcome}, ${one.seals} seals, root ${one.root}` : "none of this number";
  for (const { file, ...row } of rows) {
    const [expected, got] = [text(row), text(listed.get(row.number))];
    if (expected === got) continue;
    findings.add(file, "CLOSING", `the closing record ${record} does not list number ${row.number} as it is`, {
      expected,
      got,
    });
  }
}
