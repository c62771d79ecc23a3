/** Records of a box beside its manifests: signed refusals, closing records, transcripts, custody logs. Each is verified as the verifier does, by what the ledger knows of the box. */

import { nodeHost } from "../../host/crypto-host.ts";
import { readSignedData } from "../../manifests/cms/read.ts";
import { equal, hex } from "../../manifests/encoding/bytes.ts";
import { ownOids } from "../../manifests/encoding/oid.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { readClosing } from "../../manifests/records/closing.ts";
import { readCustodyLog } from "../../manifests/records/custody.ts";
import type { PolicyInForce } from "../../manifests/records/policy-chain.ts";
import { readRefusalFile } from "../../manifests/records/refusal-record.ts";
import { verifyTranscript } from "../../manifests/records/transcript.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { checkAuditSignature, oidsOfType } from "../../manifests/verify/audit-signature.ts";
import { checkClosingFile } from "../../manifests/verify/closing-file.ts";
import { boxPath, checkNotLater } from "../../manifests/verify/trust.ts";
import { readCertificate } from "../../manifests/x509/certificate.ts";
import type { KnownBox } from "./known-box.ts";

export const otherTypes = ["refusal", "closing", "transcript", "custody"] as const;
export type OtherType = (typeof otherTypes)[number];

/** One that holds. */
export interface HeldOther {
  readonly type: OtherType;
  readonly known: KnownBox;
  readonly appliance: string;
  /** SHA-256 of the content (of a custody log: of the file), hex */
  readonly digest: string;
  readonly created: Utc;
  /** what is shown of it */
  readonly about: Readonly<Record<string, string | number>>;
  /** of a closing record: what it lists */
  readonly listed?: readonly { readonly number: number; readonly digest: string }[];
  /** of a custody log: SHA-256 of its last line, hex */
  readonly head?: string;
}

/** Most bytes of one. */
export const otherLimit: Readonly<Record<OtherType, number>> = {
  refusal: 1 << 20,
  closing: 4 << 20,
  transcript: 16 << 20,
  custody: 64 << 20,
};

/** What people practised holds as far as it can, and is no record of a box. */
export type Practised = "practised";

/** Refuses as the verifier does; LEDGER-BOX what is of no enrolled box. */
export function checkOther(
  type: OtherType,
  bytes: Uint8Array,
  boxes: readonly KnownBox[],
): Promise<HeldOther | Practised> {
  switch (type) {
    case "refusal":
      return checkRefusal(bytes, boxes);
    case "closing":
      return checkClosing(bytes, boxes);
    case "transcript":
      return checkTranscript(bytes, boxes);
    case "custody":
      return checkCustody(bytes, boxes);
  }
}

/** Signed by the audit key of the very policy that it names. */
async function checkRefusal(p7m: Uint8Array, boxes: readonly KnownBox[]): Promise<HeldOther> {
  const data = readSignedData(p7m);
  const oids = oidsOfType(data, "refusal");
  const content = data.content ?? new Uint8Array(0);
  const refusal = readRefusalFile(content);
  const known = boxes.find(({ policies }) => policies.inForce(refusal.policyDigest));
  const inForce = known?.policies.inForce(refusal.policyDigest);
  if (!known || !inForce) throw ofNoBox("the refusal names a policy", refusal.policyDigest);
  if (!refusal.signed) throw new Refusal("HONEST", "a signed refusal says that it is not signed");
  const { certificate, certificateSha256 } = await checkAuditSignature(nodeHost, { data, content, oids }, known.trust);
  checkAuditKey(known, inForce, certificate.spki, certificateSha256);
  if (oids.arc !== known.enrolled.arc || refusal.appliance !== inForce.policy.appliance) {
    const { appliance } = inForce.policy;
    throw new Refusal("MANIFEST-BIND", "the refusal is of another box than its policy", {
      expected: appliance,
      got: refusal.appliance,
    });
  }
  checkNotLater(known.trust, refusal.created, 0);
  const { batchDigest, code, folder } = refusal.reported;
  return {
    ...{ type: "refusal", known, appliance: refusal.appliance, created: refusal.created },
    digest: hex(await nodeHost.digest("sha256", content)),
    about: { code, folder, ...(batchDigest === null ? {} : { batch: batchDigest }) },
  };
}

async function checkClosing(p7m: Uint8Array, boxes: readonly KnownBox[]): Promise<HeldOther> {
  const content = readSignedData(p7m).content ?? new Uint8Array(0);
  const { genesis } = readClosing(content).policy;
  const known = boxes.find(({ enrolled }) => enrolled.genesis === genesis);
  if (!known) throw ofNoBox("the closing record names a genesis policy", genesis);
  const { arc, closing, policyShown } = await checkClosingFile(nodeHost, p7m, known.trust, known.policies.held);
  const inForce = known.policies.inForce(closing.policy.digest);
  if (!policyShown || !inForce) {
    throw new Refusal("POLICY-DIGEST", "the policy of the closing record is not at hand", {
      got: closing.policy.digest,
    });
  }
  if (arc !== known.enrolled.arc || closing.appliance !== inForce.policy.appliance) {
    throw new Refusal("CLOSING", "the closing record is of another box than its policy", {
      expected: inForce.policy.appliance,
      got: closing.appliance,
    });
  }
  const { appliance, cause, created, ended, manifests, seals } = closing;
  return {
    ...{ type: "closing", known, appliance, created },
    digest: hex(await nodeHost.digest("sha256", content)),
    about: { cause, ended: ended.time, manifests: manifests.length, seals },
    listed: manifests,
  };
}

/** Signed by the box's audit key, or by as many people of a policy as that policy asks of officers: the certificates that it names itself bind nobody. */
async function checkTranscript(p7m: Uint8Array, boxes: readonly KnownBox[]): Promise<HeldOther | Practised> {
  const data = readSignedData(p7m);
  const arc = data.eContentType.slice(0, Math.max(0, data.eContentType.lastIndexOf(".")));
  const oids = ownOids(arc);
  const { auditCertificate, digest, signers, transcript } = await verifyTranscript(nodeHost, oids, p7m);
  const { appliance, archive, ceremony, outcome, run } = transcript;
  if (run !== "live") return "practised";
  const created = transcript.entries.at(-1)?.time ?? "";
  const certificates = data.certificates.filter((der) => readCertificate(der).isCa);
  const signed = new Set(
    transcript.people.flatMap(({ certificate, id }) =>
      certificate !== null && signers.includes(id) ? [certificate] : [],
    ),
  );
  for (const known of boxes) {
    if (known.enrolled.arc !== arc) continue;
    for (const inForce of known.policies.held) {
      if (inForce.policy.appliance !== appliance) continue;
      const audited =
        auditCertificate !== undefined &&
        (await isAudited(known, inForce, {
          leaf: auditCertificate,
          certificates,
          at: created,
          extendedKeyUsage: oids.audit,
        }));
      if (!audited && (await peopleAmong(inForce, signed)) < inForce.policy.thresholds.policy) continue;
      checkNotLater(known.trust, created, 0);
      return { type: "transcript", known, appliance, digest, created, about: { archive, ceremony, outcome } };
    }
  }
  throw new Refusal("LEDGER-BOX", "the transcript is not signed by people or the audit key of an enrolled box", {
    expected: "the audit key, or as many people of a policy as it asks of officers",
    got: `${appliance}: ${signers.join(", ")}`,
  });
}

/** Nobody signs it: its lines hold each other, and whether a transcript names the last one is for `isVouchedFor` to say. */
async function checkCustody(bytes: Uint8Array, boxes: readonly KnownBox[]): Promise<HeldOther | Practised> {
  const { events, head } = await readCustodyLog(nodeHost, bytes);
  const last = events.at(-1);
  if (!last || head === null) throw new Refusal("SHAPE", "the custody log has no event");
  if (last.run !== "live") return "practised";
  const { appliance, time: created } = last;
  const named = boxes.filter(({ policies }) => policies.held.some(({ policy }) => policy.appliance === appliance));
  const [known, other] = named;
  if (!known || other)
    throw ofNoBox(other ? "more than one box has the name" : "the custody log names an appliance", appliance);
  checkNotLater(known.trust, created, 0);
  const digest = hex(await nodeHost.digest("sha256", bytes));
  return { type: "custody", known, appliance, digest, created, head, about: { events: events.length } };
}

function checkAuditKey({ policies }: KnownBox, { policy }: PolicyInForce, spki: Uint8Array, certificate: string): void {
  if (!equal(policy.keys.audit, spki))
    throw new Refusal("MANIFEST-BIND", "signed by another audit key than the policy's");
  if (!policies.held.some((one) => one.policy.revoked.includes(certificate))) return;
  throw new Refusal("PATH-REVOKED", "a policy revokes the audit certificate", { got: certificate });
}

async function isAudited(
  known: KnownBox,
  { policy }: PolicyInForce,
  wanted: Omit<Parameters<typeof boxPath>[2], "policy">,
): Promise<boolean> {
  try {
    const [certificate] = await boxPath(nodeHost, known.trust, { ...wanted, policy });
    return certificate !== undefined && equal(policy.keys.audit, certificate.spki);
  } catch (fault) {
    if (fault instanceof Refusal) return false;
    throw fault;
  }
}

/** How many of the policy's people are among these certificates (SHA-256, hex). */
async function peopleAmong({ policy }: PolicyInForce, signed: ReadonlySet<string>): Promise<number> {
  let count = 0;
  for (const { certificates } of policy.people) {
    const digests = await Promise.all(certificates.map((der) => nodeHost.digest("sha256", der)));
    if (digests.some((digest) => signed.has(hex(digest)))) count += 1;
  }
  return count;
}

function ofNoBox(what: string, got: string): Refusal {
  return new Refusal("LEDGER-BOX", `${what} of no box that is enrolled here, or that nothing is known of yet`, { got });
}
