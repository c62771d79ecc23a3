/** Throw-away CRLs for tests, right unless a test changes a part. */

import { certificateAlgorithm } from "../../manifests/cms/algorithm.ts";
import { concat } from "../../manifests/encoding/bytes.ts";
import {
  bitString,
  boolean,
  der,
  explicit,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  time,
  unsignedInteger,
} from "../../manifests/encoding/der-write.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import type { Issued } from "./authority.ts";
import { signWith } from "./keys.ts";

export interface WantedCrl {
  /** content octets of serial numbers */
  readonly revoked?: readonly Uint8Array[];
  readonly revocationDate?: Utc;
  readonly thisUpdate?: Utc;
  /** null: there is none */
  readonly nextUpdate?: Utc | null;
  /** DER Name instead of the issuer's */
  readonly name?: Uint8Array;
  readonly version?: number;
  /** of the list or, with `entry`, of each entry */
  readonly extension?: {
    readonly oid: string;
    readonly critical: boolean;
    readonly entry?: boolean;
    /** DER */
    readonly value?: Uint8Array;
  };
  /** DER of something that follows the list of extensions */
  readonly afterExtensions?: Uint8Array;
  /** DER AlgorithmIdentifier in the signed part */
  readonly algorithm?: Uint8Array;
}

/** DER of a list by this CA. */
export function makeCrl(issuer: Pick<Issued, "key" | "suite" | "subject">, wanted: WantedCrl = {}): Uint8Array {
  const { extension, nextUpdate = "2027-01-01T00:00:00Z", revoked = [], thisUpdate = "2026-11-21T00:00:00Z" } = wanted;
  const algorithm = certificateAlgorithm(issuer.suite);
  const more = extension ? [extensionOf(extension.oid, extension.critical, extension.value)] : [];
  const entries = revoked.map((serial) =>
    sequence(
      unsignedInteger(serial),
      time(wanted.revocationDate ?? "2026-11-20T13:00:00Z"),
      ...(extension?.entry
        ? [sequence(...more)]
        : [sequence(extensionOf("2.5.29.21", false, der(0x0a, Uint8Array.of(1))))]),
    ),
  );
  const tbs = sequence(
    integer(wanted.version ?? 1),
    wanted.algorithm ?? algorithm,
    wanted.name ?? issuer.subject,
    time(thisUpdate),
    ...(nextUpdate === null ? [] : [time(nextUpdate)]),
    ...(entries.length === 0 ? [] : [der(0x30, concat(entries))]),
    explicit(
      0,
      sequence(extensionOf("2.5.29.20", false, integer(7)), ...(extension?.entry ? [] : more)),
      ...(wanted.afterExtensions ? [wanted.afterExtensions] : []),
    ),
  );
  return sequence(tbs, algorithm, bitString(signWith(issuer.key, issuer.suite, tbs)));
}

function extensionOf(id: string, critical: boolean, value: Uint8Array = sequence()): Uint8Array {
  return sequence(objectIdentifier(id), ...(critical ? [boolean(true)] : []), octetString(value));
}
