/** A token over a digest that is known, not over bytes: over a tree's root. */

import { nodeHost } from "../../../host/crypto-host.ts";
import { digestAlgorithm } from "../../../manifests/cms/algorithm.ts";
import { signContent } from "../../../manifests/cms/sign.ts";
import type { HashName } from "../../../manifests/cms/suite.ts";
import {
  generalizedTime,
  integer,
  objectIdentifier,
  octetString,
  sequence,
} from "../../../manifests/encoding/der-write.ts";
import { oid } from "../../../manifests/encoding/oid.ts";
import type { Issued } from "../../pki/authority.ts";
import { tokenTime, tsa } from "../../pki/tsa.ts";

export function rawToken(
  digest: Uint8Array,
  {
    hash = "sha256",
    time = tokenTime,
    by = tsa,
    policy = "1.3.6.1.4.1.32473.7.1",
  }: { hash?: HashName; time?: string; by?: Issued; policy?: string },
): Promise<Uint8Array> {
  return signContent(nodeHost, by.signingKey, {
    eContentType: oid.tstInfo,
    content: sequence(
      integer(1),
      objectIdentifier(policy),
      sequence(digestAlgorithm(hash), octetString(digest)),
      integer(4711),
      generalizedTime(time),
    ),
    signingTime: time,
  });
}
