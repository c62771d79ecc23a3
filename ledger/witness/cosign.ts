/**
 * A witness's one decision (c2sp.org/tlog-witness, "add-checkpoint"): whether a checkpoint holds all of the one it cosigned last. What it cosigns is on the disk
 * before the cosignature is given out, compared and written in one transaction. Each answer is the one that the protocol asks for.
 */

import type { KeyObject } from "node:crypto";
import { nodeHost } from "../../host/crypto-host.ts";
import type { InTurn } from "../../host/in-turn.ts";
import { equal, utf8 } from "../../manifests/encoding/bytes.ts";
import { type Checkpoint, readCheckpointText } from "../../manifests/log/checkpoint.ts";
import { cosignatureMessage, joinCosignature } from "../../manifests/log/cosignature.ts";
import {
  checkNote,
  type NoteSignature,
  noteBytes,
  readNote,
  type SignedNote,
  signatureLine,
} from "../../manifests/log/note.ts";
import type { VerifierKey } from "../../manifests/log/verifier-key.ts";
import { asRefusal, Refusal } from "../../manifests/refusal.ts";
import { signEd25519 } from "../keys/ed25519.ts";
import { checkFollows } from "../signed-heads/follows.ts";
import type { SignedHeads } from "../signed-heads/signed-heads.ts";
import { type AddCheckpoint, readAddCheckpoint } from "./add-checkpoint.ts";

export interface Witness {
  readonly vkey: VerifierKey;
  readonly key: KeyObject;
  /** each with the log's origin as its name */
  readonly logs: readonly VerifierKey[];
  readonly heads: SignedHeads;
  /** milliseconds since 1970 */
  readonly now: () => number;
  readonly turn: InTurn;
}

/** An answer over HTTP; its body is plain text unless it is a size. */
export interface Answer {
  readonly status: 200 | 400 | 403 | 404 | 409 | 422 | 500 | 503;
  readonly body: string;
  readonly size?: true;
}

/** Answers a request to cosign. Never throws. */
export async function addCheckpoint(witness: Witness, body: Uint8Array): Promise<Answer> {
  try {
    const request = readAddCheckpoint(body);
    const note = readNote(request.checkpoint);
    return await witness.turn.run(() => judge(witness, request, note));
  } catch (fault) {
    const { code, message } = asRefusal(fault, "INTERNAL", "a fault in the witness");
    const status = code === "LOG-FORM" || code === "LOG-NOTE" ? 400 : code === "LEDGER-STOPPED" ? 503 : 500;
    return { status, body: `${code}: ${message}\n` };
  }
}

async function judge(witness: Witness, { old, path }: AddCheckpoint, note: SignedNote): Promise<Answer> {
  const origin = note.text.slice(0, note.text.indexOf("\n"));
  const log = witness.logs.find(({ name }) => name === origin);
  if (!log) return { status: 404, body: "no log of this origin is known here\n" };
  if (!(await signedBy(log, note))) return { status: 403, body: "the log's key did not sign this checkpoint\n" };
  if (emptyWithOtherRoot(note.text)) return { status: 422, body: "a tree of size 0 has the root of the empty tree\n" };
  const next = readCheckpointText(note.text);
  if (old > next.size) return { status: 400, body: "the old size is larger than the checkpoint's\n" };
  const last = witness.heads.head(origin);
  if (last.stopped !== null) throw new Refusal("LEDGER-STOPPED", last.stopped);
  if (await provesOlderState(witness, note, next)) {
    const why = `it cosigned size ${next.size} before, which its state does not hold`;
    await witness.heads.stop(origin, why);
    throw new Refusal("LEDGER-STOPPED", why);
  }
  if (old !== last.size) return { status: 409, body: `${last.size}\n`, size: true };
  const refused = await refusalOf(() => checkFollows(nodeHost, last, next, path));
  if (refused) return { status: 422, body: `${refused.code}: ${refused.message}\n` };
  const line = cosignature(witness, note.text);
  const kept = note.signatures.filter(({ id, name }) => id === log.id && name === log.name);
  await witness.heads.advance(origin, last, next, noteBytes({ text: note.text, signatures: [...kept, line] }));
  return { status: 200, body: signatureLine(line) };
}

/** A signature of the known key that does not hold is as bad as none: the note is malformed (c2sp.org/signed-note, "Signatures"). */
async function signedBy(log: VerifierKey, note: SignedNote): Promise<boolean> {
  const refused = await refusalOf(async () => {
    const signers = await checkNote(nodeHost, note, [log]);
    if (signers.length === 0) throw new Refusal("LOG-NOTE", "no signature");
  });
  return refused === undefined;
}

/** Whether this witness cosigned the very checkpoint, which is newer than its state or another of the same size: then its state is an older one. */
async function provesOlderState({ heads, vkey }: Witness, note: SignedNote, next: Checkpoint): Promise<boolean> {
  const last = heads.head(next.origin);
  const newer = next.size > last.size || (next.size === last.size && !equal(next.root, last.root));
  if (!newer) return false;
  // A line under its name that does not hold proves nothing, and is no reason to refuse what the log signed.
  const own = note.signatures.filter(({ id, name }) => id === vkey.id && name === vkey.name);
  for (const signature of own) {
    const refused = await refusalOf(async () => {
      await checkNote(nodeHost, { text: note.text, signatures: [signature] }, [vkey]);
    });
    if (refused === undefined) return true;
  }
  return false;
}

function cosignature({ key, now, vkey }: Witness, text: string): NoteSignature {
  const time = Math.floor(now() / 1000);
  const signature = signEd25519(key, cosignatureMessage(text, time));
  return { name: vkey.name, id: vkey.id, signature: joinCosignature(time, signature) };
}

/** Which the protocol answers otherwise than a checkpoint of another form. */
function emptyWithOtherRoot(text: string): boolean {
  const [, size] = text.split("\n", 2);
  if (size !== "0") return false;
  try {
    readCheckpointText(text);
    return false;
  } catch {
    return true;
  }
}

async function refusalOf(work: () => Promise<void>): Promise<Refusal | undefined> {
  try {
    await work();
    return undefined;
  } catch (fault) {
    if (fault instanceof Refusal) return fault;
    throw fault;
  }
}

/** The checkpoint of a log that this witness cosigned last, with both signatures; undefined where there is none. `hash` is SHA-256 of its origin, hex. */
export async function cosignedCheckpoint({ heads, logs }: Witness, hash: string): Promise<Uint8Array | undefined> {
  for (const { name } of logs) {
    const digest = await nodeHost.digest("sha256", utf8(name));
    if (digest.toHex() === hash) return heads.head(name).note ?? undefined;
  }
  return undefined;
}
