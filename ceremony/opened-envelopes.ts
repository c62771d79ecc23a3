/**
 * Plain envelopes that an operator decides about, checked here one by one as they come: every signature, one submitter whom the
 * policy takes, and the batch digest recomputed from what is shown.
 */

import { nodeHost } from "../host/crypto-host.ts";
import { hex, utf8 } from "../manifests/encoding/bytes.ts";
import { ownOids } from "../manifests/encoding/oid.ts";
import type { Utc } from "../manifests/encoding/shape.ts";
import { readChallenge } from "../manifests/records/decision.ts";
import { compositionHasher, type IdentityHasher } from "../manifests/records/identity.ts";
import { EnvelopeBatch } from "../manifests/records/plain-envelope.ts";
import { BroughtReader } from "../manifests/records/plain-list.ts";
import type { ListedDocument } from "../manifests/records/request.ts";
import { Refusal } from "../manifests/refusal.ts";
import { checkPolicy, checkSame, type OpenedBatch } from "./opened-batch.ts";

/** What the daemon gave. */
export interface OpeningEnvelopes {
  readonly challenge: string;
  readonly policy: string;
  /** without contents, as intake hands them over */
  readonly envelopes: AsyncIterable<Uint8Array>;
}

/**
 * Checks what the daemon gave; `keep` documents are held. Refuses with SAME-BYTES when the envelopes are not those that the
 * challenge names, CHALLENGE-MATCH and POLICY-DIGEST when challenge and policy do not belong to them, and as `EnvelopeBatch`.
 */
export async function checkOpenedEnvelopes(opening: OpeningEnvelopes, now: Utc, keep: number): Promise<OpenedBatch> {
  const challengeContent = utf8(opening.challenge);
  const challenge = readChallenge(challengeContent);
  const policy = checkPolicy(utf8(opening.policy), challenge);
  const envelopes = new EnvelopeBatch(nodeHost);
  const { documents, digest, ...sums } = await readAll(opening.envelopes, envelopes, challenge.count, keep);
  const { head, submitter } = await envelopes.judge(ownOids(policy.arc), policy, now);
  checkSame(challenge, { ...sums, digest, head });
  const { name, certificate } = submitter;
  return {
    ...sums,
    ...{ challenge, challengeContent, digest, documents, head, policy },
    submitter: { name, certificate: certificate.der },
  };
}

async function readAll(pieces: AsyncIterable<Uint8Array>, envelopes: EnvelopeBatch, most: number, keep: number) {
  const reader = new BroughtReader(most);
  const documents: ListedDocument[] = [];
  let composition: IdentityHasher | undefined;
  for await (const piece of pieces) {
    for (const { envelope, name, size } of reader.push(piece)) {
      const digest = hex(await envelopes.add(envelope));
      composition ??= compositionHasher(nodeHost, (await envelopes.submitter()).keySha256Hex);
      composition.add({ digest, size });
      if (documents.length < keep) documents.push({ digest, name, size });
    }
  }
  reader.end();
  if (!composition) throw new Refusal("CMS-SIGNERS", "there is no envelope");
  return { count: reader.count, bytes: reader.bytes, documents, digest: await composition.end() };
}
