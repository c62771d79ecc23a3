/** What intake takes at most where the policy does not say (T4). Sizes in bytes, times in milliseconds. */

export const limits = {
  /** batch.p7m: the request of 100,000 documents is about 30 MB */
  envelope: 64 << 20,
  /** a file of control/in: a CRL of 100,000 entries is about 4 MiB */
  control: 16 << 20,
  /** entries of `inbox` itself */
  inboxEntries: 10_000,
  /** entries of one batch folder beside `documents` */
  batchEntries: 1_000,
  /** entries of one `documents` folder; of all batches of one scan */
  documentEntries: 500_000,
  scanEntries: 1_000_000,
  /** how many of each kind one scan reports, so that its answer fits a frame */
  batchesReported: 1_000,
  oddReported: 100,
  controlReported: 1_000,
  /** names given one by one in an answer */
  namesReported: 10,
  scanTime: 60_000,
  controlTime: 30_000,
} as const;

/** How long one `take` may last: two minutes, 50 ms a document, and 1 MiB/s, which the slowest stick reaches. */
export function takeTime(documents: number, bytes: number): number {
  return 120_000 + documents * 50 + (bytes / (1 << 20)) * 1_000;
}
