/**
 * What is left of a box whose disk was lost: its exports in one folder, each record verified by itself and against the others
 * (docs/formats.md, "What a box is made anew from").
 */

import { hex } from "../../../manifests/encoding/bytes.ts";
import { type OwnOids, ownOids } from "../../../manifests/encoding/oid.ts";
import type { Host } from "../../../manifests/host.ts";
import { type PolicyInForce, policyChain } from "../../../manifests/records/policy-chain.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { type BundleSource, readSmall } from "../../../manifests/verify/source.ts";
import { type PastAcknowledgement, readPastAcknowledgement } from "./past-acknowledgement.ts";
import { numbered } from "./past-box.ts";
import { type PastClosing, readPastClosings } from "./past-closings.ts";
import { type PastManifest, readPastManifest } from "./past-manifest.ts";
import { type PastOrder, readPastOrders } from "./past-orders.ts";

export interface PastPolicy {
  readonly inForce: PolicyInForce;
  readonly p7m: Uint8Array;
}

export interface Evidence {
  readonly source: BundleSource;
  readonly oids: OwnOids;
  /** the whole chain, number 1 first */
  readonly policies: readonly PastPolicy[];
  /** the last of them */
  readonly inForce: PolicyInForce;
  /** from number 1 on, with what the box stated of them */
  readonly orders: readonly PastOrder[];
  /** of emergencies that ended */
  readonly closings: readonly PastClosing[];
  /** in the order of their numbers, which may have gaps */
  readonly manifests: readonly PastManifest[];
  /** what the ledger that the policy in force names acknowledged, where that is at hand */
  readonly acknowledgement: PastAcknowledgement | undefined;
}

/** Who the box is, by its configuration. */
export interface Identity {
  readonly appliance: string;
  readonly arc: string;
  /** SHA-256 of policy number 1's content, hex */
  readonly genesis: string;
}

/**
 * Reads a folder of exports: `policies/`, `orders/`, `statements/`, `closings/`, `manifests/`, `acknowledgements/`. Nothing is changed. Refuses with POLICY-*, ORDER, QUORUM,
 * CMS-*, JSON, SHAPE, PERSON-*, PATH-* what does not hold by itself, CHAIN what contradicts another record, BUNDLE-FORM what is missing.
 */
export async function readEvidence(host: Host, source: BundleSource, box: Identity): Promise<Evidence> {
  const policies = await readPolicies(host, source, box);
  const oids = ownOids(box.arc);
  const past = {
    appliance: box.appliance,
    genesis: box.genesis,
    oids,
    policies: policies.map(({ inForce }) => inForce),
  };
  const orders = await readPastOrders(host, source, past);
  const closings = await readPastClosings(host, source, past, orders);
  const manifests: PastManifest[] = [];
  for (const [number, folder] of await numbered(source, "manifests", /^(\d{6})$/)) {
    manifests.push(await readPastManifest(host, source, { ...past, number, folder }));
  }
  checkFollow(manifests, orders, box.genesis);
  const { inForce } = policies.at(-1) as PastPolicy;
  const acknowledgement = await readPastAcknowledgement(host, source, { ...past, inForce }, manifests);
  return { source, oids, policies, inForce, orders, closings, manifests, acknowledgement };
}

async function readPolicies(host: Host, source: BundleSource, box: Identity): Promise<readonly PastPolicy[]> {
  const p7ms: Uint8Array[] = [];
  for (const [, path] of await numbered(source, "policies", /^policy-(\d{4})\.p7m$/)) {
    p7ms.push(await readSmall(source, path));
  }
  const chain = await policyChain(host, p7ms, box.genesis);
  const { appliance, arc } = (chain[0] as PolicyInForce).policy;
  if (appliance !== box.appliance || arc !== box.arc) {
    throw new Refusal("CONFIG", "the configuration names another appliance", {
      expected: appliance,
      got: box.appliance,
    });
  }
  return chain.map((inForce, at) => ({ inForce, p7m: p7ms[at] as Uint8Array }));
}

/** Each manifest holds the digest of the one before, as far as that is at hand; a store that was made anew before, that of its order. */
function checkFollow(manifests: readonly PastManifest[], orders: readonly PastOrder[], genesis: string): void {
  const digests = new Map<number, string>([[0, genesis]]);
  for (const { number, contentDigest } of manifests) digests.set(number, hex(contentDigest));
  const restarts = new Map<number, string>();
  for (const { order, digest } of orders) {
    if (order.kind === "recover") restarts.set(order.what.manifests.next, hex(digest));
  }
  let place = 0;
  for (const { number, manifest } of manifests) {
    const { sequence } = manifest.journal;
    if (sequence <= place) {
      throw new Refusal("CHAIN", `manifest ${number} stands before an earlier one in the journal`, {
        expected: `after row ${place}`,
        got: `row ${sequence}`,
        about: `manifest ${number}`,
      });
    }
    place = sequence;
    const expected = restarts.get(number) ?? digests.get(number - 1);
    if (expected === undefined || manifest.previous === expected) continue;
    throw new Refusal("CHAIN", `manifest ${number} does not follow the one before it`, {
      expected,
      got: manifest.previous,
      about: `manifest ${number}`,
    });
  }
}
