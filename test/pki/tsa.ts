/** Time-stamp authorities and their tokens for tests and drills: right as they come, wrong where a test changes one step. */

import { digestOf, nodeHost } from "../../host/crypto-host.ts";
import { digestAlgorithm } from "../../manifests/cms/algorithm.ts";
import { signContent } from "../../manifests/cms/sign.ts";
import type { HashName } from "../../manifests/cms/suite.ts";
import {
  der,
  explicit,
  generalizedTime,
  integer,
  objectIdentifier,
  octetString,
  sequence,
} from "../../manifests/encoding/der-write.ts";
import { oid } from "../../manifests/encoding/oid.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { type Extension, type Issued, issue, makeRoot, type Wanted } from "./authority.ts";

/** An authority's extended key usage, as RFC 3161 2.3 wants it. */
export const timeStampingOnly: Extension = {
  oid: oid.extendedKeyUsage,
  critical: true,
  value: sequence(objectIdentifier(oid.timeStamping)),
};

export const tsaRoot = makeRoot({ name: "time root" });

export function makeTsa(wanted: Partial<Wanted> = {}, root = tsaRoot): Issued {
  return issue(root, { name: "time authority", extensions: [timeStampingOnly], ...wanted });
}

export const tsa = makeTsa();

export interface TokenWanted {
  readonly over: Uint8Array;
  readonly hash?: HashName;
  readonly time?: Utc;
  readonly by?: Issued;
  /** milliseconds after the second, as digits */
  readonly fraction?: string;
  readonly accuracySeconds?: number;
  readonly nonce?: bigint;
  readonly authority?: Uint8Array;
  readonly serial?: number;
  /** OID */
  readonly policy?: string;
  readonly eContentType?: string;
  readonly certificates?: readonly Uint8Array[];
  /** what stands in place of the TSTInfo */
  readonly info?: (info: Uint8Array) => Uint8Array;
}

export const tokenTime = "2026-11-24T09:00:00Z";

/** A TSTInfo over the digest of `over`. */
export function tstInfo(wanted: TokenWanted): Uint8Array {
  const {
    hash = "sha256",
    time = tokenTime,
    fraction,
    accuracySeconds,
    nonce,
    authority,
    serial = 4711,
    policy = "1.3.6.1.4.1.32473.7.1",
  } = wanted;
  const at = generalizedTime(time);
  const text = fraction === undefined ? at : der(0x18, at.subarray(2, -1), Buffer.from(`.${fraction}Z`));
  return sequence(
    integer(1),
    objectIdentifier(policy),
    sequence(digestAlgorithm(hash), octetString(digestOf(hash, wanted.over))),
    integer(serial),
    text,
    ...(accuracySeconds === undefined ? [] : [sequence(integer(accuracySeconds))]),
    ...(nonce === undefined ? [] : [integer(nonce)]),
    ...(authority === undefined ? [] : [explicit(0, explicit(4, authority))]),
  );
}

/** A time-stamp token over `over`. */
export function makeToken(wanted: TokenWanted): Promise<Uint8Array> {
  const { by = tsa, info = (one) => one, time = tokenTime } = wanted;
  return signContent(nodeHost, by.signingKey, {
    eContentType: wanted.eContentType ?? oid.tstInfo,
    content: info(tstInfo(wanted)),
    signingTime: time,
    extraCertificates: wanted.certificates ?? [],
  });
}
