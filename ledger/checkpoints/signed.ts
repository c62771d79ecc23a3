/** The second step: the stored tree is signed by the log's key, and the note is kept. */

import { nodeHost } from "../../host/crypto-host.ts";
import { equal } from "../../manifests/encoding/bytes.ts";
import { utcOf } from "../../manifests/encoding/shape.ts";
import { byLog, checkCheckpoint } from "../../manifests/log/checkpoint.ts";
import type { TreeHead } from "../../manifests/log/tree-proof.ts";
import type { VerifierKey } from "../../manifests/log/verifier-key.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { SignerClient } from "../client/signer-client.ts";
import { formerHead, provenConsistency } from "../log/proofs.ts";
import { treeHead } from "../log/tree-head.ts";
import type { Database, Sql } from "../store/database.ts";

/** What this step asks of the signer. */
export type CheckpointSigner = Pick<SignerClient, "checkpoint" | "status">;

/** A checkpoint with the log's own signature. */
export interface Signed extends TreeHead {
  readonly note: Uint8Array;
}

/**
 * The note of a tree that is durable in the store: the one that is kept, else a new one, kept on return. `signer` is asked for only where one is to be made. Refuses LOG-HEAD
 * where what was signed is not in the store: it was put back, or changed; LOG-NOTE a signer with another key; what the signer refuses; STORE.
 */
export async function signedCheckpoint(
  db: Database,
  log: VerifierKey,
  stored: TreeHead,
  signer: () => Promise<CheckpointSigner>,
): Promise<Signed> {
  const kept = await keptCheckpoint(db, stored.size);
  if (kept) return checkedAgain(log, stored, kept.note);
  const note = await newNote(db, stored, await signer());
  const signed = await checkedAgain(log, stored, note);
  await db.writing((sql) => keepCheckpoint(sql, signed));
  return signed;
}

/** Keeps a note of the log, signed now; one of this size that is there stays. Refuses STORE. */
export function keepCheckpoint(sql: Sql, { note, root, size }: Signed): Promise<number> {
  return sql.run(
    "INSERT INTO checkpoints (size, root, note, signed) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
    ...[size, root, note, utcOf(Date.now())],
  );
}

async function newNote(db: Database, stored: TreeHead, signer: CheckpointSigner): Promise<Uint8Array> {
  const last = await signer.status();
  const { size: has } = await db.reading(treeHead);
  if (last.size > stored.size && last.size <= has) {
    throw new Refusal("BUSY", "a larger tree of this log was signed meanwhile", {
      expected: `${last.size} entries or more`,
      got: `${stored.size}`,
    });
  }
  if (last.size > stored.size) {
    throw new Refusal("LOG-HEAD", "a larger tree was signed than the store holds: it was put back, and lost entries", {
      expected: `${last.size} entries or more`,
      got: `${stored.size}`,
    });
  }
  const path = await db.reading(async (sql) => {
    const { root } = await formerHead(sql, last.size);
    if (root.toHex() !== last.root) {
      throw new Refusal("LOG-HEAD", "the tree that was signed last is not in the store: one of them was changed", {
        expected: last.root,
        got: root.toHex(),
        about: `size ${last.size}`,
      });
    }
    return provenConsistency(sql, last.size, stored.size);
  });
  return signer.checkpoint(stored, last.size, path);
}

/** Whatever came, from the signer or out of the store, counts only as the log's note over this very tree. */
async function checkedAgain(log: VerifierKey, stored: TreeHead, note: Uint8Array): Promise<Signed> {
  const { root, size } = await checkCheckpoint(nodeHost, note, byLog(log));
  if (size === stored.size && equal(root, stored.root)) return { root, size, note };
  throw new Refusal("LOG-HEAD", "the checkpoint that is kept is over another tree than the store holds", {
    expected: `size ${stored.size}, root ${stored.root.toHex()}`,
    got: `size ${size}, root ${root.toHex()}`,
  });
}

export function keptCheckpoint(db: Database, size: number): Promise<{ readonly note: Uint8Array } | undefined> {
  return db.reading((sql) => sql.get<{ note: Uint8Array }>("SELECT note FROM checkpoints WHERE size = ?", size));
}
