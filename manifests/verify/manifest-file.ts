/** manifest.p7m by itself: the audit key's signature and its path. Whether the rest fits it is `binding.ts`'s matter. */

import { readSignedData } from "../cms/read.ts";
import { hex } from "../encoding/bytes.ts";
import { documentationArc, type OwnOids } from "../encoding/oid.ts";
import type { Utc } from "../encoding/shape.ts";
import type { Host } from "../host.ts";
import { type Manifest, readManifest } from "../records/manifest.ts";
import { Refusal } from "../refusal.ts";
import type { Certificate } from "../x509/certificate.ts";
import { checkAuditSignature, oidsOfType } from "./audit-signature.ts";
import { checkNotLater, type Trust } from "./trust.ts";

export interface CheckedManifest {
  readonly manifest: Manifest;
  /** SHA-256 of the content, hex: the next manifest's `previous` */
  readonly digest: string;
  readonly oids: OwnOids;
  /** as claimed */
  readonly signed: Utc;
  /** the audit certificate */
  readonly certificate: Certificate;
  /** DER, the audit certificate first, without the root */
  readonly chain: readonly Uint8Array[];
}

/**
 * Verifies a manifest: one signer, the certificate and key that the manifest names, chained to a root with the audit
 * usage at the claimed time. Refuses DER, CMS-*, JSON, SHAPE, PATH-*, MANIFEST-BIND, MODE, HONEST, CLOCK.
 */
export async function checkManifestFile(host: Host, p7m: Uint8Array, trust: Trust): Promise<CheckedManifest> {
  const data = readSignedData(p7m);
  const oids = oidsOfType(data, "manifest");
  const content = data.content ?? new Uint8Array(0);
  const manifest = readManifest(content);
  const { certificate, certificateSha256, signed, path } = await checkAuditSignature(
    host,
    { data, content, oids },
    trust,
  );
  const key = hex(await host.digest("sha256", certificate.spki));
  if (manifest.keys.audit.certificate !== certificateSha256 || manifest.keys.audit.key !== key) {
    throw new Refusal("MANIFEST-BIND", "the manifest names another audit key than the one that signed it");
  }
  checkItself(manifest, oids);
  checkNotLater(trust, manifest.created, manifest.clock.claimedErrorSeconds);
  const chain = path.slice(0, -1).map(({ der }) => der);
  const digest = hex(await host.digest("sha256", content));
  return { manifest, digest, oids, signed, certificate, chain };
}

/** What a manifest may not say whatever stands beside it. */
function checkItself(manifest: Manifest, oids: OwnOids): void {
  const { documents, emergency, mode, outcome, reason, number } = manifest;
  if ((mode === "emergency") !== (emergency !== undefined)) {
    throw new Refusal("MODE", "mode emergency and who declared it stand together", {
      expected: mode === "emergency" ? "what declared the emergency" : "no emergency",
      got: `mode ${mode}`,
    });
  }
  if (oids.arc === documentationArc && manifest.mode === "offline") {
    throw new Refusal("MODE", "the documentation arc is for mode test only", { got: manifest.mode });
  }
  const whole = outcome === "sealed" ? documents.sealed === documents.count : documents.sealed <= documents.count;
  if (!whole || (outcome === "sealed") !== (reason === null)) {
    throw new Refusal("HONEST", "the manifest's outcome, counts and reason contradict each other");
  }
  if (manifest.labels.attestation !== (manifest.attestation?.kind ?? "none")) {
    throw new Refusal("HONEST", "the manifest's label of its attestation is not what it holds", {
      expected: manifest.attestation?.kind ?? "none",
      got: manifest.labels.attestation,
    });
  }
  const { approvedUnder, number: inForce } = manifest.policy;
  if (approvedUnder && (outcome === "sealed" || approvedUnder.number >= inForce)) {
    throw new Refusal("HONEST", "only an aborted batch ends under a later policy than it was approved under");
  }
  if (manifest.acknowledged && manifest.acknowledged.number >= number) {
    throw new Refusal("HONEST", "the manifest says that itself or a later one was acknowledged", {
      expected: `less than ${number}`,
      got: `${manifest.acknowledged.number}`,
    });
  }
  const earlierFits = documents.earlier.every((one) => one.earlierNumber < number && one.index <= documents.count);
  if (!earlierFits || documents.earlierCount < documents.earlier.length) {
    throw new Refusal("HONEST", "the manifest names earlier seals that cannot be");
  }
}
