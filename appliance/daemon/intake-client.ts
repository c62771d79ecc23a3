/**
 * Calls of intake: each connection is a confined process. Everything that is read has a fresh one; looking at the stick,
 * which reads no file, has one that stays. What it says is taken by shape, and trusted for nothing.
 */

import { callOnce } from "../../host/wire.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import { hexText, integer, list, oneOf, optional, type Read, text, utc } from "../../manifests/encoding/shape.ts";
import { stagedLimit } from "../../manifests/records/revocation-part.ts";
import { isRefusalCode, Refusal, type RefusalRecord } from "../../manifests/refusal.ts";
import { anyText, having, readAnswer } from "../client/answers.ts";
import { ScanConnection } from "./scan-connection.ts";
import type { WorkDone } from "./work-rate.ts";

const readRefusal = (value: Json | undefined, path: string): RefusalRecord => {
  const { code, message } = having({ code: anyText, message: anyText })(value, path);
  return { code: isRefusalCode(code) ? code : "INTERNAL", message };
};

const readSeen = having({
  batches: list(having({ bytes: integer(0), files: integer(0), fingerprint: hexText(), folder: text(64) }), 0, 10_000),
  control: list(having({ name: anyText, size: integer(0) }), 0, 10_000),
  controlCount: optional(integer(0)),
  odd: list(having({ name: anyText, refusal: readRefusal }), 0, 1000),
  oddCount: optional(integer(0)),
});
export type Seen = Read<typeof readSeen>;

const readHead = having({
  batch: optional(text(64)),
  expires: utc,
  mode: text(32),
  purpose: optional(text(200)),
  type: optional(oneOf(["batch-request", "plain-envelopes"])),
});

const readTaken = having({
  batchDigest: optional(hexText()),
  bytes: optional(integer(0)),
  count: optional(integer(1)),
  fingerprint: optional(hexText()),
  got: optional(anyText),
  head: optional(readHead),
  missing: optional(list(anyText, 0, 100)),
  missingCount: optional(integer(1)),
  outcome: oneOf(["taken", "incomplete"]),
  submitter: optional(having({ name: text(500) })),
});

/** A batch as intake took it. */
export interface TakenBatch {
  readonly outcome: "taken";
  readonly batchDigest: string;
  /** of the folder when intake began to read it */
  readonly fingerprint: string;
  readonly head: Read<typeof readHead>;
  readonly count: number;
  readonly bytes: number;
  readonly submitter: string;
}

const readDone = having({ bytes: integer(0), documents: integer(0), of: integer(0), ofBytes: integer(0) });

/** Milliseconds without a sign of life after which intake is hung up on; it gives one every fifth of a second. */
const silence = 90_000;
const scanTime = 120_000;

export interface TakeOrder {
  readonly root: string;
  readonly folder: string;
  readonly into: string;
  /** canonical JSON of the policy in force */
  readonly policy: string;
  readonly now: string;
  readonly settleOver: boolean;
  /** as the scan saw it: bounds the time */
  readonly files: number;
  readonly bytes: number;
}

export type IntakeClient = ReturnType<typeof intakeClient>;

export function intakeClient(socket: string, stop: AbortSignal) {
  const scans = new ScanConnection(socket, stop);
  return {
    async scan(root: string): Promise<Seen> {
      return limited(scanTime, async (signal, alive) =>
        readAnswer(readSeen, await scans.scan(root, signal, alive), "scan"),
      );
    },

    /** Nothing is to be looked at until the next scan: the stick is gone. */
    rest(): void {
      scans.close();
    },

    /** Takes a batch into `into`; not durable. Hangs up when it takes too long: MEDIA-TIME. */
    async take(order: TakeOrder, onProgress: (done: WorkDone) => void) {
      const { files, bytes, ...params } = order;
      return limited(takeTime(files, bytes), async (signal, alive) => {
        const told = (value: Json) => {
          alive();
          onProgress(readAnswer(readDone, value, "progress"));
        };
        const { result } = await callOnce(socket, "take", params, { signal, onProgress: told });
        return outcomeOf(readAnswer(readTaken, result, "take"));
      });
    },

    /** A file of `control/in`. */
    async control(root: string, name: string): Promise<Uint8Array> {
      return limited(scanTime, async (signal) => {
        const { body } = await callOnce(socket, "control", { root, name }, { signal, maximumBody: stagedLimit });
        return body;
      });
    },
  };

  async function limited<T>(time: number, work: (signal: AbortSignal, alive: () => void) => Promise<T>): Promise<T> {
    const over = new AbortController();
    const end = setTimeout(() => over.abort(), time);
    let quiet = setTimeout(() => over.abort(), silence);
    const alive = () => {
      clearTimeout(quiet);
      quiet = setTimeout(() => over.abort(), silence);
    };
    try {
      return await work(AbortSignal.any([stop, over.signal]), alive);
    } catch (fault) {
      if (over.signal.aborted) throw new Refusal("MEDIA-TIME", "reading the stick took too long", { cause: fault });
      throw fault;
    } finally {
      clearTimeout(end);
      clearTimeout(quiet);
    }
  }
}

/** Intake limits itself; this is for one that does not: five minutes, a tenth of a second a file, half a MiB/s. */
function takeTime(files: number, bytes: number): number {
  return Math.min(2 ** 31 - 1, 300_000 + files * 100 + (bytes / (1 << 19)) * 1000);
}

function outcomeOf(
  taken: Read<typeof readTaken>,
): TakenBatch | { readonly outcome: "incomplete"; readonly got: string } {
  if (taken.outcome === "incomplete") {
    const count = taken.missing?.[0] === "READY" ? undefined : taken.missingCount;
    const missing = count === undefined ? "" : `, ${count} missing`;
    return { outcome: "incomplete", got: `${taken.got || "nothing"}${missing}` };
  }
  const { batchDigest, fingerprint, head, count, bytes, submitter } = taken;
  if (!batchDigest || !fingerprint || !head || count === undefined || bytes === undefined || !submitter) {
    throw new Refusal("FRAME", "intake's answer is not whole");
  }
  return { outcome: "taken", batchDigest, fingerprint, head, count, bytes, submitter: submitter.name };
}
