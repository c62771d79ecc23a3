/** Time-stamps in a seal (signature-time-stamp, ETSI EN 319 122-1 5.3): each over the value of the signature. The desk adds them; the box's own token never stands there. */

import { unsignedValues } from "../cms/unsigned-attributes.ts";
import { oid } from "../encoding/oid.ts";
import type { Utc } from "../encoding/shape.ts";
import type { Host } from "../host.ts";
import type { Seal } from "../records/seal.ts";
import { Refusal } from "../refusal.ts";
import { checkAnchored, type OwnTime } from "../time/local-time.ts";
import { checkToken } from "../time/token.ts";
import { checkNotBefore, noProof, proofOf, type TimeProof } from "./time-evidence.ts";
import type { Trust } from "./trust.ts";

/**
 * What they say. One that does not hold, or is from before the time that the seal claims, is told and does not count: whoever has the seal can add one, so that
 * it takes nothing from the seal.
 */
export async function checkSealTimeStamps(
  host: Host,
  trust: Trust,
  { signer }: Seal,
  { signed, errorSeconds, own }: { readonly signed: Utc; readonly errorSeconds: number; readonly own: OwnTime },
): Promise<readonly TimeProof[]> {
  const proofs: TimeProof[] = [];
  const tokens = unsignedValues(signer, oid.signatureTimeStamp);
  for (const [at, token] of tokens.slice(0, mostTokens).entries()) {
    const name = `signature-time-stamp ${at + 1}`;
    try {
      const stamp = await checkToken(host, token, (hash) => host.digest(hash, signer.signature));
      await checkAnchored(host, [stamp], own);
      const proof = await proofOf(host, trust, name, [stamp]);
      checkNotBefore(proof, signed, errorSeconds);
      proofs.push(proof);
    } catch (thrown) {
      proofs.push(noProof(name, thrown));
    }
  }
  if (tokens.length > mostTokens) proofs.push(noProof(`${tokens.length - mostTokens} more of them`, tooMany()));
  return proofs;
}

/** Each may cost a search for a path. */
const mostTokens = 8;

function tooMany(): Refusal {
  return new Refusal("TIME-FORM", "no more time-stamps of one seal are looked at", {
    expected: `at most ${mostTokens}`,
  });
}
