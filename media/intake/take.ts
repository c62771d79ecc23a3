/** Taking one batch from a stick: a private copy of everything, checked against the submitter's signature and the policy. */

import { closeSync } from "node:fs";
import { openFileIn } from "../../host/no-follow.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import type { OwnOids } from "../../manifests/encoding/oid.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import type { Host } from "../../manifests/host.ts";
import type { BatchHead } from "../../manifests/records/batch-head.ts";
import type { Policy } from "../../manifests/records/policy.ts";
import { checkRequestAgainstPolicy, type Submitter, verifyRequest } from "../../manifests/records/request-envelope.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { listBatch } from "./batch-listing.ts";
import { copyDocuments, type Progress } from "./copy-documents.ts";
import { sizeOf } from "./entries.ts";
import { inBatch } from "./inbox.ts";
import { limits, takeTime } from "./limits.ts";
import { neverCame, Presence } from "./presence.ts";
import { copyPrivately } from "./private-copy.ts";
import { PrivateEnvelope } from "./private-envelope.ts";
import { checkSpool, makeEmptyFolder } from "./spool-folder.ts";
import { holdsPlainEnvelopes, takePlain } from "./take-plain.ts";
import type { Watch } from "./watch.ts";

export interface TakeJob {
  readonly root: string;
  readonly folder: string;
  /** an empty folder of the spool, or one to be made; what a refused or incomplete take leaves there is the caller's to remove */
  readonly into: string;
  readonly policy: Policy;
  readonly oids: OwnOids;
  readonly now: Utc;
  /** what is not there by now will not come */
  readonly settleOver: boolean;
}

export type Taken =
  | {
      readonly outcome: "taken";
      readonly batchDigest: string;
      readonly head: BatchHead;
      readonly count: number;
      readonly bytes: number;
      readonly submitter: Submitter;
      /** files that desktops left: not part of the batch */
      readonly ignored: readonly string[];
    }
  | {
      readonly outcome: "incomplete";
      readonly missing: readonly string[];
      readonly missingCount: number;
      readonly got: string;
    };

/**
 * Copies a batch to `into/batch.p7m` and `into/documents/000001…` and checks all of it: form, submitter, path, policy,
 * list, every document's digest. Not durable on return (intake may not sync). Incomplete, without copying documents,
 * when something listed is not there in full and `settleOver` is false. Refuses with MEDIA-*, DOCUMENT-*, DER, CMS-*,
 * PATH-*, MODE, POLICY-PROFILE, BATCH-EXPIRED, and STORE when the spool cannot take it. Before anything is judged
 * batch.p7m is copied, so that also of a refused batch it can be asked whether it was sealed before. A folder of plain
 * envelopes is taken as `takePlain` says.
 */
export async function take(host: Host, job: TakeJob, watch: Watch, progress: Progress): Promise<Taken> {
  return inBatch(job.root, job.folder, async (batch) => {
    if (holdsPlainEnvelopes(batch, watch)) return takePlain(host, batch, job, watch, progress);
    const envelope = await copyEnvelope(host, batch, job.into, watch);
    try {
      const listing = await listBatch(batch, job.policy.limits.documents + limits.batchEntries, watch);
      if (!envelope) return incomplete(job, { missing: ["batch.p7m"], missingCount: 1, short: undefined }, "");
      if (!job.settleOver && envelope.isCut()) {
        return incomplete(job, { missing: ["batch.p7m"], missingCount: 1, short: undefined }, "a part of batch.p7m");
      }
      const { submitter } = await verifyRequest(host, job.oids, envelope.signatures(), job);
      const presence = new Presence(listing, job.policy);
      const { head, count, bytes } = readRequest(envelope, presence);
      checkRequestAgainstPolicy(head, job.policy, count, bytes, job.now);
      const absent = presence.absent();
      if (absent.missingCount > 0) {
        return incomplete(job, absent, `${count - absent.missingCount} of ${count} documents`);
      }
      const ignored = presence.checkNothingExtra().slice(0, limits.namesReported);
      checkSpool(job.into, count, bytes);
      watch.allow(takeTime(count, bytes));
      Object.assign(progress, { of: count, ofBytes: bytes });
      await copyDocuments({ host, batch, head, into: job.into, watch, progress }, envelope.documents());
      const batchDigest = hex(await envelope.contentDigest("sha256"));
      return { outcome: "taken", batchDigest, head, count, bytes, submitter, ignored };
    } finally {
      envelope?.close();
    }
  });
}

function incomplete(job: TakeJob, absent: ReturnType<Presence["absent"]>, got: string): Taken {
  if (job.settleOver) throw neverCame(absent);
  return { outcome: "incomplete", missing: absent.missing, missingCount: absent.missingCount, got };
}

/** The private copy of batch.p7m, in a new folder `into`; undefined, and no folder, where there is none. */
async function copyEnvelope(
  host: Host,
  batch: number,
  into: string,
  watch: Watch,
): Promise<PrivateEnvelope | undefined> {
  const name = "batch.p7m";
  const source = openFileIn(batch, name);
  if (!source) return undefined;
  try {
    makeEmptyFolder(into);
    const size = sizeOf(source.stat);
    if (size > limits.envelope) {
      throw new Refusal("MEDIA-LIMIT", "batch.p7m is too large", {
        expected: `at most ${limits.envelope} bytes`,
        got: `${size}`,
        about: name,
      });
    }
    await copyPrivately({ name, source, target: `${into}/${name}`, watch });
    return new PrivateEnvelope(host, `${into}/${name}`, size, watch);
  } finally {
    closeSync(source.descriptor);
  }
}

function readRequest(envelope: PrivateEnvelope, presence: Presence) {
  const documents = envelope.documents();
  for (;;) {
    const next = documents.next();
    if (next.done) return next.value;
    presence.note(next.value);
  }
}
