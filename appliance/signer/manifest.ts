/** The audit manifest, composed only from what the signer recorded itself; signed by the audit key, verified before it counts. */

import { sha256 } from "../../host/crypto-host.ts";
import { readSignedData } from "../../manifests/cms/read.ts";
import { signContent } from "../../manifests/cms/sign.ts";
import { verifySigner } from "../../manifests/cms/verify.ts";
import { equal, hex } from "../../manifests/encoding/bytes.ts";
import { canonicalBytes, type Json } from "../../manifests/encoding/canonical-json.ts";
import { type Manifest, manifestBytes, readSubmitterName, requestPart } from "../../manifests/records/manifest.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { acknowledgedPart } from "./acknowledgements.ts";
import { wasLinked } from "./attempts.ts";
import type { Ending } from "./batches.ts";
import { type Box, clockSetting, now } from "./box.ts";
import { claimedError } from "./clock.ts";
import { earlierSeals } from "./earlier-seals.ts";
import { emergencyPart } from "./emergency.ts";
import type { BoxKey } from "./keys.ts";
import { checkUsable } from "./may-seal.ts";
import { checkNetwork, type NetworkLabel } from "./network.ts";
import { goesOn } from "./past.ts";
import type { Reported } from "./reported.ts";
import type { Reservation } from "./reserve.ts";
import { checkCertificates } from "./reserved-keys.ts";
import type { ListDigests } from "./sealed-list.ts";
import { keyAtHand } from "./standing.ts";
import { timePart } from "./time-stamp.ts";

/** What manifest `number` says, from the store as it is now. Nothing is signed or stored. */
export function composeManifest(
  box: Box,
  reservation: Reservation,
  ending: Ending | undefined,
  list: ListDigests,
): Manifest {
  const { batch, number } = reservation;
  if (!ending && list.count !== batch.count) {
    throw new Refusal("INTERNAL", "a manifest before every document is sealed", { about: `${number}` });
  }
  return compose(box, reservation, ending, list);
}

/** Refuses what the manifest of a number about to be reserved could not say, so that no number is stranded. */
export function checkComposable(box: Box, reservation: Reservation): void {
  const unknown = new Uint8Array(32);
  const list = { count: reservation.batch.count, digest: unknown, root: unknown, length: 0 };
  manifestBytes(compose(box, reservation, undefined, list));
}

/** Refuses with PATH-FORM or JSON a submitter's subject or reported facts that no manifest can carry. */
export function checkCarried(submitterName: string, reported: Reported): void {
  try {
    readSubmitterName(submitterName, "the subject");
  } catch (cause) {
    throw new Refusal("PATH-FORM", "no manifest can carry the submitter's subject", {
      expected: "1 to 500 characters, none of them a control character",
      got: `${submitterName.length} characters`,
      cause,
    });
  }
  canonicalBytes({ reported });
}

function compose(box: Box, reservation: Reservation, ending: Ending | undefined, list: ListDigests): Manifest {
  const { batch, number, keys, challenge } = reservation;
  const created = now(box);
  const head = box.journal.head();
  const { policy, ...inForce } = box.policies.inForce;
  const approved = box.policies.byNumber(reservation.policy);
  const { errorSeconds: _, ...setting } = clockSetting(box);
  return {
    ...acknowledgedPart(box),
    appliance: box.facts.appliance,
    authorization: {
      approvers: reservation.approvers.map(({ certificateSha256, name, person, signed }) => ({
        certificate: certificateSha256,
        name,
        person,
        signed,
      })),
      digest: hex(sha256(challenge.content)),
      file: hex(sha256(reservation.authorization)),
      nonce: challenge.challenge.nonce,
    },
    clock: { ...setting, claimedErrorSeconds: claimedError(clockSetting(box), policy.clock.driftPpm, created) },
    counter: "software",
    created,
    documents: documentsPart(box, reservation, list),
    ...emergencyPart(box, reservation),
    journal: { head: hex(head.digest), sequence: head.sequence },
    keys: {
      audit: keyPart(keys.audit),
      sealing: { ...keyPart(keys.sealing), token: tokenOf(box, keys.sealing) },
    },
    labels: {
      attestation: "none",
      hsm: box.facts.hsm,
      isolation: box.facts.isolation,
      media: box.facts.media,
      network: networkLabel(box, number),
      time: "local, not anchored",
    },
    mode: batch.head.mode,
    number,
    outcome: ending ? "aborted" : "sealed",
    policy: {
      ...(approved.number === inForce.number
        ? {}
        : { approvedUnder: { digest: hex(approved.digest), number: approved.number } }),
      digest: hex(inForce.digest),
      genesis: inForce.genesis,
      number: inForce.number,
      ...(inForce.recovered.length > 0 ? { recovered: [...inForce.recovered] } : {}),
    },
    previous: previousDigest(box, number),
    profile: { level: approved.policy.profile.level, suite: keys.sealing.suite.name },
    reason: ending ? `${ending.person}: ${ending.reason}` : null,
    reported: JSON.parse(reportedOf(box, batch.id)) as { readonly [name: string]: Json },
    request: requestPart(batch.head, {
      digest: hex(batch.batchDigest),
      file: hex(batch.fileDigest),
      identity: hex(batch.identity),
      submitter: {
        certificate: hex(sha256(batch.submitterCertificate)),
        key: hex(batch.submitterKey),
        name: batch.submitterName,
      },
    }),
    software: { ...box.software, name: "coldseal" },
    ...timePart(box.db, number, ending !== undefined),
    type: "manifest",
    version: 1,
  };
}

export interface SignedManifest {
  readonly manifest: Manifest;
  readonly p7m: Uint8Array;
  /** SHA-256 of the content: what the next manifest holds as previous */
  readonly contentDigest: Uint8Array;
}

/**
 * Signs by the audit key and verifies what came back. Refuses with LOCKED, HSM codes, HSM-SIGNATURE, and with PATH-TIME a
 * certificate that verifiers would judge at the manifest's time: the audit key's and, where no seal shows it, the sealing key's.
 */
export async function signManifest(box: Box, reservation: Reservation, manifest: Manifest): Promise<SignedManifest> {
  const { audit, sealing } = reservation.keys;
  checkCertificates(audit, box.policies.inForce.policy, manifest.created);
  if (manifest.outcome === "aborted") {
    checkCertificates(sealing, box.policies.byNumber(reservation.policy).policy, manifest.created);
  }
  const content = manifestBytes(manifest);
  const p7m = await signByAudit(box, audit, box.policies.oids.manifest, content, manifest.created);
  return { manifest, p7m, contentDigest: sha256(content) };
}

/** A SignedData by the audit key over what the signer composed, with the certificates of its issuers unless said, verified with the pinned key before it is given out. */
export async function signByAudit(
  box: Box,
  key: BoxKey,
  eContentType: string,
  content: Uint8Array,
  signingTime: string,
  issuers = key.chain.slice(1),
): Promise<Uint8Array> {
  checkUsable(box, key);
  return box.lockbox.guard(async () => {
    const signingKey = {
      suite: key.suite,
      certificate: key.certificate,
      sign: async (message: Uint8Array) => (await box.lockbox.sign("audit", key.suite, [message]))[0] as Uint8Array,
    };
    const p7m = await signContent(box.host, signingKey, {
      eContentType,
      content,
      signingTime,
      extraCertificates: issuers,
    });
    try {
      await checkSigned(box, p7m, eContentType, key);
    } catch (cause) {
      throw new Refusal("HSM-SIGNATURE", "the token gave a signature that does not verify", { cause });
    }
    return p7m;
  });
}

async function checkSigned(box: Box, p7m: Uint8Array, eContentType: string, key: BoxKey): Promise<void> {
  const { signers, certificates, content } = readSignedData(p7m);
  const [signer] = signers;
  if (!signer || !content) throw new Refusal("CMS-FORM", "nothing was signed");
  const contentDigest = (hash: "sha256" | "sha384" | "sha512") => box.host.digest(hash, content);
  const verified = await verifySigner(box.host, signer, { certificates, eContentType, contentDigest });
  if (!equal(verified.certificate.spki, key.spki)) throw new Refusal("HSM-KEY", "signed by another key");
}

function documentsPart(box: Box, { batch, number }: Reservation, list: ListDigests): Manifest["documents"] {
  return {
    bytes: batch.bytes,
    count: batch.count,
    digest: hex(list.digest),
    digestAlgorithm: batch.head.digestAlgorithm,
    ...earlierSeals(box.db, { number, request: batch.id }),
    root: hex(list.root),
    sealed: list.count,
  };
}

function keyPart(key: BoxKey): { readonly certificate: string; readonly key: string } {
  return { certificate: hex(key.certificateDigest), key: hex(key.keyDigest) };
}

/** Serial number of the token that has the sealing key. Of an aborted batch it may be lost by now, and another one be in use. */
function tokenOf(box: Box, { spki }: BoxKey): string {
  const atHand = keyAtHand(box.configured, box.orders.standing, spki);
  return atHand ? box.hsm.serialOf(atHand.token.uri) : box.hsm.serial;
}

/** GAP: a link that any attempt at this batch saw, also in the middle, stays in its manifest. */
function networkLabel(box: Box, number: number): NetworkLabel {
  const label = checkNetwork(box.policies.inForce.policy.network, box.readLinks);
  return wasLinked(box.db, number) ? "present-recorded" : label;
}

function previousDigest(box: Box, number: number): string {
  const restart = goesOn(box.db);
  if (number === (restart?.next ?? 1)) return restart?.order ?? box.facts.genesis;
  const previous = box.db
    .prepare<[number], Uint8Array>("SELECT content_digest FROM manifests WHERE number = ?")
    .pluck()
    .get(number - 1);
  if (!previous) throw new Refusal("CHAIN", `manifest ${number - 1} is missing`, { about: `manifest ${number - 1}` });
  return hex(previous);
}

function reportedOf(box: Box, request: number): string {
  return box.db.prepare<[number], string>("SELECT reported FROM requests WHERE id = ?").pluck().get(request) as string;
}
