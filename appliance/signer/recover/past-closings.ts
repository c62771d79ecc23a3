/** Closing records of emergencies that a lost store signed: each belongs to an order at hand that ended one. */

import { hex } from "../../../manifests/encoding/bytes.ts";
import type { Host } from "../../../manifests/host.ts";
import { closingLimit, readSignedClosing } from "../../../manifests/records/closing.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { type BundleSource, readSmall } from "../../../manifests/verify/source.ts";
import { checkAuditKey, numbered, onlySigner, type PastBox } from "./past-box.ts";
import type { PastOrder } from "./past-orders.ts";

export interface PastClosing {
  /** of the order that ended the emergency */
  readonly number: number;
  readonly p7m: Uint8Array;
  /** SHA-256 of the content */
  readonly digest: Uint8Array;
}

/** `closings/NNNN.p7m`. Refuses with CMS-*, JSON, SHAPE, CLOSING, HSM-KEY, CHAIN one of another box, or of no order that is at hand. */
export async function readPastClosings(
  host: Host,
  source: BundleSource,
  box: PastBox,
  orders: readonly PastOrder[],
): Promise<readonly PastClosing[]> {
  const all: PastClosing[] = [];
  for (const [number, path] of await numbered(source, "closings", /^(\d{4})\.p7m$/)) {
    const p7m = await readSmall(source, path, closingLimit);
    const { closing, content, data } = await readSignedClosing(host, box.oids, p7m);
    const certificate = await onlySigner(host, data, content, path);
    checkAuditKey(box, certificate.spki, path);
    const ended = orders.find(({ order }) => order.number === number);
    const expected = `${box.appliance}, genesis ${box.genesis}, order ${number} ${ended ? hex(ended.digest) : "at hand"}`;
    const got = `${closing.appliance}, genesis ${closing.policy.genesis}, order ${closing.ended.number} ${closing.ended.order}`;
    if (expected !== got) {
      throw new Refusal("CHAIN", "the closing record is another one than its place says", {
        expected,
        got,
        about: path,
      });
    }
    all.push({ number, p7m, digest: await host.digest("sha256", content) });
  }
  return all;
}
