/** What a ledger acknowledged of a lost store: the acknowledgement at hand that leads furthest, with what the manifests at hand say of it. */

import { sha256 } from "../../../host/crypto-host.ts";
import { hex } from "../../../manifests/encoding/bytes.ts";
import type { Host } from "../../../manifests/host.ts";
import {
  type Acknowledged,
  acknowledgementLimit,
  checkAcknowledgement,
  nothingAcknowledged,
  reportedOf,
} from "../../../manifests/log/acknowledgement.ts";
import type { PolicyInForce } from "../../../manifests/records/policy-chain.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { type BundleSource, readSmall } from "../../../manifests/verify/source.ts";
import type { TakenAcknowledgement } from "../acknowledgements.ts";
import { type PastBox, policyOf } from "./past-box.ts";
import type { PastManifest } from "./past-manifest.ts";

export interface PastAcknowledgement extends TakenAcknowledgement {
  /** the highest number that the ledger says it holds, which the box so made */
  readonly claimed: number;
}

/** Most files that are looked at. */
const most = 1000;

/**
 * The best of `acknowledgements/DIGEST.p7m`. What does not hold by the policy in force, or does not lead on from where the last manifest at hand stood, says nothing
 * and is passed over: media hold old ones, and ones of other boxes. Refuses with CHAIN one that holds and names another manifest than is at hand, MEDIA-LIMIT.
 */
export async function readPastAcknowledgement(
  host: Host,
  source: BundleSource,
  box: PastBox & { readonly inForce: PolicyInForce },
  manifests: readonly PastManifest[],
): Promise<PastAcknowledgement | undefined> {
  const { policy } = box.inForce;
  const origin = policy.ledger?.origin;
  if (origin === undefined) return undefined;
  const files = (await source.list("acknowledgements")).filter((name) => /^[0-9a-f]{16}\.p7m$/.test(name)).sort();
  if (files.length > most) throw new Refusal("MEDIA-LIMIT", `more than ${most} acknowledgements`);
  const from = stoodAt(box, origin, manifests.at(-1));
  let best: PastAcknowledgement | undefined;
  for (const name of files) {
    const checked = await passedOver(async () => {
      const p7m = await readSmall(source, `acknowledgements/${name}`, acknowledgementLimit);
      return { p7m, ...(await checkAcknowledgement(host, p7m, { policy, genesis: box.genesis, from })) };
    });
    if (!checked) continue;
    const { acknowledgement, checkpoint, p7m } = checked;
    checkAtHand(acknowledgement.acknowledged, manifests, name);
    const number = Math.max(from.number, ...acknowledgement.acknowledged.map((one) => one.number));
    const { root, size } = checkpoint;
    const one = { claimed: acknowledgement.number, file: sha256(p7m), number, origin, p7m, root, size };
    if (!best || size > best.size || (size === best.size && number > best.number)) best = one;
  }
  return best;
}

/** By the last manifest at hand, where it is of the same log. */
function stoodAt(box: PastBox, origin: string, last: PastManifest | undefined): Acknowledged {
  const said = last?.manifest.acknowledged;
  if (!last || !said) return nothingAcknowledged;
  const { policy } = policyOf(box, last.manifest.policy.digest, `manifest ${last.number}`);
  return reportedOf(said, policy, origin);
}

async function passedOver<T>(check: () => Promise<T>): Promise<T | undefined> {
  try {
    return await check();
  } catch (fault) {
    if (fault instanceof Refusal) return undefined;
    throw fault;
  }
}

function checkAtHand(
  acknowledged: readonly { readonly digest: string; readonly number: number }[],
  manifests: readonly PastManifest[],
  about: string,
): void {
  const named = new Map(acknowledged.map(({ digest, number }) => [number, digest]));
  for (const { contentDigest, number } of manifests) {
    const got = named.get(number);
    if (got === undefined || got === hex(contentDigest)) continue;
    throw new Refusal("CHAIN", `the ledger acknowledged another manifest ${number} than is at hand`, {
      expected: hex(contentDigest),
      got,
      about,
    });
  }
}
