/** Every promise that a box can be asked about after a fault, asked at once. What is broken is said; an empty list is a box that kept them all. */

import type { Db } from "../../appliance/signer/store.ts";
import type { Trust } from "../../manifests/verify/trust.ts";
import type { Breach } from "./breach.ts";
import { checkReceipts, checkSecrets, checkSpool, checkStick, type Expected, type Receipt } from "./check-media.ts";
import {
  checkChain,
  checkHead,
  checkIntents,
  checkOnce,
  checkQuorum,
  rows,
  type TokenContents,
} from "./check-record.ts";
import { checkTold } from "./check-told.ts";
import type { Told } from "./told.ts";

export interface BoxAtRest {
  readonly db: Db;
  readonly token: TokenContents;
  readonly trust: Trust & { readonly genesis: string };
  /** M of the policy */
  readonly quorum: number;
  /** digests of the batches that enough people approved */
  readonly approved: ReadonlySet<string>;
  readonly told: Told;
  readonly receipt: Receipt;
  /** false: whoever asks has the receipts checked elsewhere */
  readonly receipts?: false;
  /** nothing is missing to the box: whatever it accepted must have ended, and the head covers all */
  readonly ended: boolean;
  /** of a box with a daemon: its spool, the batches that wait there, and what must stand on which stick */
  readonly spool?: { readonly path: string; readonly waiting: readonly string[] };
  readonly sticks?: ReadonlyMap<string, Expected>;
  readonly secrets?: { readonly values: readonly Uint8Array[]; readonly folders: readonly string[] };
}

export async function breaches(box: BoxAtRest): Promise<readonly Breach[]> {
  const { db, token, trust, told, ended } = box;
  const found = [
    ...(await checkChain(db, trust.genesis)),
    ...checkHead(db, token, trust.genesis, ended),
    ...checkIntents(db, token),
    ...checkOnce(db),
    ...checkQuorum(db, box.quorum, box.approved),
    ...checkTold(db, told, ended),
  ];
  // Receipts are made of the record: what is wrong there is said once.
  if (found.length > 0) return found;
  const numbers = rows<{ number: number }>(db, "SELECT number FROM manifests ORDER BY number").map(
    ({ number }) => number,
  );
  const files: Breach[] = box.receipts === false ? [] : [...(await checkReceipts(numbers, box.receipt, trust))];
  for (const [stick, expected] of box.sticks ?? [])
    files.push(...(await checkStick(stick, expected, box.receipt, trust)));
  if (box.spool) files.push(...checkSpool(box.spool.path, box.spool.waiting));
  if (box.secrets) files.push(...checkSecrets(box.secrets.folders, box.secrets.values));
  return files;
}
