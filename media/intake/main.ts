/**
 * The intake process: parses hostile bytes, trusted for nothing. Answers `scan`, `take` and `control` over descriptor 3
 * and ends when the other side hangs up. Started confined (`command.ts`).
 */

import { nodeHost } from "../../host/crypto-host.ts";
import { serveDescriptor } from "../../host/wire-descriptor.ts";
import { utf8 } from "../../manifests/encoding/bytes.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import { ownOids } from "../../manifests/encoding/oid.ts";
import { flag, object, text, utc } from "../../manifests/encoding/shape.ts";
import { readPolicy } from "../../manifests/records/policy.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { readControl } from "./control.ts";
import type { Progress } from "./copy-documents.ts";
import { limits, takeTime } from "./limits.ts";
import { fingerprintOf, scan } from "./scan.ts";
import { type Taken, take } from "./take.ts";
import { Watch } from "./watch.ts";

const path = text(4096);
const readScan = object({ root: path });
const readControlCall = object({ root: path, name: text(255) });
const readTake = object({
  root: path,
  folder: text(255),
  into: path,
  policy: text(1 << 20),
  now: utc,
  settleOver: flag,
});

const handlers = {
  async scan(params: Json, progress: (value: Json) => void) {
    const { root } = readScan(params, "scan");
    const seen = await scan(root, new Watch(limits.scanTime, () => progress({ scanning: true })));
    return { result: { ...seen } as unknown as Json };
  },

  async take(params: Json, progress: (value: Json) => void) {
    const { policy: policyText, ...job } = readTake(params, "take");
    const policy = readPolicy(utf8(policyText));
    const done: Progress = { documents: 0, of: 0, bytes: 0, ofBytes: 0 };
    const watch = new Watch(takeTime(0, 0), () => progress({ ...done }));
    // As the folder was before the first byte was read: whatever changes later shows as another folder.
    const fingerprint = await fingerprintOf(job.root, job.folder, watch);
    const taken = await take(nodeHost, { ...job, policy, oids: ownOids(policy.arc) }, watch, done);
    return { result: takenJson(taken, fingerprint) };
  },

  async control(params: Json) {
    const { root, name } = readControlCall(params, "control");
    const body = await readControl(root, name);
    return { result: { size: body.length }, body };
  },
};

/** The submitter's certificate goes by its digest: batch.p7m holds it. */
function takenJson(taken: Taken, fingerprint: string): Json {
  if (taken.outcome === "incomplete") return { ...taken };
  const { name, certificateSha256Hex, keySha256Hex, signed } = taken.submitter;
  return {
    ...taken,
    fingerprint,
    submitter: { name, certificate: certificateSha256Hex, key: keySha256Hex, signed },
  };
}

try {
  await serveDescriptor(3, handlers);
} catch (fault) {
  // Hung up in the middle of a call: nobody is left to be told.
  if (!(fault instanceof Refusal && fault.code === "STOPPED")) throw fault;
}
