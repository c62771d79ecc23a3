/** The policy in force as the signer's chain shows it: the daemon checks early with it, the signer judges. */

import { sha256 } from "../../host/crypto-host.ts";
import { readSignedData } from "../../manifests/cms/read.ts";
import { fromUtf8, hex } from "../../manifests/encoding/bytes.ts";
import { type OwnOids, ownOids } from "../../manifests/encoding/oid.ts";
import type { Host } from "../../manifests/host.ts";
import type { Policy } from "../../manifests/records/policy.ts";
import { walkPolicyChain } from "../../manifests/records/policy-chain.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { SignerClient } from "../client/signer-client.ts";

export interface KnownPolicy {
  readonly policy: Policy;
  readonly digest: Uint8Array;
  readonly oids: OwnOids;
  readonly genesis: string;
  /** the policy's canonical JSON, as it was signed */
  readonly text: string;
}

export class Policies {
  readonly #host: Host;
  readonly #signer: SignerClient;
  #known: KnownPolicy | undefined;

  constructor(host: Host, signer: SignerClient) {
    this.#host = host;
    this.#signer = signer;
  }

  /** The policy of that digest (hex), which must be the one in force. Refuses with UNREACHABLE, POLICY-DIGEST, POLICY-*. */
  async inForce(digest: string): Promise<KnownPolicy> {
    if (this.#known && hex(this.#known.digest) === digest) return this.#known;
    const chain = await this.#signer.policies();
    const { genesis } = await this.#signer.status();
    const inForce = await walkPolicyChain(this.#host, chain, genesis);
    if (hex(inForce.digest) !== digest) {
      throw new Refusal("POLICY-DIGEST", "another policy is in force", { expected: digest, got: hex(inForce.digest) });
    }
    const content = readSignedData(chain.at(-1) as Uint8Array).content ?? new Uint8Array(0);
    if (hex(sha256(content)) !== digest) throw new Refusal("POLICY-DIGEST", "the policy's content is another");
    const oids = ownOids(inForce.policy.arc);
    this.#known = { policy: inForce.policy, digest: inForce.digest, oids, genesis, text: fromUtf8(content) };
    return this.#known;
  }
}
