/** Whether the log is what it says, as anybody sees it: in every place the newest entry, and some at random, must be in a checkpoint that log and witnesses signed. */

import { randomInt } from "node:crypto";
import { nodeHost } from "../../host/crypto-host.ts";
import { type Utc, utcOf } from "../../manifests/encoding/shape.ts";
import { type CheckedCheckpoint, checkCheckpoint, type LogTrust } from "../../manifests/log/checkpoint.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { checkpointFile } from "../publish/place.ts";
import { provenEntry, type ReadPlace } from "./published-log.ts";

export interface ProvenLog {
  /** of the checkpoint that all places show, or the smallest of theirs */
  readonly size: number;
  /** of the newest entry below it */
  readonly index: number;
  /** the leaf of that entry */
  readonly leaf: Uint8Array;
  /** when the first witness says that it cosigned it; null where nobody was asked to */
  readonly cosigned: Utc | null;
  /** names of the witnesses' keys that cosigned the checkpoint in the first place */
  readonly cosigners: readonly string[];
}

/** Entries looked at beside the newest, in each place and each time. */
const sample = 8;

/**
 * Reads and checks it anew. `atLeast`: how many entries each place was told to show. Refuses UNPUBLISHED where a place shows no checkpoint, LOG-HEAD an older one than it had,
 * LOG-NOTE, LOG-FORM, LOG-PROOF, LOG-RECORD, STORE.
 */
export async function proveLog(
  places: readonly ReadPlace[],
  trust: LogTrust,
  atLeast: (place: string) => number,
): Promise<ProvenLog> {
  const proven: ProvenLog[] = [];
  for (const place of places) proven.push(await provePlace(place, trust, atLeast(place.name)));
  const [first] = proven.toSorted((a, b) => a.size - b.size);
  if (first) return first;
  throw new Refusal("CONFIG", "the log has no place where it is published");
}

async function provePlace(place: ReadPlace, trust: LogTrust, atLeast: number): Promise<ProvenLog> {
  const note = await place.read(checkpointFile);
  if (note === undefined) throw new Refusal("UNPUBLISHED", "a place shows no checkpoint", { about: place.name });
  const checkpoint = await checkCheckpoint(nodeHost, note, trust);
  const { cosigners, size } = checkpoint;
  if (size < atLeast) {
    throw new Refusal("LOG-HEAD", "a place shows an older checkpoint than was published there", {
      expected: `${atLeast} entries`,
      got: `${size}`,
      about: place.name,
    });
  }
  if (size === 0) throw new Refusal("UNPUBLISHED", "the published log is empty", { about: place.name });
  const index = size - 1;
  const leaf = await provenEntry(place, checkpoint, index);
  for (let n = 0; n < Math.min(sample, index); n++) await provenEntry(place, checkpoint, randomInt(index));
  return { size, index, leaf, cosigned: firstTime(checkpoint), cosigners: cosigners.map(({ key }) => key.name) };
}

function firstTime({ cosigners }: CheckedCheckpoint): Utc | null {
  const times = cosigners.flatMap(({ time }) => (time === null ? [] : time));
  return times.length === 0 ? null : utcOf(Math.min(...times) * 1000);
}
