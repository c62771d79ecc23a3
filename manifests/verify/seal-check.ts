/** One seal against what it must be: the document, its place, the sealing key, the path to the root. */

import type { HashName } from "../cms/suite.ts";
import { verifySigner } from "../cms/verify.ts";
import { compare, equal, hex } from "../encoding/bytes.ts";
import { type OwnOids, oid } from "../encoding/oid.ts";
import type { Utc } from "../encoding/shape.ts";
import type { Host } from "../host.ts";
import { sealingKeyOf, sealingPurpose } from "../records/emergency.ts";
import { excludedUsage } from "../records/key-purpose.ts";
import type { Manifest } from "../records/manifest.ts";
import type { Policy } from "../records/policy.ts";
import type { Mode } from "../records/request.ts";
import { readSeal, type Seal } from "../records/seal.ts";
import { Refusal } from "../refusal.ts";
import type { Certificate } from "../x509/certificate.ts";
import { answeredUntil, boxPath, leastRsaBits, type Trust } from "./trust.ts";

/** What every seal of a batch is held against; what is not known is not checked. */
export interface SealContext {
  readonly oids: OwnOids;
  readonly trust: Trust;
  readonly manifest: Manifest | undefined;
  readonly policy: Policy | undefined;
}

export interface SealWanted {
  readonly documentDigest: (hash: HashName) => Promise<Uint8Array>;
  readonly index?: number;
  /** hex, as documents.jsonl has it */
  readonly sealDigest?: string | undefined;
}

export interface CheckedSeal {
  readonly seal: Seal;
  readonly certificate: Certificate;
  /** as claimed */
  readonly signed: Utc;
  /** SHA-256 of the SignerInfo without unsigned attributes, hex */
  readonly digest: string;
}

/** Checks seals one after another; the path of a certificate is walked once for as long as the claimed times lie within it. */
export class SealChecker {
  readonly #host: Host;
  readonly #context: SealContext;
  #path: KnownPath | undefined;
  #chain: readonly Uint8Array[] | undefined;

  constructor(host: Host, context: SealContext) {
    this.#host = host;
    this.#context = context;
  }

  /**
   * The last path that held, of those of the manifest's sealing certificate where there is a manifest: DER, the certificate
   * first, without the root; undefined while none did.
   */
  get chain(): readonly Uint8Array[] | undefined {
    return this.#chain;
  }

  /** Refuses DER, CMS-*, PATH-*, SEAL-BIND, MODE, POLICY-PROFILE, CLOCK. */
  async check(bytes: Uint8Array, wanted: SealWanted): Promise<CheckedSeal> {
    const { oids, policy } = this.#context;
    const seal = readSeal(bytes, oids);
    const digest = hex(await this.#host.digest("sha256", seal.signer.core));
    this.#checkPlace(seal, wanted, digest);
    const { certificate, signingTime } = await verifySigner(this.#host, seal.signer, {
      certificates: seal.certificates,
      eContentType: oid.data,
      contentDigest: wanted.documentDigest,
      minimumRsaBits: policy?.limits.minimumRsaBits ?? leastRsaBits,
    });
    const path = await this.#pathOf(seal, certificate, signingTime);
    await this.#checkKey(path);
    this.#checkTime(signingTime);
    return { seal, certificate, signed: signingTime, digest };
  }

  #checkPlace(seal: Seal, { index, sealDigest }: SealWanted, digest: string): void {
    const { manifest } = this.#context;
    if (sealDigest !== undefined) same("seal's digest", sealDigest, digest);
    if (index !== undefined) same("index", index, seal.index);
    if (!manifest) return;
    same("appliance", manifest.appliance, seal.appliance);
    same("manifest's number", manifest.number, seal.number);
    if (seal.mode !== manifest.mode) {
      throw new Refusal("MODE", "the seal was made in another mode", { expected: manifest.mode, got: seal.mode });
    }
    if (seal.signer.suite.name !== manifest.profile.suite) {
      const detail = { expected: manifest.profile.suite, got: seal.signer.suite.name };
      throw new Refusal("POLICY-PROFILE", "the seal was made with another algorithm", detail);
    }
  }

  async #pathOf(seal: Seal, leaf: Certificate, at: Utc): Promise<KnownPath> {
    const known = this.#path;
    const isKnown = known?.mode === seal.mode && at >= known.from && at <= known.until;
    if (isKnown && sameSet(known.certificates, seal.certificates)) return known;
    const { oids, policy, trust } = this.#context;
    const { certificates } = seal;
    const wanted = { leaf: leaf.der, certificates, at, extendedKeyUsage: oids[sealingPurpose(seal.mode)], policy };
    const excluded = excludedUsage(sealingPurpose(seal.mode), oids);
    if (excluded && leaf.extendedKeyUsage.includes(excluded)) {
      throw new Refusal("PATH-USAGE", "a certificate seals in an emergency, or otherwise, and not in both", {
        expected: `not ${excluded}`,
        got: leaf.extendedKeyUsage.join(", "),
        about: leaf.subjectText,
      });
    }
    const path = await boxPath(this.#host, trust, wanted);
    const answered = await answeredUntil(this.#host, trust, path, at);
    this.#path = {
      certificates,
      chain: path.slice(0, -1).map(({ der }) => der.slice()),
      leaf,
      from: path
        .map(({ notBefore }) => notBefore)
        .sort()
        .at(-1) as Utc,
      until: earliest([...path.map(({ notAfter }) => notAfter), ...(answered === undefined ? [] : [answered])]),
      keyChecked: false,
      mode: seal.mode,
    };
    return this.#path;
  }

  /**
   * The sealing key is the one that policy and manifest name. Its certificate may have been renewed within a batch: the
   * manifest names the last, and which one a seal is bound to, documents.jsonl says by the seal's digest.
   */
  async #checkKey(path: KnownPath): Promise<void> {
    if (path.keyChecked) return;
    const { manifest, policy } = this.#context;
    const { spki, der } = path.leaf;
    const ofPolicy = policy && (sealingKeyOf(policy, path.mode) ?? new Uint8Array(0));
    if (ofPolicy && !equal(ofPolicy, spki)) {
      throw new Refusal("SEAL-BIND", "the seal was made with another key than the policy's");
    }
    const named = manifest?.keys.sealing;
    if (named) same("sealing key", named.key, hex(await this.#host.digest("sha256", spki)));
    const digest = hex(await this.#host.digest("sha256", der));
    if (named === undefined || named.certificate === digest) this.#chain = path.chain;
    path.keyChecked = true;
  }

  #checkTime(signed: Utc): void {
    const created = this.#context.manifest?.created;
    if (created === undefined || signed <= created) return;
    throw new Refusal("CLOCK", "the seal claims to be later than its manifest", {
      expected: `up to ${created}`,
      got: signed,
    });
  }
}

/** A document's digest that is known in one algorithm only; a seal by another hash is refused with CMS-ALGORITHM. */
export function knownDigest(algorithm: HashName, digestHex: string): SealWanted["documentDigest"] {
  return async (hash) => {
    if (hash === algorithm) return Uint8Array.fromHex(digestHex);
    throw new Refusal("CMS-ALGORITHM", "the seal uses another digest than the batch", {
      expected: algorithm,
      got: hash,
    });
  };
}

interface KnownPath {
  readonly certificates: readonly Uint8Array[];
  readonly chain: readonly Uint8Array[];
  readonly leaf: Certificate;
  readonly from: Utc;
  readonly until: Utc;
  readonly mode: Mode;
  keyChecked: boolean;
}

function same(what: string, expected: string | number, got: string | number): void {
  if (expected === got) return;
  throw new Refusal("SEAL-BIND", `the ${what} is another`, { expected: `${expected}`, got: `${got}` });
}

function sameSet(a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  return a.length === b.length && a.every((one, at) => compare(one, b[at] as Uint8Array) === 0);
}

function earliest(times: readonly Utc[]): Utc {
  return times.toSorted()[0] as Utc;
}
