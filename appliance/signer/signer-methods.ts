/** The signer socket's methods, for the daemon: parameters are read here, and nothing else is decided here. */

import { type Answer, collect, type Handlers, type IncomingCall } from "../../host/wire.ts";
import { fromUtf8, hex } from "../../manifests/encoding/bytes.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import {
  hexText,
  integer,
  nullable,
  object,
  oneOf,
  optional,
  type Reader,
  text,
} from "../../manifests/encoding/shape.ts";
import { acknowledgementLimit } from "../../manifests/log/acknowledgement.ts";
import { batchKinds } from "../../manifests/records/batch-head.ts";
import { isBatchFolder } from "../../manifests/records/names.ts";
import { revocationKinds, stagedLimit } from "../../manifests/records/revocation-part.ts";
import { isRefusalCode, Refusal, type RefusalCode } from "../../manifests/refusal.ts";
import { evidenceRecordLimit } from "../../manifests/time/evidence-record.ts";
import { takeAcknowledgement } from "./acknowledgements.ts";
import { takeAnchor } from "./anchors.ts";
import { authorize, orderAbort, reject } from "./authorize.ts";
import { type Box, checkSound } from "./box.ts";
import { importPolicy } from "./import-policy.ts";
import { audit, policyFiles, receipt, rejection } from "./receipt.ts";
import { refuse } from "./refuse.ts";
import { noteReported, released } from "./report.ts";
import { readReported } from "./reported.ts";
import type { SealingWork } from "./seal-batch.ts";
import { stageRevocation } from "./stage-revocation.ts";
import type { Staging } from "./staged-request.ts";
import { aboutOf, batchStatus, statusOf } from "./status.ts";
import { findSealed, submit } from "./submit.ts";

/** Most bytes of a decision: M SignerInfos and certificates. */
const decisionBytes = 1 << 20;
const policyBytes = 4 << 20;

const nothing = object({});
const oneBatch = object({ batchDigest: hexText() });
const oneNumber = object({ number: integer(1) });

const readFolder: Reader<string> = (value, path) => {
  const folder = text(64)(value, path);
  if (!isBatchFolder(folder)) throw new Refusal("MEDIA-NAME", "not the name of a batch folder", { about: folder });
  return folder;
};

/** A signed request unless said. */
const readKind = optional(oneOf(batchKinds));

const readCode: Reader<RefusalCode> = (value, path) => {
  const code = text(32)(value, path);
  if (!isRefusalCode(code)) throw new Refusal("SHAPE", `${path}: expected a refusal code`, { got: code });
  return code;
};

const refusalParameters = object({
  batchDigest: nullable(hexText()),
  code: readCode,
  folder: text(64),
  message: text(2000),
  reported: readReported,
});

/** A method: its parameters' reader, and what it does with them. */
function method<T>(read: Reader<T>, act: (parameters: T, call: IncomingCall) => Promise<Answer> | Answer) {
  return async (parameters: Json, call: IncomingCall): Promise<Answer> => act(read(parameters, "params"), call);
}

export function signerMethods(box: Box, work: SealingWork, staging: Staging): Handlers {
  const find = (batchDigest: string) => box.batches.find(batchDigest);
  return {
    status: method(nothing, () => ({ result: statusOf(box, work) })),
    policies: method(nothing, () => ({ result: {}, body: policyFiles(box) })),
    submit: method(object({ folder: readFolder, kind: readKind, reported: readReported }), async (what, { body }) => {
      const submitted = await submit(box, staging, { ...what, body });
      if (submitted.outcome === "already") return { result: { ...submitted } };
      const { batch, challenge, state } = submitted;
      return {
        result: {
          outcome: "challenge",
          batchDigest: hex(batch.batchDigest),
          challenge: fromUtf8(challenge.content),
          state,
        },
      };
    }),
    "sealed-before": method(object({ folder: readFolder, kind: readKind }), async ({ folder, kind }, { body }) => {
      const found = await findSealed(box, staging, { folder, kind, body });
      if (!found) return { result: { number: null } };
      const { number, batchDigest, head, count, bytes, submitterName } = found;
      const about = { ...aboutOf(head), count, bytes, submitter: { name: submitterName } };
      return { result: { number, batchDigest, ...about } };
    }),
    authorize: method(oneBatch, async ({ batchDigest }, { body }) => ({
      result: { state: await authorize(box, batchDigest, await collect(body, decisionBytes)) },
    })),
    seal: method(oneBatch, async ({ batchDigest }, call) => {
      const result = await work.seal(batchDigest, (progress) => {
        if (!call.signal.aborted) call.progress({ ...progress });
      });
      return { result: { ...result } };
    }),
    reject: method(oneBatch, async ({ batchDigest }, { body }) => ({
      result: { state: await reject(box, batchDigest, await collect(body, decisionBytes)) },
    })),
    abort: method(oneBatch, async ({ batchDigest }, { body }) => {
      const batch = await orderAbort(box, batchDigest, await collect(body, decisionBytes));
      // A refusal of the running work is told to those who asked for it; the order stands in any case.
      await work.running(batchDigest)?.catch(() => undefined);
      return { result: { state: box.batches.state(batch), number: box.batches.number(batch) } };
    }),
    batch: method(oneBatch, ({ batchDigest }) => ({ result: batchStatus(box, work, find(batchDigest)) })),
    batches: method(object({ before: optional(integer(1)), limit: integer(1, 1000) }), ({ before, limit }) => ({
      result: {
        batches: box.batches.list(limit, before ?? Number.MAX_SAFE_INTEGER).map((one) => batchStatus(box, work, one)),
      },
    })),
    receipt: method(oneNumber, ({ number }) => ({ result: {}, body: receipt(box, number) })),
    rejection: method(oneBatch, ({ batchDigest }) => ({ result: {}, body: rejection(box, find(batchDigest)) })),
    refuse: method(refusalParameters, async (what) => {
      const { signed, bytes } = await refuse(box, what);
      return { result: { signed }, body: [bytes] };
    }),
    released: method(object({ media: readReported, number: integer(1) }), ({ media, number }) => {
      released(box, number, media);
      return { result: {} };
    }),
    note: method(
      object({ kind: text(32, { pattern: /^[a-z][a-z-]*$/ }), record: readReported }),
      ({ kind, record }) => {
        noteReported(box, kind, record);
        return { result: {} };
      },
    ),
    "import-policy": method(nothing, async (_, { body }) => {
      checkSound(box);
      return { result: { number: await importPolicy(box, await collect(body, policyBytes)) } };
    }),
    "stage-revocation": method(object({ kind: oneOf(revocationKinds) }), async ({ kind }, { body }) => ({
      result: { number: await stageRevocation(box, kind, await collect(body, stagedLimit)) },
    })),
    anchor: method(oneNumber, async ({ number }, { body }) => ({
      result: { number: await takeAnchor(box, number, await collect(body, evidenceRecordLimit)) },
    })),
    acknowledge: method(nothing, async (_, { body }) => ({
      result: { number: await takeAcknowledgement(box, await collect(body, acknowledgementLimit)) },
    })),
    audit: method(object({ from: integer(1) }), ({ from }) => ({ result: {}, body: audit(box, from) })),
  };
}
