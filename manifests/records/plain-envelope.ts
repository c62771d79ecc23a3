/**
 * Plain envelopes: each document in a CMS SignedData of its own, made by any tool. From intake on only the envelope without
 * content counts; who signed all of them, and whether the policy takes them (docs/formats.md, "Plain envelopes").
 */

import { readSignedData, type SignedData, type SignerInfo } from "../cms/read.ts";
import type { HashName } from "../cms/suite.ts";
import { messageDigestOf, type VerifiedSigner, verifySigner } from "../cms/verify.ts";
import { concat, equal, hex } from "../encoding/bytes.ts";
import { type OwnOids, oid } from "../encoding/oid.ts";
import { type Utc, utcOf } from "../encoding/shape.ts";
import type { Host } from "../host.ts";
import { Refusal } from "../refusal.ts";
import type { Certificate } from "../x509/certificate.ts";
import { validatePath } from "../x509/path.ts";
import type { PlainHead } from "./batch-head.ts";
import { usualMode } from "./emergency.ts";
import type { Policy } from "./policy.ts";
import { checkAllInPath, checkIsNoOperator, type Submitter, submitterOf } from "./request-envelope.ts";

/** Most bytes of an envelope without its content. */
export const envelopeLimit = 48 * 1024;

/** Most different sets of certificates that the envelopes of one batch may carry. */
const mostSets = 16;

/**
 * Reads an envelope without content. Refuses DER, CMS-FORM (content inside, unsigned attributes), CMS-TYPE, CMS-SIGNERS,
 * CMS-ATTRIBUTES, CMS-ALGORITHM.
 */
export function readStripped(bytes: Uint8Array): { readonly data: SignedData; readonly signer: SignerInfo } {
  if (bytes.length > envelopeLimit) {
    throw new Refusal("CMS-FORM", `an envelope without content has at most ${envelopeLimit} bytes`);
  }
  const data = readSignedData(bytes, { certificates: 16, signers: 2, tail: envelopeLimit });
  if (data.content !== undefined) throw new Refusal("CMS-FORM", "the content was not taken out of the envelope");
  if (data.eContentType !== oid.data) {
    throw new Refusal("CMS-TYPE", "not an envelope of a document", { expected: oid.data, got: data.eContentType });
  }
  const [signer, second] = data.signers;
  if (!signer || second) {
    throw new Refusal("CMS-SIGNERS", "an envelope has one signer", { expected: "1", got: `${data.signers.length}` });
  }
  if (signer.unsigned) throw new Refusal("CMS-FORM", "the unsigned attributes were not taken out of the envelope");
  return { data, signer };
}

/** What the policy in force makes of the envelopes of a batch. */
export interface JudgedEnvelopes {
  readonly submitter: Submitter;
  readonly head: PlainHead;
  /** the submitter's certificate and every issuer of every path */
  readonly path: readonly Certificate[];
  /** each path by itself, leaf first */
  readonly paths: readonly (readonly Certificate[])[];
}

/** Takes the envelopes of a batch one by one. Memory does not grow with their number. */
export class EnvelopeBatch {
  readonly #host: Host;
  #first: VerifiedSigner | undefined;
  #oldest: Utc = "";
  #newest: Utc = "";
  /** distinct sets of certificates, by their bytes */
  readonly #sets = new Map<string, readonly Uint8Array[]>();
  #last = "";

  constructor(host: Host) {
    this.#host = host;
  }

  /**
   * Verifies one envelope: form, signature, and that its signer is the one of those before. Gives the document's digest as it
   * was signed; `content` must be the same where it is given. Refuses as `readStripped` and `verifySigner`, SUBMITTER-MIXED.
   */
  async add(stripped: Uint8Array, content?: (hash: HashName) => Promise<Uint8Array>): Promise<Uint8Array> {
    const { data, signer } = readStripped(stripped);
    const digest = messageDigestOf(signer);
    const verified = await verifySigner(this.#host, signer, {
      certificates: data.certificates,
      eContentType: oid.data,
      contentDigest: content ?? (async () => digest),
      signingCertificate: "optional",
    });
    this.#note(verified, data.certificates);
    return digest;
  }

  /** Who signed, whatever the path is worth. Refuses with CMS-SIGNERS when there was no envelope. */
  submitter(): Promise<Submitter> {
    return submitterOf(this.#host, this.#one());
  }

  /** The digest algorithm of all documents. */
  get digestAlgorithm(): HashName {
    return this.#one().signer.suite.hash;
  }

  /**
   * The submitter's paths to the policy's roots at `now`, with the extended key usage of plain envelopes. Refuses
   * ENVELOPE-POLICY where the policy takes none, PATH-*, CMS-CERTIFICATE, PERSON-EXCLUDED, MODE, CLOCK an envelope that claims to be signed
   * later than now. What `checkRequestAgainstPolicy` checks of the head, the age too, is the caller's.
   */
  async judge(oids: OwnOids, policy: Policy, now: Utc): Promise<JudgedEnvelopes> {
    const { plainEnvelopes } = policy.submitters;
    if (plainEnvelopes === false) throw new Refusal("ENVELOPE-POLICY", "the policy takes no plain envelopes");
    const { certificate } = this.#one();
    const paths: (readonly Certificate[])[] = [];
    for (const certificates of this.#sets.values()) {
      paths.push(await this.#pathOf(certificates, oids, policy, now));
    }
    checkIsNoOperator(policy, certificate);
    this.#checkNotLater(policy, now);
    const expires = utcOf(Date.parse(this.#oldest) + plainEnvelopes.maximumAgeSeconds * 1000);
    return {
      submitter: await this.submitter(),
      path: [...new Set(paths.flat())],
      paths,
      head: this.#head(policy, expires),
    };
  }

  #note(verified: VerifiedSigner, certificates: readonly Uint8Array[]): void {
    const { certificate, signer, signingTime } = verified;
    this.#first ??= verified;
    if (!equal(certificate.der, this.#first.certificate.der)) {
      throw new Refusal("SUBMITTER-MIXED", "the envelopes of one batch were signed by several submitters", {
        expected: this.#first.certificate.subjectText,
        got: certificate.subjectText,
      });
    }
    if (signer.suite.hash !== this.digestAlgorithm) {
      throw new Refusal("CMS-ALGORITHM", "the envelopes of one batch have several digest algorithms", {
        expected: this.digestAlgorithm,
        got: signer.suite.hash,
      });
    }
    if (this.#oldest === "" || signingTime < this.#oldest) this.#oldest = signingTime;
    if (signingTime > this.#newest) this.#newest = signingTime;
    this.#noteSet(certificates);
  }

  #noteSet(certificates: readonly Uint8Array[]): void {
    const set = hex(concat(certificates));
    if (set === this.#last) return;
    this.#last = set;
    if (this.#sets.has(set)) return;
    if (this.#sets.size === mostSets) {
      throw new Refusal("CMS-CERTIFICATE", "the envelopes of one batch carry too many sets of certificates", {
        expected: `at most ${mostSets}`,
        got: "more",
      });
    }
    this.#sets.set(
      set,
      certificates.map((der) => new Uint8Array(der)),
    );
  }

  async #pathOf(certificates: readonly Uint8Array[], oids: OwnOids, policy: Policy, at: Utc) {
    const path = await validatePath(this.#host, {
      leaf: this.#one().certificate.der,
      intermediates: certificates,
      roots: policy.submitters.roots,
      at,
      revoked: new Set(policy.revoked),
      extendedKeyUsage: oids.plainSubmitter,
      minimumRsaBits: policy.limits.minimumRsaBits,
    });
    checkAllInPath(certificates, path);
    return path;
  }

  /** An age that is counted from a time to come is none; clocks may differ by what the policy lets the box's be off. */
  #checkNotLater({ clock }: Policy, now: Utc): void {
    const latest = utcOf(Date.parse(now) + clock.maximumErrorSeconds * 1000);
    if (this.#newest <= latest) return;
    throw new Refusal("CLOCK", "an envelope claims to be signed later than now", {
      expected: `up to ${latest}`,
      got: this.#newest,
    });
  }

  /** They ask for no mode: it is the usual one, also while an emergency is open. */
  #head(policy: Policy, expires: Utc): PlainHead {
    const mode = usualMode(policy);
    return { digestAlgorithm: this.digestAlgorithm, expires, mode, type: "plain-envelopes", version: 1 };
  }

  #one(): VerifiedSigner {
    if (!this.#first) throw new Refusal("CMS-SIGNERS", "there is no envelope", { expected: "at least 1", got: "0" });
    return this.#first;
  }
}
