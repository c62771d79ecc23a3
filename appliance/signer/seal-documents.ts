/**
 * INTENT-FIRST: documents are sealed in chunks. The exact signed attributes of a chunk are durable before the token sees them; only
 * signatures that verify with the pinned key are stored; what a crash left unsigned is signed again as it was stored. While one
 * chunk is verified the next is being signed and another waits, so that the token never does.
 */

import { sha256 } from "../../host/crypto-host.ts";
import { checkSignature } from "../../manifests/cms/signature.ts";
import { signerInfo } from "../../manifests/cms/write.ts";
import { equal } from "../../manifests/encoding/bytes.ts";
import type { OwnOids } from "../../manifests/encoding/oid.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { sealingPurpose } from "../../manifests/records/emergency.ts";
import { sealAttributes } from "../../manifests/records/seal.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { noteNetwork } from "./attempts.ts";
import { type Box, checkSound, clockSetting, now } from "./box.ts";
import { type DocumentRow, documentsFrom } from "./documents.ts";
import type { Reservation } from "./reserve.ts";
import { checkCertificates, sealingKey } from "./reserved-keys.ts";

/** Documents whose intents are stored at once. */
export const chunk = 64;
/** Chunks whose intents are stored and whose signatures are not. */
export const mostUnderWay = 3;

interface Intent {
  readonly index: number;
  readonly size: number;
  readonly attributes: Uint8Array;
}

interface Signed extends Intent {
  readonly signerInfo: Uint8Array;
}

/** Told after each chunk is stored: how many documents are sealed, and their bytes. */
export type OnProgress = (done: number, bytes: number) => void;

/**
 * Seals every document of the reservation that has no stored signature yet, in order, until the end or until an abort was
 * ordered. Every seal told of is durable. Gives way to other work between chunks. Refuses with LOCKED, GAP, CLOCK, HSM codes,
 * INTENT-FIRST, PATH-TIME (a certificate of the sealing key expired); what was stored stays, and the next call goes on after it.
 */
export async function sealDocuments(box: Box, reservation: Reservation, onProgress: OnProgress): Promise<void> {
  const chunks = new ChunkStore(box, reservation);
  const { policy } = box.policies.inForce;
  let { done, bytes } = box.batches.progress(reservation.batch);
  let next = done + 1;
  let signed: readonly Signed[] = [];
  const underWay: Promise<readonly Signed[]>[] = [];
  const lookAround = () => {
    noteNetwork(box, reservation);
    box.clock.check(clockSetting(box), policy.clock);
  };
  onProgress(done, bytes);
  try {
    for (;;) {
      const aborted = box.batches.ending(reservation.batch) !== undefined;
      const at = now(box);
      const late = lateCertificate(box, reservation, at);
      const intents = chunks.commit(signed, next, { limit: aborted ? 0 : chunk, at: late ? null : at });
      done += signed.length;
      for (const { size } of signed) bytes += size;
      if (signed.length > 0) onProgress(done, bytes);
      signed = [];
      if (intents.length > 0) {
        next += intents.length;
        await new Promise(setImmediate);
        lookAround();
        underWay.push(settledLater(box.lockbox.guard(() => sign(box, reservation, intents))));
        if (underWay.length < mostUnderWay) continue;
      }
      const first = underWay.shift();
      if (!first) {
        if (late && !aborted && done < reservation.batch.count) throw late;
        return;
      }
      signed = await first;
      // Again: what came up while it was being signed is known before it counts.
      lookAround();
    }
  } finally {
    // Whatever came in between: on return nothing is being signed. What was signed and is not stored is signed again as stored.
    await Promise.allSettled(underWay);
  }
}

/** It is awaited in its turn; a refusal before that is not lost, only not yet looked at. */
function settledLater<T>(work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  return work;
}

/** Why no more documents can be sealed under the reservation's certificates; undefined while they can. */
function lateCertificate(box: Box, { keys }: Reservation, at: Utc): Refusal | undefined {
  try {
    checkCertificates(keys.sealing, box.policies.inForce.policy, at);
    return undefined;
  } catch (fault) {
    if (fault instanceof Refusal) return fault;
    throw fault;
  }
}

/** Signatures of the intents, each verified with the pinned public key. Refuses with HSM-SIGNATURE when one does not hold: none counts then. */
async function sign(box: Box, reservation: Reservation, intents: readonly Intent[]): Promise<readonly Signed[]> {
  const { suite, spki } = reservation.keys.sealing;
  const signatures = await box.lockbox.sign(
    sealingPurpose(reservation.batch.head.mode),
    suite,
    intents.map(({ attributes }) => attributes),
  );
  box.autoLock.count(signatures.length);
  if (signatures.length !== intents.length) throw new Refusal("HSM-SIGNATURE", "the token gave too few signatures");
  return Promise.all(
    intents.map(async (intent, at) => {
      const signature = signatures[at] as Uint8Array;
      await verified(box, { suite, spki, message: intent.attributes, signature });
      const { certificate } = sealingKey(reservation, intent.index);
      return {
        ...intent,
        signerInfo: signerInfo({ certificate, suite, signedAttributes: intent.attributes, signature }),
      };
    }),
  );
}

async function verified(box: Box, claim: Omit<Parameters<typeof checkSignature>[1], "minimumRsaBits">): Promise<void> {
  try {
    const { minimumRsaBits } = box.policies.inForce.policy.limits;
    await checkSignature(box.host, { ...claim, minimumRsaBits });
  } catch (cause) {
    throw new Refusal("HSM-SIGNATURE", "the token gave a signature that does not verify", { cause });
  }
}

/** Intents and signatures in the store; one transaction, and so one wait for the disk, for each chunk. */
class ChunkStore {
  readonly #box: Box;
  readonly #reservation: Reservation;
  readonly #oids: OwnOids;
  readonly #insertIntent;
  readonly #insertSignature;
  readonly #intents;

  constructor(box: Box, reservation: Reservation) {
    this.#box = box;
    this.#reservation = reservation;
    this.#oids = box.policies.oids;
    this.#insertIntent = box.db.prepare("INSERT INTO intents (number, idx, time, attributes) VALUES (?, ?, ?, ?)");
    this.#insertSignature = box.db.prepare(
      "INSERT INTO signatures (number, idx, signer_info, seal_digest) VALUES (?, ?, ?, ?)",
    );
    this.#intents = box.db.prepare<[number, number, number], { index: number; time: Utc; attributes: Uint8Array }>(
      "SELECT idx AS 'index', time, attributes FROM intents WHERE number = ? AND idx >= ? ORDER BY idx LIMIT ?",
    );
  }

  /**
   * Stores signatures, and gives the next intents: those already stored from index `from` on, else new ones of the time
   * `at`, stored with them; with `at` null there are no new ones.
   */
  commit(
    signed: readonly Signed[],
    from: number,
    { limit, at }: { readonly limit: number; readonly at: Utc | null },
  ): readonly Intent[] {
    const { batch, number } = this.#reservation;
    const documents = documentsFrom(this.#box.db, batch.id, from, limit);
    return this.#box.db.transaction(() => {
      checkSound(this.#box);
      for (const { index, signerInfo } of signed) {
        this.#insertSignature.run(number, index, signerInfo, sha256(signerInfo));
      }
      const stored = this.#intents.all(number, from, limit);
      if (stored.length > 0) return this.#checked(stored, documents);
      if (at === null) return [];
      return documents.map((document) => {
        const attributes = this.#attributes(document, at);
        this.#insertIntent.run(number, document.index, at, attributes);
        return { index: document.index, size: document.size, attributes };
      });
    })();
  }

  /** Stored intents are signed again only as what they must be: a changed row is refused. */
  #checked(
    stored: readonly { readonly index: number; readonly time: Utc; readonly attributes: Uint8Array }[],
    documents: readonly DocumentRow[],
  ): readonly Intent[] {
    return stored.map(({ index, time, attributes }, at) => {
      const document = documents[at];
      if (document?.index !== index || !equal(attributes, this.#attributes(document, time))) {
        throw new Refusal("INTENT-FIRST", `the stored intent of document ${index} was changed`, { about: `${index}` });
      }
      return { index, size: document.size, attributes };
    });
  }

  #attributes(document: DocumentRow, signingTime: Utc): Uint8Array {
    const { batch, number } = this.#reservation;
    const { certificateDigest, suite } = sealingKey(this.#reservation, document.index);
    return sealAttributes({
      oids: this.#oids,
      documentDigest: document.digest,
      signingTime,
      certificateDigest,
      suite,
      mode: batch.head.mode,
      appliance: this.#box.facts.appliance,
      number,
      index: document.index,
    });
  }
}
