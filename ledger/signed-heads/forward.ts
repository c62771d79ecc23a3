/**
 * Moving a stopped state forward: a person brings the newest checkpoint that was ever signed, and says so. It counts only where the very key that was stopped
 * signed it, or where a proof shows that it holds all that the state has: a state is never moved to another history.
 */

import { nodeHost } from "../../host/crypto-host.ts";
import { equal } from "../../manifests/encoding/bytes.ts";
import { type Checkpoint, readCheckpoint } from "../../manifests/log/checkpoint.ts";
import { checkNote } from "../../manifests/log/note.ts";
import type { VerifierKey } from "../../manifests/log/verifier-key.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { checkFollows, emptyHead, type TreeHead } from "./follows.ts";
import type { SignedHead, SignedHeads } from "./signed-heads.ts";

export interface Brought {
  readonly checkpoint: Uint8Array;
  /** a consistency proof from the state's size; none where it begins at another size */
  readonly path: readonly Uint8Array[];
}

export interface Forward {
  readonly heads: SignedHeads;
  readonly log: VerifierKey;
  /** the key whose state it is: the log's, or a witness's */
  readonly own: VerifierKey;
  /** shows a person what the state is and shall be; whether it was agreed to */
  agree(now: SignedHead, next: TreeHead): Promise<boolean>;
}

/**
 * Durable on return. Refuses LOG-NOTE, LOG-FORM a checkpoint that the log did not sign, LOG-HEAD one that is older than the state, LOG-PROOF one that nothing shows to follow it,
 * STOPPED where the person does not agree, STORE.
 */
export async function moveForward(
  { agree, heads, log, own }: Forward,
  { checkpoint, path }: Brought,
): Promise<Checkpoint> {
  const next = readCheckpoint(checkpoint);
  const [byLog] = await checkNote(nodeHost, next.note, [log]);
  if (!byLog || next.origin !== log.name) {
    throw new Refusal("LOG-NOTE", "the log's key did not sign this checkpoint", {
      expected: log.name,
      got: next.origin,
    });
  }
  const now = heads.head(log.name);
  const ownSigned = (await checkNote(nodeHost, next.note, [own])).length > 0;
  const larger = next.size > now.size;
  if (!ownSigned || !larger) await checkFollows(nodeHost, now, next, larger ? path : []);
  await moveTo({ agree, heads, log }, now, next);
  return next;
}

/** Where a person says that nothing was ever signed. Durable on return. Refuses LOG-HEAD a state that knows of something, STOPPED, STORE. */
export async function moveFromNothing({ agree, heads, log }: Omit<Forward, "own">): Promise<void> {
  const now = heads.head(log.name);
  if (now.size > 0) {
    throw new Refusal("LOG-HEAD", "something was signed already", {
      expected: "the newest checkpoint that ever was",
      got: `a state of size ${now.size}`,
    });
  }
  await moveTo({ agree, heads, log }, now, emptyHead);
}

async function moveTo({ agree, heads, log }: Omit<Forward, "own">, now: SignedHead, next: TreeHead): Promise<void> {
  if (!(await agree(now, next))) {
    throw new Refusal("STOPPED", "the state was not moved", { expected: "Yes", got: "something else" });
  }
  const before = heads.head(log.name);
  if (before.size !== now.size || !equal(before.root, now.root))
    throw new Refusal("LOG-HEAD", "the state changed meanwhile");
  await heads.forward(log.name, next);
}
