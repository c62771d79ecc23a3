/** Orders of officers that explain what a chain alone does not: a store that was made anew (`recover`), and what may be sealed once more (`reseal`). */

import { readSignedData } from "../../cms/read.ts";
import { hex } from "../../encoding/bytes.ts";
import { ownOids } from "../../encoding/oid.ts";
import type { Utc } from "../../encoding/shape.ts";
import type { Host } from "../../host.ts";
import type { NumberRange } from "../../records/number-ranges.ts";
import { type OrderOf, readSignedOrder, verifyOrder } from "../../records/order.ts";
import { Refusal } from "../../refusal.ts";
import type { ChainPolicies } from "./chain-policies.ts";

/** The continuity record: the quorum's word on where a store that was made anew goes on. */
export interface ContinuityRecord {
  /** path */
  readonly file: string;
  /** SHA-256 of its content, hex: the `previous` of manifest `next` */
  readonly digest: string;
  readonly appliance: string;
  /** hex */
  readonly genesis: string;
  readonly created: Utc;
  readonly reason: string;
  /** ids of the officers who signed it */
  readonly people: readonly string[];
  /** the highest number that was known */
  readonly last: number;
  readonly next: number;
  /** numbers before `next` of which nothing was at hand; perhaps never used */
  readonly missing: readonly NumberRange[];
}

const mostRecords = 1000;

export class ChainOrders {
  readonly #host: Host;
  readonly #policies: ChainPolicies;
  readonly #continuity = new Map<string, ContinuityRecord>();
  readonly #resealed = new Map<string, Set<number>>();

  constructor(host: Host, policies: ChainPolicies) {
    this.#host = host;
    this.#policies = policies;
  }

  /**
   * Takes an order; one of another kind than these two is passed over. It is verified under the policy that it was signed under, at the time that it
   * claims. Refuses as `verifyOrder`, and POLICY-DIGEST where that policy is not at hand.
   */
  async add(file: string, p7m: Uint8Array): Promise<void> {
    const { eContentType } = readSignedData(p7m);
    const oids = ownOids(eContentType.slice(0, Math.max(0, eContentType.lastIndexOf("."))));
    const { order: read } = await readSignedOrder(this.#host, oids, p7m);
    if (read.kind !== "recover" && read.kind !== "reseal") return;
    const inForce = this.#policies.inForce(read.policyDigest);
    if (!inForce || inForce.policy.arc !== oids.arc) {
      throw new Refusal("POLICY-DIGEST", "the policy that the order was signed under is not at hand", {
        expected: read.policyDigest,
      });
    }
    const { order, digest, people } = await verifyOrder(this.#host, oids, inForce, p7m, read.created);
    const { genesis } = inForce;
    const { appliance, created } = order;
    if (order.kind === "reseal") return this.#allow(genesis, order);
    if (order.kind !== "recover" || this.#continuity.has(hex(digest))) return;
    if (this.#continuity.size >= mostRecords) throw new Refusal("ORDER", `more than ${mostRecords} continuity records`);
    const { last, missing, next } = order.what.manifests;
    const { reason } = order.what;
    const told = {
      file,
      digest: hex(digest),
      appliance,
      genesis,
      created,
      reason,
      people: [...people].sort(),
      last,
      next,
      missing,
    };
    this.#continuity.set(told.digest, told);
  }

  /** Those of one box, by the number of the manifest that follows each. */
  continuityOf(genesis: string): readonly ContinuityRecord[] {
    return [...this.#continuity.values()].filter((one) => one.genesis === genesis).sort((a, b) => a.next - b.next);
  }

  /** Whether a quorum let what this manifest sealed be sealed once more. */
  maySealAgain(genesis: string, number: number): boolean {
    return this.#resealed.get(genesis)?.has(number) === true;
  }

  #allow(genesis: string, { what }: OrderOf<"reseal">): void {
    const listed = this.#resealed.get(genesis) ?? new Set();
    for (const number of what.manifests) listed.add(number);
    this.#resealed.set(genesis, listed);
  }
}
