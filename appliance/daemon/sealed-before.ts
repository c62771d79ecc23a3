/**
 * SEAL-ONCE, for ever: a batch that was sealed and comes again gets its first receipt, also when by today's time, policy
 * or certificates it would not be taken any more.
 */

import { createReadStream, existsSync } from "node:fs";
import { join } from "node:path";
import { batchKinds } from "../../manifests/records/batch-head.ts";
import { asRefusal, type Refusal, type RefusalCode } from "../../manifests/refusal.ts";
import type { SealedBefore } from "../client/signer-client.ts";
import { taken } from "./batch-state.ts";
import { isBoxMatter } from "./box-matters.ts";
import type { FolderState, TakeEnd } from "./inbox-state.ts";
import type { Parts } from "./parts.ts";
import { requestFile } from "./spool.ts";

/** What intake judges by the time, the policy in force and the certificates of today: a sealed batch may have passed then. */
const judgedByToday: ReadonlySet<RefusalCode> = new Set([
  "BATCH-EXPIRED",
  "CLOCK",
  "ENVELOPE-POLICY",
  "MEDIA-LIMIT",
  "MODE",
  "PATH-KEY",
  "PATH-REVOKED",
  "PATH-ROOT",
  "PATH-TIME",
  "PERSON-EXCLUDED",
  "POLICY-PROFILE",
]);

/**
 * Asks the signer whether a refused batch was sealed, by the private copy of batch.p7m or of the envelopes that the take left in `incoming`.
 * Undefined when it was not, or cannot be asked. Refuses with what keeps the signer from answering.
 */
export async function sealedBefore(
  { signer }: Parts,
  { folder }: FolderState,
  { code }: Refusal,
  incoming: string,
): Promise<SealedBefore | undefined> {
  if (!judgedByToday.has(code)) return undefined;
  const kind = batchKinds.find((one) => existsSync(join(incoming, requestFile[one])));
  if (!kind) return undefined;
  try {
    const request = createReadStream(join(incoming, requestFile[kind]), { highWaterMark: 256 * 1024 });
    return await signer.sealedBefore(folder, kind, request);
  } catch (fault) {
    const refusal = asRefusal(fault, "INTERNAL", "the signer could not be asked whether the batch was sealed before");
    if (isBoxMatter(refusal.code)) throw refusal;
    return undefined;
  }
}

/** From here on the folder is a batch whose answer is the first receipt. Held while the batch is here from elsewhere. */
export function answerWithReceipt({ book, log }: Parts, state: FolderState, sealed: SealedBefore): TakeEnd {
  const { folder, fingerprint } = state;
  const {
    number,
    batchDigest: id,
    kind = "signed-request",
    batch,
    purpose,
    mode,
    expires,
    count,
    bytes,
    submitter,
  } = sealed;
  const live = book.liveByDigest(id);
  if (live) return { outcome: "held", by: live.id };
  log.info({ code: "SEAL-ONCE", folder, number }, "was sealed before");
  book.put(
    taken({
      id,
      folder,
      fingerprint,
      digest: id,
      spooled: false,
      about: { kind, batch, purpose, mode, expires, count, bytes, submitter: submitter.name },
      since: book.now,
    }),
  );
  book.apply(id, { type: "already", number });
  return { outcome: "taken" };
}
