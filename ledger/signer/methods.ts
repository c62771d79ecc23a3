/**
 * What the ledger's signer does, and all that it does: it signs a checkpoint that holds everything of the one it signed last, and acknowledgements. What is
 * signed is composed here, of numbers and digests: nobody can have this process sign a text of theirs.
 */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { nodeHost, sha256 } from "../../host/crypto-host.ts";
import type { Handlers } from "../../host/wire.ts";
import { suiteOf } from "../../manifests/cms/suite.ts";
import { signedAttributes } from "../../manifests/cms/write.ts";
import { equal, fromHex, utf8 } from "../../manifests/encoding/bytes.ts";
import { hexText, integer, list, object, utcOf } from "../../manifests/encoding/shape.ts";
import { checkpointText } from "../../manifests/log/checkpoint.ts";
import { noteBytes } from "../../manifests/log/note.ts";
import type { VerifierKey } from "../../manifests/log/verifier-key.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { checkFollows } from "../signed-heads/follows.ts";
import { type SignedHeads, stoppedRefusal } from "../signed-heads/signed-heads.ts";
import type { KeyRecord } from "./key-record.ts";
import type { SigningKey } from "./signing-key.ts";

/** What the process holds while it runs. */
export interface Signer {
  readonly folder: string;
  readonly record: KeyRecord;
  readonly vkey: VerifierKey;
  readonly checkpoint: SigningKey;
  readonly acknowledgement: SigningKey;
  readonly heads: SignedHeads;
  /** lets heads and token go */
  close(): Promise<void>;
  /** eContentType of acknowledgements */
  readonly contentType: string;
}

export const certificateFile = (folder: string) => join(folder, "acknowledgement.der");

const readCheckpointCall = object({
  /** of the tree that the path begins at */
  from: integer(0),
  path: list(hexText(), 0, 64),
  root: hexText(),
  size: integer(0),
});
const readAcknowledgementCall = object({
  /** SHA-256 of the acknowledgement's content */
  digest: hexText(),
});

export function signerMethods(signer: Signer): Handlers {
  const { heads, record } = signer;
  return {
    status: async () => {
      const { root, size, stopped } = heads.head(record.origin);
      const { acknowledgement, checkpoint, origin } = record;
      return {
        result: {
          certificate: existsSync(certificateFile(signer.folder)),
          held: { acknowledgement: acknowledgement.held, checkpoint: checkpoint.held },
          origin,
          root: root.toHex(),
          size,
          stopped,
          vkey: checkpoint.vkey,
        },
      };
    },
    checkpoint: async (params) => {
      const { from, path, root, size } = readCheckpointCall(params, "checkpoint");
      const note = await signCheckpoint(signer, { from, path: path.map(fromHex), root: fromHex(root), size });
      return { result: { note: note.toBase64() } };
    },
    acknowledgement: async (params) => {
      const { digest } = readAcknowledgementCall(params, "acknowledgement");
      const { attributes, signature } = await signAcknowledgement(signer, fromHex(digest));
      return { result: { attributes: attributes.toBase64(), signature: signature.toBase64() } };
    },
  };
}

/** Of a signer that could not be opened: each call is answered with why. */
export function refusingMethods(fault: unknown): Handlers {
  const refuse = () => Promise.reject(fault);
  return { acknowledgement: refuse, checkpoint: refuse, status: refuse };
}

interface WantedCheckpoint {
  readonly from: number;
  readonly path: readonly Uint8Array[];
  readonly root: Uint8Array;
  readonly size: number;
}

/**
 * A note of the log over a tree that follows the last one, which is on the disk before the note is given out; the same tree again gets the same note. Refuses
 * LOG-HEAD, LOG-PROOF, LEDGER-STOPPED, STORE, and where the key is on a token LOCKED and HSM codes.
 */
async function signCheckpoint(signer: Signer, { from, path, root, size }: WantedCheckpoint): Promise<Uint8Array> {
  const { checkpoint, heads, vkey } = signer;
  const last = heads.head(vkey.name);
  if (last.stopped !== null) throw stoppedRefusal(vkey.name, last.stopped);
  if (last.note && last.size === size && equal(last.root, root)) return last.note;
  if (from !== last.size) {
    throw new Refusal("LOG-HEAD", "the proof begins at another tree than the one that was signed last", {
      expected: `a proof from size ${last.size}`,
      got: `one from size ${from}`,
    });
  }
  await checkFollows(nodeHost, last, { root, size }, path);
  const text = checkpointText({ origin: vkey.name, root, size });
  const signature = await checkpoint.sign(utf8(text));
  if (!(await nodeHost.verifyEd25519(vkey.key, utf8(text), signature))) {
    throw new Refusal("LOG-NOTE", "the signature that was just made does not hold: nothing was signed");
  }
  const note = noteBytes({ text, signatures: [{ name: vkey.name, id: vkey.id, signature }] });
  await heads.advance(vkey.name, last, { root, size }, note);
  return note;
}

/**
 * Signed attributes of an acknowledgement with that digest, by this process's clock, and their signature, which holds under the record's key. Refuses CONFIG before there is a
 * certificate; where the key is on a token LOCKED and HSM codes.
 */
async function signAcknowledgement(
  { acknowledgement, contentType, folder, record }: Signer,
  digest: Uint8Array,
): Promise<{ readonly attributes: Uint8Array; readonly signature: Uint8Array }> {
  const path = certificateFile(folder);
  if (!existsSync(path)) {
    throw new Refusal("CONFIG", "the acknowledgement key has no certificate yet", {
      expected: "`coldseal ledger keys --certificate FILE`",
      about: path,
    });
  }
  const suite = suiteOf(record.acknowledgement.suite);
  const attributes = signedAttributes({
    contentType,
    messageDigest: digest,
    signingTime: utcOf(Date.now()),
    certificateDigest: sha256(readFileSync(path)),
    suite,
  });
  const signature = await acknowledgement.sign(attributes);
  if (!(await nodeHost.verify(suite, record.acknowledgement.spki, attributes, signature))) {
    throw new Refusal("HSM-SIGNATURE", "the signature that was just made does not hold: nothing was signed");
  }
  return { attributes, signature };
}
