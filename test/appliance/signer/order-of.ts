/** Orders for a test box, signed by its people. */

import { nodeHost } from "../../../host/crypto-host.ts";
import { readSignedData } from "../../../manifests/cms/read.ts";
import { signContent } from "../../../manifests/cms/sign.ts";
import { mergeSignedData } from "../../../manifests/cms/write.ts";
import { hex } from "../../../manifests/encoding/bytes.ts";
import type { Json } from "../../../manifests/encoding/canonical-json.ts";
import { type OrderKind, orderBytes } from "../../../manifests/records/order.ts";
import type { Issued } from "../../pki/authority.ts";
import { fromNow, oids, operators } from "./people.ts";
import type { TestBox } from "./test-box.ts";

export const quorum = [operators.op1, operators.op2];

/** The next order of the box, with changes; signed by op1 and op2 unless said. */
export async function orderOf(
  { box }: TestBox,
  kind: OrderKind,
  what: Json,
  by: readonly Issued[] = quorum,
  change: Partial<Parameters<typeof orderBytes>[0]> = {},
): Promise<Uint8Array> {
  const { last } = box.orders.standing;
  const content = orderBytes({
    appliance: box.facts.appliance,
    created: fromNow(-1),
    expires: fromNow(600),
    kind,
    number: (last?.number ?? 0) + 1,
    policyDigest: hex(box.policies.inForce.digest),
    previous: last?.digest ?? null,
    what,
    ...change,
  });
  return signedOrder(content, by);
}

/** An order's content signed by these people, by their clocks. */
export async function signedOrder(
  content: Uint8Array,
  by: readonly Issued[] = quorum,
  signingTime = fromNow(-1),
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (const { signingKey } of by) {
    const signed = { eContentType: oids.order, content, signingTime };
    parts.push(await signContent(nodeHost, signingKey, signed));
  }
  return mergeSignedData(parts.map((part) => readSignedData(part)));
}
