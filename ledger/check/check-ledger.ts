/** `coldseal ledger verify`: every row, tile and published file against the leaves, and each checkpoint against the tree. */

import { existsSync } from "node:fs";
import { utcOf } from "../../manifests/encoding/shape.ts";
import type { LogTrust } from "../../manifests/log/checkpoint.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { checkAnchors } from "../anchor/check-anchors.ts";
import { checkBoxes } from "../boxes/check-boxes.ts";
import { signerFolder } from "../client/open-signer.ts";
import type { Ledger } from "../ledger-folder.ts";
import { checkpointFile, type Place } from "../publish/place.ts";
import { keyFile } from "../signer/key-record.ts";
import { checkAcknowledgements } from "./check-acknowledgements.ts";
import { checkLog } from "./check-log.ts";
import { checkPlace } from "./check-place.ts";
import { checkSteps } from "./check-steps.ts";
import { type Finding, Findings } from "./findings.ts";
import { keptCheckpoints } from "./kept-checkpoints.ts";
import { rootShown, type ShownCheckpoint } from "./shown-checkpoint.ts";

export interface LedgerCheck {
  readonly origin: string;
  /** entries in the store, and the root that they give */
  readonly size: number;
  readonly root: Uint8Array;
  readonly places: readonly { readonly name: string; readonly size: number }[];
  /** none: the ledger is what was appended */
  readonly findings: readonly Finding[];
  /** also those over the first thousand */
  readonly count: number;
}

/**
 * `checkpoints` are those that others show, beside the kept and the published ones; `trust` are the keys that must have signed all of them, undefined: nobody asks. Refuses STORE;
 * whatever differs is a finding, never a refusal.
 */
export async function checkLedger(
  { db, folder, origin }: Pick<Ledger, "db" | "folder" | "origin">,
  places: readonly Place[],
  { checkpoints = [], trust }: { readonly checkpoints?: readonly ShownCheckpoint[]; readonly trust?: LogTrust } = {},
): Promise<LedgerCheck> {
  const findings = new Findings();
  const published = await publishedIn(places);
  const shown = [...(await db.reading((sql) => keptCheckpoints(sql, origin, trust, findings)))];
  for (const one of [...checkpoints, ...published]) shown.push(...(await rootShown(origin, one, trust, findings)));
  const { size, root } = await db.reading((sql) => checkLog(sql, shown, findings));
  await db.reading((sql) => checkSteps(sql, findings));
  await db.reading((sql) => checkAcknowledgements(sql, origin, findings));
  await db.reading((sql) => checkBoxes(sql, utcOf(Date.now()), findings));
  const signs = existsSync(keyFile(signerFolder(folder)));
  const sizes: number[] = [];
  for (const place of places) sizes.push(await checkPlace(db, place, signs, findings));
  await db.reading((sql) => checkAnchors(sql, findings));
  const { count, list } = findings;
  return {
    origin,
    size,
    root,
    places: places.map(({ name }, at) => ({ name, size: sizes[at] ?? 0 })),
    findings: list,
    count,
  };
}

/** A place that cannot be read is found by `checkPlace`. */
async function publishedIn(places: readonly Place[]): Promise<readonly ShownCheckpoint[]> {
  const found: ShownCheckpoint[] = [];
  for (const place of places) {
    const note = await place.read(checkpointFile).catch((fault: unknown) => {
      if (fault instanceof Refusal) return undefined;
      throw fault;
    });
    if (note) found.push({ where: `${place.name}/${checkpointFile}`, note });
  }
  return found;
}
