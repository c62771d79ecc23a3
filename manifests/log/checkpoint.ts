/** Checkpoints (c2sp.org/tlog-checkpoint@v1.0.0): a signed note whose text is a log's origin, size and root. */

import { base64, equal } from "../encoding/bytes.ts";
import type { Host } from "../host.ts";
import { Refusal } from "../refusal.ts";
import { checkNote, fromNoteBase64, type NoteSigner, readNote, type SignedNote } from "./note.ts";
import { emptyRoot, type TreeHead } from "./tree-proof.ts";
import type { VerifierKey } from "./verifier-key.ts";

const mostOrigin = 255;

export interface Checkpoint extends TreeHead {
  /** which log it is of */
  readonly origin: string;
}

export interface SignedCheckpoint extends Checkpoint {
  readonly note: SignedNote;
}

/** Whom a reader trusts: one log, and the witnesses of whom so many must have cosigned; 0 asks for none. */
export interface LogTrust {
  readonly log: VerifierKey;
  readonly witnesses: readonly VerifierKey[];
  readonly cosignatures: number;
}

/** What the log itself must have signed, whoever cosigned. */
export const byLog = (log: VerifierKey): LogTrust => ({ log, witnesses: [], cosignatures: 0 });

/** A checkpoint that the log signed and, as far as was asked for, witnesses cosigned; `cosigners` are all pinned ones that did. */
export interface CheckedCheckpoint extends SignedCheckpoint {
  readonly cosigners: readonly NoteSigner[];
}

/** The text that is signed. Refuses LOG-FORM what `readCheckpointText` would not read. */
export function checkpointText({ origin, root, size }: Checkpoint): string {
  const text = `${origin}\n${size}\n${base64(root)}\n`;
  readCheckpointText(text);
  return text;
}

/**
 * Reads a checkpoint's text. Refuses LOG-FORM other than three lines: extension lines too, as nobody would check what they say; a size of 2^53 or more, a
 * root that is not 32 bytes, and one of an empty tree that is not the empty tree's.
 */
export function readCheckpointText(text: string): Checkpoint {
  const [origin, count, hash, end, ...more] = text.split("\n", 5);
  if (origin === undefined || count === undefined || hash === undefined || end !== "" || more.length > 0) {
    throw new Refusal("LOG-FORM", "a checkpoint is not three lines: origin, size and root");
  }
  if (origin === "" || origin.length > mostOrigin) {
    throw new Refusal("LOG-FORM", `a checkpoint's origin is empty or longer than ${mostOrigin} characters`);
  }
  const size = readSize(count);
  const root = readRoot(hash);
  if (size > 0 || equal(root, emptyRoot)) return { origin, root, size };
  throw new Refusal("LOG-FORM", "a checkpoint of size 0 has another root than the empty tree");
}

/** Reads a checkpoint as it comes; nothing of its signatures is checked. Refuses LOG-NOTE, LOG-FORM. */
export function readCheckpoint(bytes: Uint8Array): SignedCheckpoint {
  const note = readNote(bytes);
  return { ...readCheckpointText(note.text), note };
}

/**
 * Reads a checkpoint and checks it against the keys that are pinned. Refuses what `readCheckpoint` and `checkLogTrust` do, and LOG-NOTE another origin than the log
 * key's name, no signature of the log, a signature of a pinned key that does not hold, and too few cosignatures.
 */
export async function checkCheckpoint(host: Host, bytes: Uint8Array, trust: LogTrust): Promise<CheckedCheckpoint> {
  checkLogTrust(trust);
  const checkpoint = readCheckpoint(bytes);
  const { log, witnesses, cosignatures } = trust;
  if (checkpoint.origin !== log.name) {
    throw new Refusal("LOG-NOTE", "a checkpoint is of another log", { expected: log.name, got: checkpoint.origin });
  }
  const [signer] = await checkNote(host, checkpoint.note, [log]);
  if (!signer) throw new Refusal("LOG-NOTE", "the log's key did not sign this checkpoint", { expected: log.name });
  const cosigners = await checkNote(host, checkpoint.note, witnesses);
  if (cosigners.length >= cosignatures) return { ...checkpoint, cosigners };
  throw new Refusal("LOG-NOTE", "too few witnesses cosigned a checkpoint", {
    expected: `${cosignatures} of ${witnesses.length}`,
    got: `${cosigners.length}`,
  });
}

/** Refuses LOG-NOTE keys of the wrong type, a witness that is named twice or has another's key, and more cosignatures asked for than there are witnesses. */
export function checkLogTrust({ cosignatures, log, witnesses }: LogTrust): void {
  if (log.type !== "ed25519") throw new Refusal("LOG-NOTE", "the log's key is not one that signs checkpoints");
  if (witnesses.some(({ type }) => type !== "cosignature/v1")) {
    throw new Refusal("LOG-NOTE", "a witness's key is not one that cosigns checkpoints");
  }
  // One person under two names would count twice; the log does not witness itself.
  const keys = [log, ...witnesses].map(({ key }) => base64(key));
  const names = witnesses.map(({ name }) => name);
  if (new Set(keys).size < keys.length || new Set(names).size < names.length) {
    throw new Refusal("LOG-NOTE", "a witness's key or name stands twice");
  }
  if (!Number.isSafeInteger(cosignatures) || cosignatures < 0 || cosignatures > witnesses.length) {
    throw new Refusal("LOG-NOTE", "more cosignatures are asked for than there are witnesses", {
      expected: `0 to ${witnesses.length}`,
      got: `${cosignatures}`,
    });
  }
}

function readSize(text: string): number {
  const size = /^(0|[1-9][0-9]{0,15})$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(size)) return size;
  throw new Refusal("LOG-FORM", "a checkpoint's size is no decimal number below 2^53");
}

function readRoot(text: string): Uint8Array {
  const root = text.length === 44 ? fromNoteBase64(text, "LOG-FORM") : new Uint8Array(0);
  if (root.length === 32) return root;
  throw new Refusal("LOG-FORM", "a checkpoint's root is not base64 of 32 bytes");
}
