/** A ledger with all that its log is brought out with: keys, witnesses, places, and a way to its signer. */

import { type BackedUp, readBackedUp } from "../backup/backed-up.ts";
import { type OwnLog, ownLog } from "../checkpoints/witness-settings.ts";
import { withSigner } from "../client/open-signer.ts";
import type { SignerClient } from "../client/signer-client.ts";
import { type Ledger, openLedger } from "../ledger-folder.ts";
import type { Place } from "../publish/place.ts";
import { placeSettings, placesOf } from "../publish/places.ts";

export interface SigningOptions {
  readonly arc: string;
  readonly json?: boolean;
  readonly passphraseFd?: number;
  readonly pinFd?: number;
}

export interface OpenedLog extends OwnLog {
  readonly ledger: Ledger;
  readonly places: readonly Place[];
  readonly signer: () => Promise<SignerClient>;
  /** only where the ledger publishes nothing before a backup holds it: the newest; null: there is none */
  readonly backedUp?: BackedUp | null;
}

/** Refuses STORE, CONFIG, LOG-NOTE, and what `use` refuses. */
export async function withLog<T>(
  folder: string,
  options: SigningOptions,
  use: (opened: OpenedLog) => Promise<T>,
): Promise<T> {
  const ledger = await openLedger(folder);
  try {
    const own = await ownLog(folder);
    const places = placesOf(ledger);
    const backedUp = placeSettings(folder).afterBackup ? { backedUp: readBackedUp(folder) } : {};
    return await withSigner({ ...options, folder }, (signer) => use({ ...own, ledger, places, signer, ...backedUp }));
  } finally {
    ledger.close();
  }
}
