/** The policy in force, known by the whole chain from the genesis digest that the ceremony gave the store. */

import { readSignedData } from "../../manifests/cms/read.ts";
import { fromHex, hex } from "../../manifests/encoding/bytes.ts";
import { ownOids } from "../../manifests/encoding/oid.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import type { Host } from "../../manifests/host.ts";
import { type Policy, readPolicy } from "../../manifests/records/policy.ts";
import { type PolicyInForce, verifyNextPolicy, walkPolicyChain } from "../../manifests/records/policy-chain.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { Db } from "./store.ts";

export interface StoredPolicy {
  readonly number: number;
  readonly p7m: Uint8Array;
}

export class Policies {
  readonly #db: Db;
  readonly #host: Host;
  #inForce: PolicyInForce;

  private constructor(db: Db, host: Host, inForce: PolicyInForce) {
    this.#db = db;
    this.#host = host;
    this.#inForce = inForce;
  }

  /** Walks the stored chain. Refuses with CHAIN when it does not hold from the genesis digest on. */
  static async load(db: Db, host: Host): Promise<Policies> {
    const genesis = hex(db.prepare<[], Uint8Array>("SELECT genesis FROM box").pluck().get() as Uint8Array);
    const inForce = await walkPolicyChain(
      host,
      storedPolicies(db).map(({ p7m }) => p7m),
      genesis,
    ).catch((cause: Error) => {
      throw new Refusal("CHAIN", `the stored policies do not hold: ${cause.message}`, { cause });
    });
    const last = db.prepare<[], Uint8Array>("SELECT digest FROM policies ORDER BY number DESC LIMIT 1").pluck().get();
    if (!last || hex(last) !== hex(inForce.digest)) {
      throw new Refusal("CHAIN", "the stored policies are not those that were recorded");
    }
    return new Policies(db, host, inForce);
  }

  get inForce(): PolicyInForce {
    return this.#inForce;
  }

  /** A policy of the chain, as it was in force: of an unfinished batch that of its approvals. Refuses with CHAIN a number that none has. */
  byNumber(number: number): Pick<PolicyInForce, "policy" | "digest" | "number"> {
    if (number === this.#inForce.number) return this.#inForce;
    const stored = this.#db
      .prepare<[number], { digest: Uint8Array; p7m: Uint8Array }>("SELECT digest, p7m FROM policies WHERE number = ?")
      .get(number);
    if (!stored) throw new Refusal("CHAIN", "the store has lost a policy", { about: `policy ${number}` });
    return { policy: contentOf(stored), digest: stored.digest, number };
  }

  get oids() {
    return ownOids(this.#inForce.policy.arc);
  }

  /** The largest list that any policy of the chain took: a batch that was sealed under it is still known (SEAL-ONCE). */
  get mostDocuments(): number {
    return Math.max(...this.all().map((stored) => contentOf(stored).limits.documents));
  }

  /** Verifies a policy that follows the one in force. Nothing is stored. */
  verifyNext(p7m: Uint8Array, at: Utc): Promise<PolicyInForce> {
    return verifyNextPolicy(this.#host, this.oids, this.#inForce, p7m, at);
  }

  /** Stores the verified next policy in the caller's transaction. Refuses with POLICY-CHAIN when another came first. */
  store(next: PolicyInForce, p7m: Uint8Array): void {
    if (next.number !== this.#inForce.number + 1) throw new Refusal("POLICY-CHAIN", "another policy came into force");
    insertPolicy(this.#db, next, p7m);
  }

  /** Puts a stored policy in force; call after the transaction that stored it. */
  adopt(next: PolicyInForce): void {
    this.#inForce = next;
  }

  all(): readonly StoredPolicy[] {
    return storedPolicies(this.#db);
  }
}

/** Of a policy that was verified when it was stored. */
function contentOf({ p7m }: Pick<StoredPolicy, "p7m">): Policy {
  return readPolicy(readSignedData(p7m).content ?? new Uint8Array(0));
}

export function insertPolicy(db: Db, policy: PolicyInForce, p7m: Uint8Array): void {
  db.prepare("INSERT INTO policies (number, digest, p7m) VALUES (?, ?, ?)").run(policy.number, policy.digest, p7m);
}

/** Puts the box's one row; its genesis digest is what every later policy hangs on. */
export function insertBox(db: Db, appliance: string, genesis: string): void {
  db.prepare("INSERT INTO box (one, appliance, genesis) VALUES (1, ?, ?)").run(appliance, fromHex(genesis));
}

function storedPolicies(db: Db): StoredPolicy[] {
  return db.prepare<[], StoredPolicy>("SELECT number, p7m FROM policies ORDER BY number").all();
}
