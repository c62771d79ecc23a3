/** What others have seen of the log that a backup is of: the checkpoints in the places that are left, and those that witnesses cosigned. */

import { nodeHost, sha256 } from "../../host/crypto-host.ts";
import { boundedBody, reasonOf } from "../../host/http-answer.ts";
import { equal, hex, utf8 } from "../../manifests/encoding/bytes.ts";
import { byLog, type Checkpoint, checkCheckpoint, readCheckpoint } from "../../manifests/log/checkpoint.ts";
import { consistencyPath } from "../../manifests/log/tile-tree.ts";
import { tilePath } from "../../manifests/log/tiles.ts";
import { checkConsistency, type TreeHead } from "../../manifests/log/tree-proof.ts";
import type { VerifierKey } from "../../manifests/log/verifier-key.ts";
import { asRefusal, inOneLine, Refusal } from "../../manifests/refusal.ts";
import type { AskedWitness } from "../checkpoints/witness-settings.ts";
import type { Ledger } from "../ledger-folder.ts";
import { formerHead } from "../log/proofs.ts";
import { treeHead } from "../log/tree-head.ts";
import { checkpointFile, type Place } from "../publish/place.ts";

export interface Shown {
  /** a place's folder, or a witness's address */
  readonly where: string;
  /** entries of its checkpoint; 0: it has none; null: nobody could look */
  readonly size: number | null;
  /** why nobody could look, or compare, or that it does not go with the backup; else null */
  readonly why: string | null;
  /** whether it shows another history than the backup holds */
  readonly other: boolean;
}

/** Without a store sizes are told, and nothing is compared. */
type OwnLog = Pick<Ledger, "origin"> & Partial<Pick<Ledger, "db">>;

const longestNote = 64 * 1024;
const patience = 10_000;

/** Of a place that is left. `log`: the key that must have signed what it shows; undefined where the backup has no keys. */
export function shownInPlace(ledger: OwnLog, place: Place, log: VerifierKey | undefined): Promise<Shown> {
  return looked(place.name, async () => {
    const note = await place.read(checkpointFile);
    if (note === undefined) return { size: 0, other: null };
    const shown = log ? await checkCheckpoint(nodeHost, note, byLog(log)) : readCheckpoint(note);
    return compared(shown.size, () => otherHistory(ledger, shown, place));
  });
}

/** Of a witness that answers. */
export function shownByWitness(ledger: OwnLog, { url }: AskedWitness, log: VerifierKey): Promise<Shown> {
  return looked(url, async () => {
    const address = `${url}/${hex(sha256(utf8(log.name)))}/checkpoint`;
    const response = await fetch(address, { redirect: "error", signal: AbortSignal.timeout(patience) }).catch(
      (cause) => {
        throw new Refusal("WITNESS", `the witness does not answer: ${reasonOf(cause)}`, { cause });
      },
    );
    const body = await boundedBody(response, longestNote, "WITNESS");
    if (response.status === 404) return { size: 0, other: null };
    if (response.status !== 200) throw new Refusal("WITNESS", `the witness answers ${response.status}`);
    const shown = await checkCheckpoint(nodeHost, body, byLog(log));
    return compared(shown.size, () => otherHistory(ledger, shown));
  });
}

interface Looked {
  readonly size: number;
  /** why it is another history; null: it is not, or nobody could tell */
  readonly other: string | null;
  /** why nobody could tell */
  readonly unsure?: string;
}

async function looked(where: string, look: () => Promise<Looked>): Promise<Shown> {
  try {
    const { other, size, unsure = null } = await look();
    return { where, size, why: other ?? unsure, other: other !== null };
  } catch (fault) {
    return { where, size: null, why: wordsOf(fault), other: false };
  }
}

/** How many entries were shown is known by the signature alone, whatever else is damaged there. */
async function compared(size: number, otherHistory: () => Promise<string | null>): Promise<Looked> {
  try {
    return { size, other: await otherHistory() };
  } catch (fault) {
    return { size, other: null, unsure: wordsOf(fault) };
  }
}

function wordsOf(fault: unknown): string {
  return inOneLine(asRefusal(fault, "STORE", (fault as Error).message).toRecord());
}

/** Why it is of another history than the store's; null where it is of its own, or larger and (in a place, whose tiles can be read) holds all of it. */
async function otherHistory({ db, origin }: OwnLog, shown: Checkpoint, place?: Place): Promise<string | null> {
  if (shown.origin !== origin) return `it is of another log: ${shown.origin}`;
  if (db === undefined) return null;
  const own = await db.reading(async (sql) => {
    const mine = await treeHead(sql);
    return shown.size <= mine.size ? formerHead(sql, shown.size) : mine;
  });
  if (shown.size <= own.size)
    return equal(shown.root, own.root) ? null : `another root of ${shown.size} entries than the backup's`;
  return place ? await grownOutOf(place, own, shown) : null;
}

async function grownOutOf(place: Place, from: TreeHead, to: TreeHead): Promise<string | null> {
  const tiles = async (tile: Parameters<typeof tilePath>[0]) => {
    const bytes = await place.read(tilePath(tile));
    if (bytes) return bytes;
    throw new Refusal("LOG-RECORD", "a tile is missing", { about: tilePath(tile) });
  };
  const path = await consistencyPath(nodeHost, tiles, { from: from.size, size: to.size });
  try {
    await checkConsistency(nodeHost, { from, to, path });
    return null;
  } catch (fault) {
    const { message } = asRefusal(fault, "LOG-PROOF", "no proof leads there");
    return `its ${to.size} entries do not hold the backup's ${from.size}: ${message}`;
  }
}
