/**
 * The box's own time-stamp (docs/formats.md, "local-time.tst"): an RFC 3161 token over a batch's hash tree, of a policy that says "local, not anchored".
 * It tells the order in which the box says that it worked. Against the box it proves nothing, and nowhere counts as evidence of time.
 */

import { digestAlgorithm } from "../cms/algorithm.ts";
import { readSignedData } from "../cms/read.ts";
import type { SignerInfo } from "../cms/signer-info.ts";
import type { Suite } from "../cms/suite.ts";
import { signedAttributes, signedData, signerInfo } from "../cms/write.ts";
import { equal, hex } from "../encoding/bytes.ts";
import { der, generalizedTime, integer, objectIdentifier, octetString, sequence } from "../encoding/der-write.ts";
import { type OwnOids, oid } from "../encoding/oid.ts";
import type { Utc } from "../encoding/shape.ts";
import type { Host } from "../host.ts";
import { Refusal } from "../refusal.ts";
import { checkToken, type TimeStamp } from "./token.ts";

/** What is stamped: one manifest's number, and the tree over its list. */
export interface StampedTree {
  readonly oids: OwnOids;
  /** RFC 9162 root over the lines of documents.jsonl: itself a SHA-256, so it is the imprint as it stands */
  readonly root: Uint8Array;
  /** of the manifest: the token's serial number */
  readonly number: number;
}

export interface LocalTime extends StampedTree {
  readonly time: Utc;
  /** as the box claims (CLOCK) */
  readonly accuracySeconds: number;
}

/** An accuracy of more than this says no time, and is read by nobody here. */
export const mostAccuracySeconds = 86_400;

/** The TSTInfo (RFC 3161 2.4.2). `ordering` is FALSE, the default that DER leaves out; no nonce, as nobody asked; who stamped, the certificate says. */
export function localTstInfo({ accuracySeconds, number, oids, root, time }: LocalTime): Uint8Array {
  return sequence(
    integer(1),
    objectIdentifier(oids.localTime),
    sequence(digestAlgorithm("sha256"), octetString(root)),
    integer(number),
    generalizedTime(time),
    sequence(integer(accuracySeconds)),
  );
}

/** What the `time` key signs: `messageDigest` is of the TSTInfo by the suite's hash, `certificateDigest` the SHA-256 of the key's certificate. */
export function localTimeAttributes(signing: {
  readonly time: Utc;
  readonly messageDigest: Uint8Array;
  readonly certificateDigest: Uint8Array;
  readonly suite: Suite;
}): Uint8Array {
  const { time: signingTime, ...others } = signing;
  return signedAttributes({ ...others, contentType: oid.tstInfo, signingTime });
}

/** The token of a TSTInfo. `chain`: the certificate of the key first, then its issuers without the root. */
export function localToken(parts: {
  readonly info: Uint8Array;
  readonly attributes: Uint8Array;
  readonly chain: readonly Uint8Array[];
  readonly suite: Suite;
  readonly signature: Uint8Array;
}): Uint8Array {
  const { attributes, chain, info, ...signed } = parts;
  const [certificate] = chain;
  if (!certificate) throw new Refusal("INTERNAL", "a token without certificate");
  return signedData({
    eContentType: oid.tstInfo,
    content: info,
    certificates: chain,
    signerInfos: [signerInfo({ ...signed, certificate, signedAttributes: attributes })],
  });
}

/**
 * A token that is the box's own of this tree, byte for byte as a box writes it; says nothing of its path, nor whether its time can be. Refuses TIME-IMPRINT,
 * TIME-TSA, CMS-*, PATH-FORM, PATH-KEY as `checkToken`; TIME-FORM another policy than the box's own and whatever else a box would not write; MANIFEST-BIND
 * another serial number.
 */
export async function checkLocalToken(host: Host, token: Uint8Array, tree: StampedTree): Promise<TimeStamp> {
  const stamp = await checkToken(host, token, async (hash) => {
    if (hash === "sha256") return tree.root;
    throw new Refusal("TIME-IMPRINT", "the token uses another hash than the tree", { expected: "sha256", got: hash });
  });
  const { accuracy, policy, serial, time } = stamp.info;
  if (policy !== tree.oids.localTime) {
    throw new Refusal("TIME-FORM", "not of the policy of a box's own time-stamps", {
      expected: tree.oids.localTime,
      got: policy,
    });
  }
  if (!equal(der(0x02, serial), integer(tree.number))) {
    const detail = { expected: `${tree.number}`, got: hex(serial) };
    throw new Refusal("MANIFEST-BIND", "the serial number is not the manifest's number", detail);
  }
  if (accuracy === undefined || accuracy % 1000 !== 0) {
    throw new Refusal("TIME-FORM", "the box's own time-stamp says its accuracy in whole seconds");
  }
  const written = await writtenAnew(host, token, stamp, { ...tree, time, accuracySeconds: accuracy / 1000 });
  if (!equal(written, token)) throw new Refusal("TIME-FORM", "a time-stamp as no box writes it");
  return stamp;
}

/** Nobody but the box signs with this key, so nothing stands here that it would not write. */
async function writtenAnew(host: Host, token: Uint8Array, stamp: TimeStamp, said: LocalTime): Promise<Uint8Array> {
  const { signature, suite } = readSignedData(token).signers[0] as SignerInfo;
  const info = localTstInfo(said);
  const { certificate, certificates } = stamp;
  const attributes = localTimeAttributes({
    time: said.time,
    messageDigest: await host.digest(suite.hash, info),
    certificateDigest: await host.digest("sha256", certificate.der),
    suite,
  });
  return localToken({ info, attributes, chain: [certificate.der, ...certificates], suite, signature });
}

/** By what a box's own time-stamps are known. */
export interface OwnTime {
  /** OID */
  readonly policy: string;
  /** SHA-256 of the SubjectPublicKeyInfo of its `time` key, hex, where that is known */
  readonly key: string | undefined;
}

/** Refuses TIME-LOCAL where one of the time-stamps is the box's own, whoever is trusted: what vouches for its time may not come from itself. */
export async function checkAnchored(host: Host, stamps: readonly TimeStamp[], own: OwnTime): Promise<void> {
  for (const { certificate, info } of stamps) {
    if (info.policy !== own.policy && hex(await host.digest("sha256", certificate.spki)) !== own.key) continue;
    throw new Refusal("TIME-LOCAL", "a time-stamp of the box itself is no evidence of time", {
      about: certificate.subjectText,
      got: info.policy,
    });
  }
}
