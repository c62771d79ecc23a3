/** What a box told the people and processes around it: from then on it may not be lost or become otherwise, whatever dies. */

/** What of a batch was answered without a fault. By batch digest, hex. */
export interface ToldOfBatch {
  /** the signer gave a challenge */
  accepted: boolean;
  /** the signer took the authorisation */
  authorized: boolean;
  /** so many seals were told to be stored */
  sealed: number;
  ending: "rejected" | "aborted" | undefined;
  result: { readonly number: number; readonly outcome: "sealed" | "aborted" } | undefined;
  released: boolean;
  /** people whose approval the daemon took */
  approvals: Set<string>;
}

export class Told {
  readonly #batches = new Map<string, ToldOfBatch>();

  of(batchDigest: string): ToldOfBatch {
    const known = this.#batches.get(batchDigest);
    if (known) return known;
    const fresh: ToldOfBatch = {
      accepted: false,
      authorized: false,
      sealed: 0,
      ending: undefined,
      result: undefined,
      released: false,
      approvals: new Set(),
    };
    this.#batches.set(batchDigest, fresh);
    return fresh;
  }

  get all(): readonly (readonly [string, ToldOfBatch])[] {
    return [...this.#batches];
  }
}
