/**
 * How what is stored becomes what others can rely on: stored, signed and kept, cosigned, published; then acknowledged (`ledger/acknowledge`). Never in another
 * order. Each step is done once and kept, so that it goes on after a crash where it was; one that cannot be done now delays only those after it.
 */

import type { TreeHead } from "../../manifests/log/tree-proof.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { BackedUp } from "../backup/backed-up.ts";
import type { Ledger } from "../ledger-folder.ts";
import { treeHead } from "../log/tree-head.ts";
import type { Place } from "../publish/place.ts";
import { cosignedCheckpoint, type Patience, usualPatience, type WitnessFinding } from "./cosigned.ts";
import { type PlaceFinding, publishedCheckpoint } from "./published.ts";
import { type CheckpointSigner, type Signed, signedCheckpoint } from "./signed.ts";
import { backedUpOf } from "./waits-for-backup.ts";
import type { OwnLog, WitnessSettings } from "./witness-settings.ts";

export interface BringOutWith extends OwnLog {
  readonly ledger: Pick<Ledger, "db" | "origin">;
  readonly places: readonly Place[];
  /** asked for only where a checkpoint is to be signed */
  readonly signer: () => Promise<CheckpointSigner>;
  readonly patience?: Patience;
  /** the newest backup, where no more may be brought out than it holds; null: there is none. Unless said, nothing waits for backups */
  readonly backedUp?: BackedUp | null;
}

export interface BroughtOut {
  /** entries of the checkpoint; 0: nothing is stored yet, or nothing of it may be signed */
  readonly size: number;
  readonly witnesses: readonly WitnessFinding[];
  readonly cosigners: number;
  /** none before there are enough cosigners */
  readonly places: readonly PlaceFinding[];
  /** with its cosignatures; null where it is not published everywhere */
  readonly published: Signed | null;
  /** what is not done yet, and why; null where all is. Where it is published and something waits, that came in since the newest backup */
  readonly waiting: Refusal | null;
}

/** Brings out what is stored by now. Refuses what `signedCheckpoint` refuses, and STORE; what waits for witnesses or places is in the answer. */
export async function bringOut(wanted: BringOutWith): Promise<BroughtOut> {
  const { backedUp, ledger, log, patience = usualPatience, places, settings, signer } = wanted;
  const stored: TreeHead = await ledger.db.settled(treeHead);
  if (stored.size === 0) return nothingYet;
  const { head, waiting: unbacked } =
    backedUp === undefined
      ? { head: stored, waiting: null }
      : await ledger.db.reading((sql) => backedUpOf(sql, stored, backedUp));
  if (head === undefined) return { ...nothingYet, waiting: unbacked };
  const signed = await signedCheckpoint(ledger.db, log, head, signer);
  const cosigned = await cosignedCheckpoint(ledger.db, settings, signed, patience);
  const { cosigners, findings: witnesses, note, root, size } = cosigned;
  const so = { size, witnesses, cosigners };
  if (cosigners < settings.cosignatures) {
    return { ...so, places: [], published: null, waiting: tooFew(settings, cosigned) };
  }
  const shown = await publishedCheckpoint(ledger, places, cosigned);
  const missing = notEverywhere(shown);
  return { ...so, places: shown, published: missing ? null : { note, root, size }, waiting: missing ?? unbacked };
}

const nothingYet: BroughtOut = { size: 0, witnesses: [], cosigners: 0, places: [], published: null, waiting: null };

function tooFew(
  { cosignatures, witnesses }: WitnessSettings,
  got: Pick<BroughtOut, "cosigners"> & { readonly findings: readonly WitnessFinding[] },
) {
  const why = got.findings.flatMap(({ cosigned, why: reason, witness }) => (cosigned ? [] : `${witness}: ${reason}`));
  return new Refusal(
    "WITNESS",
    "too few witnesses cosigned the checkpoint: it is signed and kept, and not published yet",
    {
      expected: `${cosignatures} of ${witnesses.length}`,
      got: [`${got.cosigners}`, ...why].join("; "),
    },
  );
}

function notEverywhere(findings: readonly PlaceFinding[]): Refusal | null {
  const missing = findings.filter(({ published }) => !published);
  if (missing.length === 0) return null;
  return new Refusal("STORE", "the checkpoint is not published everywhere: nothing is acknowledged under it yet", {
    expected: `${findings.length} places`,
    got: missing.map(({ place, why }) => `${place}: ${why}`).join("; "),
  });
}
