/** The recovery holders' split of a PIN that is made anew. */

import { existsSync } from "node:fs";
import type { KeyRow } from "../../../appliance/client/unlock-client.ts";
import { writeDurable } from "../../../host/durable.ts";
import { readWrapped } from "../../../manifests/records/share.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import type { CeremonyFile } from "../../engine/ceremony-file.ts";
import type { Stage } from "../../engine/procedure.ts";
import { splitPin } from "../../shares/split.ts";
import type { BoxAtHand } from "../box-at-hand.ts";
import { boxSigner, withBoxToken } from "../box-token.ts";
import { nextWrappedPath, wrappedPath } from "../layout.ts";
import { type BoxShares, checkHoldersHere, holdersOf, wipeHolders, writeShares } from "../shares-of.ts";
import { type SplitParameters, splitIn } from "../split-parameters.ts";

/** Refuses CEREMONY-FILE where the box has a recovery split and the file none: its old shares would open nothing any more. */
export function recoveryOf(
  file: CeremonyFile,
  { layout }: BoxAtHand,
  recovery: SplitParameters | undefined,
): SplitParameters | undefined {
  if (recovery) return splitIn(file, recovery);
  if (!existsSync(wrappedPath(layout, "recovery"))) return undefined;
  throw new Refusal("CEREMONY-FILE", "the recovery holders' shares must be made anew too", {
    expected: "parameters.recovery",
    got: "none",
  });
}

interface Splitting {
  readonly box: BoxAtHand;
  readonly recovery: SplitParameters | undefined;
  readonly stick: string;
  /** the audit key in force, and the shares that are */
  readonly key: KeyRow;
  readonly shares: BoxShares;
}

/** Splits the PIN `made` for them, and gives what that leaves in the record; `pin` opens the token now. Refuses as `splitPin`, SHARE-SHORT. */
export async function splitForRecovery(
  stage: Stage,
  { box, recovery, stick, key, shares }: Splitting,
  made: Uint8Array,
  pin: Uint8Array,
): Promise<Record<string, string>> {
  if (!recovery) return {};
  const here = recovery.holders.filter(({ person }) => stage.present().includes(person));
  checkHoldersHere(stage, { holders: here.map(({ person }) => person), threshold: recovery.threshold });
  const holders = await holdersOf(stage, { ...recovery, holders: here });
  try {
    const split = await withBoxToken(shares.token, (process) => {
      const { sign } = boxSigner(process, shares.token.uri, pin, key);
      const { token } = readWrapped(shares.wrapped);
      const { threshold } = recovery;
      const what = { appliance: box.appliance, token, purpose: "recovery", threshold, holders } as const;
      return splitPin(made, { ...what, now: stage.now() }, sign);
    });
    await writeDurable(nextWrappedPath(box.layout, "recovery"), split.wrapped, { mode: 0o600 });
    await writeShares(stage, stick, "recovery", split);
    return { recovery: `split ${split.split}: ${recovery.threshold} of ${here.length}` };
  } finally {
    wipeHolders(holders);
  }
}
