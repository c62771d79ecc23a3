/**
 * What the signer itself refused, in the journal. Whoever asks the same again and again fills no disk: repetitions are
 * counted, and the count is journalled at growing intervals.
 */

import { fromHex } from "../../manifests/encoding/bytes.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import type { Refusal, RefusalCode } from "../../manifests/refusal.ts";

/** All in milliseconds. A refusal's count comes after the first, then after two, four … of these, at least once a day. */
const firstInterval = 60_000;
const longestInterval = 24 * 3600_000;
const minute = 60_000;
const rowsAMinute = 20;
/** Refusals that are told apart by their batch; beyond that they are counted without it. */
const mostByBatch = 500;

export interface OwnRefusalsParts {
  /** journals in a transaction of its own */
  record(what: Json): void;
  /** Is this the digest of a batch in the store? What a peer makes up is not journalled. */
  known(batchDigest: Uint8Array): boolean;
  /** ms */
  monotonic(): number;
}

interface Counted {
  readonly method: string;
  readonly code: RefusalCode;
  readonly batchDigest: string | null;
  /** since the last row */
  times: number;
  interval: number;
  /** when the next row may come */
  due: number;
}

export class OwnRefusals {
  readonly #parts: OwnRefusalsParts;
  readonly #counted = new Map<string, Counted>();
  #minute = { began: Number.NEGATIVE_INFINITY, rows: 0 };

  constructor(parts: OwnRefusalsParts) {
    this.#parts = parts;
  }

  /** Journals a refusal as `{batchDigest, code, method, times}`, or counts it where the same was journalled lately. */
  note(method: string, { code, about }: Refusal, asked: string | undefined): void {
    const batchDigest = this.#counted.size < mostByBatch ? this.#batch(asked ?? about) : null;
    const key = `${method} ${code} ${batchDigest}`;
    const known = this.#counted.get(key);
    if (known) {
      known.times++;
      return;
    }
    const now = this.#parts.monotonic();
    const counted: Counted = { method, code, batchDigest, times: 1, interval: firstInterval, due: now };
    this.#counted.set(key, counted);
    if (this.#write(counted, now)) counted.due = now + firstInterval;
  }

  /** Journals the counts that are due, or `all` of them, and forgets what did not come again. */
  flush(all = false): void {
    const now = this.#parts.monotonic();
    for (const [key, counted] of this.#counted) {
      if (now < counted.due && !all) continue;
      if (counted.times === 0) this.#counted.delete(key);
      else if (this.#write(counted, now)) {
        counted.interval = Math.min(counted.interval * 2, longestInterval);
        counted.due = now + counted.interval;
      }
    }
  }

  /** False when this minute has had its rows: then the count stays. */
  #write(counted: Counted, now: number): boolean {
    if (now - this.#minute.began >= minute) this.#minute = { began: now, rows: 0 };
    if (this.#minute.rows >= rowsAMinute) return false;
    this.#minute.rows++;
    const { batchDigest, code, method, times } = counted;
    this.#parts.record({ batchDigest, code, method, times });
    counted.times = 0;
    return true;
  }

  #batch(digest: string | undefined): string | null {
    return digest !== undefined && /^[0-9a-f]{64}$/.test(digest) && this.#parts.known(fromHex(digest)) ? digest : null;
  }
}
