/** Throw-away OCSP responses for tests, right unless a test changes a part. */

import { createHash } from "node:crypto";
import { certificateAlgorithm, digestAlgorithm } from "../../manifests/cms/algorithm.ts";
import {
  bitString,
  boolean,
  der,
  derNull,
  explicit,
  generalizedTime,
  objectIdentifier,
  octetString,
  sequence,
  unsignedInteger,
} from "../../manifests/encoding/der-write.ts";
import { oid } from "../../manifests/encoding/oid.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { readCertificate } from "../../manifests/x509/certificate.ts";
import { publicKeyBits } from "../../manifests/x509/key.ts";
import { type Issued, issue, type Wanted } from "./authority.ts";
import { signWith } from "./keys.ts";

export interface WantedAnswer {
  readonly certificate: Uint8Array;
  readonly status?: "good" | "revoked" | "unknown";
  /** since when it is revoked */
  readonly since?: Utc;
  readonly thisUpdate?: Utc;
  /** null: there is none */
  readonly nextUpdate?: Utc | null;
  readonly hash?: "sha1" | "sha256";
  /** whose name and key the certificate is named by, instead of the issuer's */
  readonly issuer?: Pick<Issued, "subject" | "spki">;
  /** DER instead of the status, and of the AlgorithmIdentifier of the hash */
  readonly statusDer?: Uint8Array;
  readonly idHash?: Uint8Array;
  /** content octets instead of the certificate's */
  readonly serial?: Uint8Array;
  /** DER of single extensions */
  readonly extensions?: readonly Uint8Array[];
}

export interface WantedOcsp {
  /** who signs; the issuer unless said */
  readonly signer?: Pick<Issued, "key" | "suite" | "subject" | "spki">;
  /** certificates that come with it */
  readonly certificates?: readonly Uint8Array[];
  readonly producedAt?: Utc;
  readonly responder?: "name" | "key";
  /** DER instead of the ResponderID */
  readonly responderId?: Uint8Array;
  /** DER instead of nothing, in front of the ResponderID */
  readonly version?: Uint8Array;
  readonly extensions?: readonly Uint8Array[];
  /** DER instead of the list of extensions */
  readonly extensionList?: Uint8Array;
  /** DER of something that follows, in the BasicOCSPResponse and in the OCSPResponse */
  readonly afterBasic?: Uint8Array;
  readonly afterResponse?: Uint8Array;
  readonly status?: number;
  readonly type?: string;
  /** DER AlgorithmIdentifier instead of the signer's */
  readonly algorithm?: Uint8Array;
}

const usualTime = "2026-11-21T00:00:00Z";

/** DER of a response about these certificates of `issuer`. */
export function makeOcsp(
  issuer: Pick<Issued, "key" | "suite" | "subject" | "spki">,
  answers: readonly WantedAnswer[],
  wanted: WantedOcsp = {},
): Uint8Array {
  const { certificates = [], extensions = [], producedAt = usualTime, signer = issuer, status = 0 } = wanted;
  const list = wanted.extensionList ?? (extensions.length === 0 ? undefined : sequence(...extensions));
  const byKey = explicit(2, octetString(digest("sha1", publicKeyBits(signer.spki))));
  const tbs = sequence(
    ...(wanted.version ? [wanted.version] : []),
    wanted.responderId ?? (wanted.responder === "key" ? byKey : explicit(1, signer.subject)),
    generalizedTime(producedAt),
    sequence(...answers.map((one) => answerOf(one.issuer ?? issuer, one))),
    ...(list === undefined ? [] : [explicit(1, list)]),
  );
  const basic = sequence(
    tbs,
    wanted.algorithm ?? certificateAlgorithm(signer.suite),
    bitString(signWith(signer.key, signer.suite, tbs)),
    ...(certificates.length === 0 ? [] : [explicit(0, sequence(...certificates))]),
    ...(wanted.afterBasic ? [wanted.afterBasic] : []),
  );
  const bytes = sequence(objectIdentifier(wanted.type ?? oid.ocspBasic), octetString(basic));
  return sequence(
    der(0x0a, Uint8Array.of(status)),
    ...(status === 0 ? [explicit(0, bytes)] : []),
    ...(wanted.afterResponse ? [wanted.afterResponse] : []),
  );
}

/** A delegate of this issuer, with ocsp-nocheck unless `without` says otherwise. */
export function makeDelegate(issuer: Issued, wanted: Partial<Wanted> = {}): Issued {
  const noCheck = { oid: oid.ocspNoCheck, value: derNull };
  return issue(issuer, { name: "Responder", eku: [oid.ocspSigning], extensions: [noCheck], ...wanted });
}

export function ocspExtension(id: string, value: Uint8Array, critical = false): Uint8Array {
  return sequence(objectIdentifier(id), ...(critical ? [boolean(true)] : []), octetString(value));
}

function answerOf(issuer: Pick<Issued, "subject" | "spki">, wanted: WantedAnswer): Uint8Array {
  const { extensions = [], hash = "sha1", nextUpdate = "2027-01-01T00:00:00Z", thisUpdate = usualTime } = wanted;
  const serial = wanted.serial ?? readCertificate(wanted.certificate).serial;
  const sha1 = sequence(objectIdentifier(oid.sha1), derNull);
  return sequence(
    sequence(
      wanted.idHash ?? (hash === "sha1" ? sha1 : digestAlgorithm(hash)),
      octetString(digest(hash, issuer.subject)),
      octetString(digest(hash, publicKeyBits(issuer.spki))),
      unsignedInteger(serial),
    ),
    wanted.statusDer ?? statusOf(wanted.status ?? "good", wanted.since ?? "2026-11-20T13:00:00Z"),
    generalizedTime(thisUpdate),
    ...(nextUpdate === null ? [] : [explicit(0, generalizedTime(nextUpdate))]),
    ...(extensions.length === 0 ? [] : [explicit(1, sequence(...extensions))]),
  );
}

function statusOf(status: "good" | "revoked" | "unknown", since: Utc): Uint8Array {
  switch (status) {
    case "good":
      return der(0x80);
    case "revoked":
      return der(0xa1, generalizedTime(since), explicit(0, der(0x0a, Uint8Array.of(1))));
    case "unknown":
      return der(0x82);
  }
}

function digest(hash: "sha1" | "sha256", bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash(hash).update(bytes).digest());
}
