/** By what records of a lost store are judged: who the box is, and its whole chain of policies. */

import { sha256 } from "../../../host/crypto-host.ts";
import type { SignedData } from "../../../manifests/cms/read.ts";
import type { HashName } from "../../../manifests/cms/suite.ts";
import { verifySigner } from "../../../manifests/cms/verify.ts";
import { equal, hex } from "../../../manifests/encoding/bytes.ts";
import type { OwnOids } from "../../../manifests/encoding/oid.ts";
import type { Host } from "../../../manifests/host.ts";
import type { PolicyInForce } from "../../../manifests/records/policy-chain.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import type { BundleSource } from "../../../manifests/verify/source.ts";
import type { Certificate } from "../../../manifests/x509/certificate.ts";

/** What verifies a record of the past: the chain of policies says who could sign, and with which keys. */
export interface PastBox {
  readonly appliance: string;
  readonly genesis: string;
  readonly oids: OwnOids;
  readonly policies: readonly PolicyInForce[];
}

/** Refuses with CHAIN a record under a policy that is not of the chain. */
export function policyOf({ policies }: PastBox, digest: string, about: string): PolicyInForce {
  const found = policies.find((one) => hex(one.digest) === digest);
  if (found) return found;
  throw new Refusal("CHAIN", "made under a policy that is not at hand", { expected: digest, about });
}

/** The certificate of the one signer of `content`, whose signature holds; whose key it is, is not looked at. Refuses with CMS-SIGNERS, CMS-*. */
export async function onlySigner(
  host: Host,
  { certificates, eContentType, signers }: Pick<SignedData, "certificates" | "eContentType" | "signers">,
  content: Uint8Array,
  about: string,
): Promise<Certificate> {
  const [signer, second] = signers;
  if (!signer || second)
    throw new Refusal("CMS-SIGNERS", "the audit key signs alone", { got: `${signers.length}`, about });
  const contentDigest = (hash: HashName) => host.digest(hash, content);
  const { certificate } = await verifySigner(host, signer, { certificates, eContentType, contentDigest });
  return certificate;
}

/** Refuses with HSM-KEY what was signed by a key that was never this box's audit key. */
export function checkAuditKey({ policies }: PastBox, spki: Uint8Array, about: string): void {
  if (policies.some(({ policy }) => equal(policy.keys.audit, spki))) return;
  throw new Refusal("HSM-KEY", "signed by a key that no policy names as the box's audit key", {
    got: `public key ${hex(sha256(spki))}`,
    about,
  });
}

/** Files or folders named by a number, in its order; of other names none is read. */
export async function numbered(
  source: BundleSource,
  folder: string,
  name: RegExp,
): Promise<readonly (readonly [number, string])[]> {
  const found: [number, string][] = [];
  for (const one of await source.list(folder)) {
    const number = Number(name.exec(one)?.[1] ?? Number.NaN);
    if (!Number.isNaN(number)) found.push([number, `${folder}/${one}`]);
  }
  return found.sort(([a], [b]) => a - b);
}
