/** A request in the store, judged again as every verifier will judge it: at the time of the last approval. */

import type { Utc } from "../../manifests/encoding/shape.ts";
import {
  checkListedDocument,
  checkRequestAgainstPolicy,
  verifyRequest,
} from "../../manifests/records/request-envelope.ts";
import type { Certificate } from "../../manifests/x509/certificate.ts";
import type { Batch } from "./batches.ts";
import type { Box } from "./box.ts";
import { earliest } from "./clock.ts";
import { largest } from "./documents.ts";
import { storedEnvelope } from "./staged-request.ts";

/**
 * The submitter's path at `at`, leaf first, under the policy in force. Refuses what `verifyRequest`,
 * `checkRequestAgainstPolicy` and `checkListedDocument` refuse.
 */
export async function checkStoredRequest(box: Box, batch: Batch, at: Utc): Promise<readonly Certificate[]> {
  const { policy } = box.policies.inForce;
  const { envelope, contentDigest } = storedEnvelope(box.db, box.host, batch.id);
  const judged = { policy, now: at };
  const { path } = await verifyRequest(box.host, box.policies.oids, { ...envelope, contentDigest }, judged);
  checkRequestAgainstPolicy(batch.head, policy, batch.count, batch.bytes, at);
  checkListedDocument(largest(box.db, batch.id), policy);
  return path;
}

/** Up to when every certificate of a path is valid. */
export function validUntil(path: readonly Certificate[]): Utc {
  const [leaf, ...issuers] = path.map(({ notAfter }) => notAfter);
  return earliest(leaf as Utc, ...issuers);
}
