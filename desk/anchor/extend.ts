/** A seal with time-stamps in it (CAdES-B-T, ETSI EN 319 122-1 6.3): a new file; what the box signed does not change. */

import { nodeHost } from "../../host/crypto-host.ts";
import { withUnsigned } from "../../manifests/cms/unsigned-attributes.ts";
import { type OwnOids, oid } from "../../manifests/encoding/oid.ts";
import { readSeal, sealFile } from "../../manifests/records/seal.ts";
import { type Stamped, stampInTurn } from "./tsa-client.ts";

export interface Extended {
  /** the seal's new file, DER */
  readonly seal: Uint8Array;
  readonly stamps: readonly Stamped[];
}

/**
 * Adds a signature-time-stamp by the first authority that answers or, with `each`, one by each of them; those that are there stay. Verifies nothing of the
 * seal but its form. Refuses TSA-ANSWER, and as `readSeal`.
 */
export async function extendSeal(
  bytes: Uint8Array,
  oids: OwnOids,
  {
    each,
    roots,
    urls,
  }: { readonly each: boolean; readonly roots: readonly Uint8Array[]; readonly urls: readonly string[] },
): Promise<Extended> {
  const { certificates, signer } = readSeal(bytes, oids);
  const { hash } = signer.suite;
  const digest = await nodeHost.digest(hash, signer.signature);
  const stamps: Stamped[] = [];
  for (const those of each ? urls.map((url) => [url]) : [urls]) {
    stamps.push(await stampInTurn(those, { hash, digest }, roots));
  }
  const attributes = stamps.map(({ token }) => ({ oid: oid.signatureTimeStamp, value: token }));
  return { seal: sealFile({ certificates, signerInfo: withUnsigned(signer, attributes) }), stamps };
}
