/** The policies that are at hand for a chain, each verified as it comes and found by its digest. */

import { hex } from "../../encoding/bytes.ts";
import { ownOids } from "../../encoding/oid.ts";
import type { Host } from "../../host.ts";
import {
  type PolicyInForce,
  policyArc,
  readSignedPolicy,
  verifyGenesis,
  verifyNextPolicy,
} from "../../records/policy-chain.ts";
import { Refusal } from "../../refusal.ts";

const mostPolicies = 9999;

export class ChainPolicies {
  readonly #host: Host;
  readonly #genesis: string | undefined;
  readonly #held = new Map<string, PolicyInForce>();
  /** SHA-256 of files that were looked at already, hex */
  readonly #files = new Set<string>();

  /** `genesis`: the digest that the chain must begin with, where the verifier was given it. */
  constructor(host: Host, genesis: string | undefined) {
    this.#host = host;
    this.#genesis = genesis;
  }

  get size(): number {
    return this.#held.size;
  }

  /** All that hold, of whatever box. */
  get held(): readonly PolicyInForce[] {
    return [...this.#held.values()];
  }

  /** By the SHA-256 of its content, hex; undefined where none that holds is at hand. */
  inForce(digest: string): PolicyInForce | undefined {
    return this.#held.get(digest);
  }

  /**
   * Takes a policy that is number 1, or follows one that was taken. The same file again, and the same content under other signatures, is
   * nothing new. Refuses as `verifyNextPolicy`, and POLICY-CHAIN where the one before is not at hand.
   */
  async add(p7m: Uint8Array): Promise<void> {
    const file = hex(await this.#host.digest("sha256", p7m));
    if (this.#files.has(file)) return;
    this.#files.add(file);
    const oids = ownOids(policyArc(p7m));
    const { policy, digest } = await readSignedPolicy(this.#host, p7m, oids);
    if (this.#held.has(hex(digest))) return;
    if (this.#held.size >= mostPolicies) throw new Refusal("POLICY-CHAIN", `more than ${mostPolicies} policies`);
    this.#held.set(hex(digest), await this.#verified(p7m, oids, policy));
  }

  #verified(
    p7m: Uint8Array,
    oids: ReturnType<typeof ownOids>,
    { number, previous }: { number: number; previous: string | null },
  ): Promise<PolicyInForce> {
    if (previous === null) return verifyGenesis(this.#host, oids, p7m, this.#genesis);
    const before = this.#held.get(previous);
    if (before) return verifyNextPolicy(this.#host, oids, before, p7m, undefined);
    throw new Refusal("POLICY-CHAIN", "the policy before this one is not at hand", {
      expected: `number ${number - 1}, ${previous}`,
    });
  }
}
