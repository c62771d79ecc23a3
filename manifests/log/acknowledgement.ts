/**
 * `ack.p7m`: what a ledger holds of one box, with the proof (docs/formats.md, "ack.p7m"). Cumulative: it names every manifest above the highest that the box
 * itself reported as acknowledged, and has a consistency proof for each checkpoint at which the box may stand.
 */

import { readSignedData } from "../cms/read.ts";
import { equal, fromHex, hex } from "../encoding/bytes.ts";
import { canonicalBytes, type Json, readCanonical } from "../encoding/canonical-json.ts";
import { ownOids } from "../encoding/oid.ts";
import { base64Bytes, hexText, integer, list, literal, object, type Read, text, type Utc } from "../encoding/shape.ts";
import type { Host } from "../host.ts";
import { verifyAllSigners } from "../records/authorization.ts";
import { checkAcknowledging, ledgerTrust } from "../records/ledger-rules.ts";
import type { Manifest } from "../records/manifest.ts";
import { leafHash } from "../records/merkle.ts";
import { checkValidAt, type DigestedSigner } from "../records/person.ts";
import type { Policy } from "../records/policy.ts";
import { Refusal } from "../refusal.ts";
import { type CheckedCheckpoint, checkCheckpoint } from "./checkpoint.ts";
import { entryBytes } from "./entry.ts";
import { mostNoteBytes } from "./note.ts";
import { checkConsistency, checkInclusion, emptyRoot, mostPath, type TreeHead } from "./tree-proof.ts";

/** Most manifests that one names: the lowest numbers first, the others when these were taken. */
export const mostAcknowledged = 1000;
/** Most checkpoints that it leads on from. */
export const mostConsistency = 256;
/** Most bytes of the file. */
export const acknowledgementLimit = 6 << 20;

const hash = hexText();

const readAcknowledgedManifest = object({
  /** SHA-256 of the manifest's content: of the record that was logged */
  digest: hash,
  /** of its entry in the log, from 0 */
  index: integer(0),
  number: integer(1),
  /** siblings from the leaf up (RFC 9162 2.1.3) */
  path: list(hash, 0, mostPath),
  /** of its entry */
  salt: hash,
});
export type AcknowledgedManifest = Read<typeof readAcknowledgedManifest>;

const readAcknowledgementValue = object({
  /** by rising numbers, at most `number` */
  acknowledged: list(readAcknowledgedManifest, 0, mostAcknowledged),
  appliance: text(64),
  /** the signed note, with its cosignatures */
  checkpoint: base64Bytes(mostNoteBytes),
  /** from each of these sizes, rising, to that of the checkpoint (RFC 9162 2.1.4) */
  consistency: list(object({ path: list(hash, 1, mostPath + 1), size: integer(1) }), 0, mostConsistency),
  /** SHA-256 of the content of the box's genesis policy */
  genesis: hash,
  /** the highest that the ledger holds with no gap below that is not explained */
  number: integer(1),
  origin: text(255),
  type: literal("acknowledgement"),
  version: literal(1),
});
export type Acknowledgement = Read<typeof readAcknowledgementValue>;

/** Reads the canonical JSON of an acknowledgement; nothing in it is proven. Refuses JSON, SHAPE, ACKNOWLEDGEMENT numbers or sizes that do not rise. */
export function readAcknowledgement(content: Uint8Array): Acknowledgement {
  const read = readAcknowledgementValue(readCanonical(content), "acknowledgement");
  const { acknowledged, consistency, number } = read;
  const numbers = acknowledged.map((one) => one.number);
  if (!areRising([0, ...numbers, number + 1]) || !areRising([0, ...consistency.map(({ size }) => size)])) {
    throw new Refusal(
      "ACKNOWLEDGEMENT",
      "numbers or sizes of an acknowledgement do not rise, or go beyond its own number",
    );
  }
  return read;
}

/** Canonical bytes, read back before they are given out. */
export function acknowledgementBytes({ checkpoint, ...rest }: Acknowledgement): Uint8Array {
  const bytes = canonicalBytes({ ...rest, checkpoint: checkpoint.toBase64() } as Json);
  readAcknowledgement(bytes);
  return bytes;
}

/** Where a box stands with a log: the last checkpoint that it took, and the highest manifest that was acknowledged by then; 0: none. */
export interface Acknowledged extends TreeHead {
  readonly number: number;
}

export const nothingAcknowledged: Acknowledged = { number: 0, root: emptyRoot, size: 0 };

/** What a manifest reports is of the log that its own policy names; of another log it says nothing. */
export function reportedOf(
  { root, ...reported }: NonNullable<Manifest["acknowledged"]>,
  { ledger }: Pick<Policy, "ledger">,
  origin: string,
): Acknowledged {
  return ledger?.origin === origin ? { ...reported, root: fromHex(root) } : nothingAcknowledged;
}

/** Whose acknowledgement it must be, by which rules, and where the box stands. */
export interface AcknowledgementWanted {
  /** the policy in force */
  readonly policy: Pick<Policy, "appliance" | "arc" | "ledger" | "limits" | "revoked">;
  /** SHA-256 of the genesis policy's content, hex */
  readonly genesis: string;
  /** the last checkpoint of this log that the box took; size 0 and the empty tree's root before the first */
  readonly from: TreeHead;
}

export interface CheckedAcknowledgement {
  readonly acknowledgement: Acknowledgement;
  readonly checkpoint: CheckedCheckpoint;
  /** SHA-256 of the content, hex */
  readonly digest: string;
  /** as the ledger claims it */
  readonly signed: Utc;
}

/**
 * Verifies an acknowledgement: signed by the exact certificate that the policy names, of this box, under a checkpoint that the log signed and enough witnesses
 * cosigned, which holds every manifest that it names and everything that the box's own checkpoint held. Whether the manifests are those that the box made is
 * for the box to say. Refuses ACKNOWLEDGEMENT (no ledger in the policy, another box or log, another certificate, a smaller tree, no proof from where the box
 * stands), DER, CMS-*, JSON, SHAPE, PATH-REVOKED, PATH-TIME, PATH-USAGE, PATH-KEY, LOG-NOTE, LOG-FORM, LOG-PROOF.
 */
export async function checkAcknowledgement(
  host: Host,
  p7m: Uint8Array,
  { from, genesis, policy }: AcknowledgementWanted,
): Promise<CheckedAcknowledgement> {
  const { ledger } = policy;
  if (!ledger) {
    throw new Refusal("ACKNOWLEDGEMENT", "the policy in force names no ledger", { expected: "policy.ledger" });
  }
  const { content, signed } = await verifiedContent(host, p7m, policy, ledger.acknowledgement);
  const acknowledgement = readAcknowledgement(content);
  const { appliance } = policy;
  const { origin } = ledger;
  checkSame("the acknowledgement is another box's", { appliance, genesis }, acknowledgement);
  checkSame("the acknowledgement is of another log", { origin }, acknowledgement);
  const checkpoint = await checkCheckpoint(host, acknowledgement.checkpoint, await ledgerTrust(host, ledger));
  await checkGrownFrom(host, acknowledgement, from, checkpoint);
  await checkIncluded(host, acknowledgement, checkpoint);
  return { acknowledgement, checkpoint, digest: hex(await host.digest("sha256", content)), signed };
}

async function verifiedContent(
  host: Host,
  p7m: Uint8Array,
  { arc, limits, revoked }: AcknowledgementWanted["policy"],
  pinned: Uint8Array,
): Promise<{ readonly content: Uint8Array; readonly signed: Utc }> {
  const oids = ownOids(arc);
  const data = readSignedData(p7m);
  const { content, eContentType } = data;
  if (eContentType !== oids.acknowledgement || !content) {
    throw new Refusal("CMS-TYPE", "not an acknowledgement", { expected: oids.acknowledgement, got: eContentType });
  }
  if (data.signers.length !== 1) {
    throw new Refusal("CMS-SIGNERS", "a ledger signs alone", { expected: "1", got: `${data.signers.length}` });
  }
  if (!data.certificates.some((der) => equal(der, pinned))) {
    throw new Refusal("ACKNOWLEDGEMENT", "not signed under the certificate that the policy names");
  }
  // One signer and exactly its certificate: it is the pinned one.
  const [signer] = await verifyAllSigners(host, data, limits.minimumRsaBits);
  const { certificate, certificateSha256, signingTime: signed } = signer as DigestedSigner;
  if (revoked.includes(certificateSha256)) {
    throw new Refusal("PATH-REVOKED", "the policy revokes the ledger's certificate", {
      about: certificate.subjectText,
    });
  }
  checkAcknowledging(certificate, oids.acknowledging);
  checkValidAt(certificate, signed, "the ledger's certificate was not valid when it claims to have signed");
  return { content, signed };
}

function checkSame(what: string, wanted: Partial<Acknowledgement>, got: Acknowledgement): void {
  for (const [name, expected] of Object.entries(wanted)) {
    const value = got[name as keyof Acknowledgement];
    if (value === expected) continue;
    throw new Refusal("ACKNOWLEDGEMENT", what, { expected: `${expected}`, got: `${value}`, about: name });
  }
}

/** A smaller tree loses nothing: the next acknowledgement covers what this one has. */
async function checkGrownFrom(
  host: Host,
  { consistency }: Acknowledgement,
  from: TreeHead,
  to: TreeHead,
): Promise<void> {
  if (to.size < from.size) {
    throw new Refusal("ACKNOWLEDGEMENT", "an acknowledgement of a smaller tree than the box knows: bring a later one", {
      expected: `a checkpoint of ${from.size} entries or more`,
      got: `${to.size}`,
    });
  }
  if (from.size === 0 || from.size === to.size) return checkConsistency(host, { from, to, path: [] });
  const proof = consistency.find(({ size }) => size === from.size);
  if (!proof) {
    throw new Refusal("ACKNOWLEDGEMENT", "no consistency proof begins where the box stands", {
      expected: `one from size ${from.size}`,
      got:
        consistency.length === 0
          ? "none"
          : `from ${consistency
              .map(({ size }) => size)
              .join(", ")
              .slice(0, 200)}`,
    });
  }
  await checkConsistency(host, { from, to, path: proof.path.map(fromHex) });
}

async function checkIncluded(
  host: Host,
  { acknowledged, appliance, genesis }: Acknowledgement,
  { root, size }: TreeHead,
): Promise<void> {
  for (const { digest, index, number, path, salt } of acknowledged) {
    const record = { appliance, digest, genesis, number, type: "manifest", version: 1 } as const;
    const entry = await entryBytes(host, fromHex(salt), record);
    const leaf = await leafHash(host, entry);
    await checkInclusion(host, { leafHash: leaf, index, size, root, path: path.map(fromHex) });
  }
}

function areRising(numbers: readonly number[]): boolean {
  return numbers.every((number, at) => at === 0 || number > (numbers[at - 1] as number));
}
