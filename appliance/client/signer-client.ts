/** The signer's socket, as the daemon uses it: one connection a call. All refuse with UNREACHABLE, FRAME, SHAPE, and what the signer refuses. */

import { type Body, callOnce, connect, promptly } from "../../host/wire.ts";
import { concat } from "../../manifests/encoding/bytes.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import { type FilePart, readFiles } from "../../manifests/encoding/file-stream.ts";
import {
  anyObject,
  flag,
  hexText,
  integer,
  list,
  nullable,
  object,
  oneOf,
  optional,
  type Read,
  type Reader,
  text,
  utc,
} from "../../manifests/encoding/shape.ts";
import { type BatchKind, batchKinds } from "../../manifests/records/batch-head.ts";
import type { RevocationKind } from "../../manifests/records/revocation-part.ts";
import { isRefusalCode, Refusal, type RefusalCode, type RefusalRecord } from "../../manifests/refusal.ts";
import { anyText, having, readAnswer } from "./answers.ts";

const signerStates = ["challenged", "authorized", "sealing", "sealed", "aborted", "rejected"] as const;

const readCode: Reader<RefusalCode> = (value) => {
  const code = anyText(value, "code");
  return isRefusalCode(code) ? code : "INTERNAL";
};

const readStatus = having({
  appliance: text(64),
  clock: having({ now: utc, refused: nullable(readCode) }),
  /** what stopped the signer for good */
  fault: optional(nullable(having({ code: readCode, message: anyText }))),
  genesis: hexText(),
  /** what keeps the box from sealing beside lock, clock and network: an order, or software that nobody approved */
  /** the order that declared the emergency that is open: SHA-256 of its content, and that content */
  emergency: optional(nullable(having({ digest: hexText(), order: text(16_384) }))),
  held: optional(nullable(having({ code: readCode, message: anyText }))),
  locked: flag,
  manifests: having({ last: integer(0), unacknowledged: integer(0) }),
  network: having({ links: nullable(list(text(64), 0, 1000)), policy: oneOf(["fatal", "recorded"]) }),
  policy: having({ digest: hexText(), number: integer(1) }),
  retention: optional(nullable(having({ undecidedHours: integer(1) }))),
  /** `silentSeconds`: a signature that is waited for did not come for so long */
  token: having({ present: flag, serial: anyText, silentSeconds: optional(integer(0)) }),
});
/** What the daemon must know of the signer; `all` is the whole answer, for people. */
export type SignerStatus = Read<typeof readStatus> & { readonly all: Json };

const kind = optional(oneOf(batchKinds));

const readBatch = having({
  batch: nullable(text(64)),
  batchDigest: hexText(),
  bytes: integer(0),
  challenge: text(4096),
  count: integer(1),
  done: integer(0),
  earlierSeals: integer(0),
  expires: utc,
  folder: text(64),
  id: optional(integer(0)),
  kind,
  mode: text(32),
  number: nullable(integer(1)),
  purpose: nullable(text(200)),
  released: flag,
  state: oneOf(signerStates),
  submitted: utc,
  submitter: having({ name: text(500) }),
});
export type SignerBatch = Read<typeof readBatch>;

const readSubmitted = having({
  batchDigest: hexText(),
  challenge: optional(text(4096)),
  number: optional(integer(1)),
  outcome: oneOf(["challenge", "already"]),
  state: optional(oneOf(signerStates)),
});
export type Submitted = Read<typeof readSubmitted>;

const readSealedBefore = having({
  batch: nullable(text(64)),
  batchDigest: hexText(),
  bytes: integer(0),
  count: integer(1),
  expires: utc,
  kind,
  mode: text(32),
  number: integer(1),
  purpose: nullable(text(200)),
  submitter: having({ name: text(500) }),
});
export type SealedBefore = Read<typeof readSealedBefore>;

const readSealed = having({ number: integer(1), outcome: oneOf(["sealed", "aborted"]) });
export type Sealed = Read<typeof readSealed>;

const readSealing = having({ bytes: integer(0), count: integer(0), done: integer(0) });
export type Sealing = Read<typeof readSealing>;

const readAborted = having({ number: nullable(integer(1)), state: oneOf(signerStates) });

export type SignerClient = ReturnType<typeof signerClient>;

export function signerClient(path: string, signal?: AbortSignal) {
  const call = (
    method: string,
    params: Json,
    options: { body?: Body; onProgress?: (value: Json) => void; within?: number } = {},
  ) => callOnce(path, method, params, { ...options, ...(signal ? { signal } : {}) });
  return {
    async status(): Promise<SignerStatus> {
      const { result } = await call("status", {}, { within: promptly });
      return { ...readAnswer(readStatus, result, "status"), all: result };
    },

    /** The whole chain, number 1 first. */
    async policies(): Promise<readonly Uint8Array[]> {
      const files = await collectFiles(answerFiles(path, "policies", {}, signal));
      return [...files].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, bytes]) => bytes);
    },

    /** Hands over batch.p7m or plain envelopes; gives the challenge, or the manifest that sealed this batch before. */
    async submit(folder: string, kind: BatchKind, reported: Json, batch: Body): Promise<Submitted> {
      const { result } = await call("submit", { folder, kind, reported }, { body: batch });
      return readAnswer(readSubmitted, result, "submit");
    },

    /** SEAL-ONCE for what is refused today: the manifest that sealed it. Nothing of it is kept. */
    async sealedBefore(folder: string, kind: BatchKind, batch: Body): Promise<SealedBefore | undefined> {
      const { result } = await call("sealed-before", { folder, kind }, { body: batch });
      const { number } = readAnswer(having({ number: nullable(integer(1)) }), result, "sealed-before");
      return number === null ? undefined : readAnswer(readSealedBefore, result, "sealed-before");
    },

    /** Durable on return. */
    async authorize(batchDigest: string, authorization: Uint8Array): Promise<void> {
      await call("authorize", { batchDigest }, { body: [authorization] });
    },

    /** Seals, joins a running seal, or goes on with one that a crash ended. */
    async seal(batchDigest: string, onProgress: (sealing: Sealing) => void): Promise<Sealed> {
      const { result } = await call(
        "seal",
        { batchDigest },
        { onProgress: (value) => onProgress(readAnswer(readSealing, value, "progress")) },
      );
      return readAnswer(readSealed, result, "seal");
    },

    async reject(batchDigest: string, rejection: Uint8Array): Promise<void> {
      await call("reject", { batchDigest }, { body: [rejection] });
    },

    async abort(batchDigest: string, abort: Uint8Array): Promise<Read<typeof readAborted>> {
      return readAnswer(readAborted, (await call("abort", { batchDigest }, { body: [abort] })).result, "abort");
    },

    async batch(batchDigest: string): Promise<SignerBatch> {
      return readAnswer(readBatch, (await call("batch", { batchDigest })).result, "batch");
    },

    /** At most `limit`, newest first; `before` is the `id` of the last one seen. */
    async batches(limit: number, before?: number): Promise<readonly SignerBatch[]> {
      const { result } = await call("batches", before === undefined ? { limit } : { limit, before });
      return readAnswer(having({ batches: list(readBatch, 0, 100_000) }), result, "batches").batches;
    },

    /** The files of `outbox/BATCH`, as a stream that must be read to its end or returned. */
    receipt(number: number): AsyncIterable<FilePart> {
      return answerFiles(path, "receipt", { number }, signal);
    },

    /** The decision that ended a batch, and its batch.p7m. */
    rejection(batchDigest: string): AsyncIterable<FilePart> {
      return answerFiles(path, "rejection", { batchDigest }, signal);
    },

    /** `NUMBER/…` of every manifest from a number on. */
    audit(from: number): AsyncIterable<FilePart> {
      return answerFiles(path, "audit", { from }, signal);
    },

    /** Journals a refusal; gives refusal.p7m when it could be signed, else refusal.json. */
    async refuse(
      folder: string,
      batchDigest: string | null,
      refusal: RefusalRecord,
      reported: Json,
    ): Promise<{ readonly signed: boolean; readonly bytes: Uint8Array }> {
      const { code, message } = refusal;
      const { result, body } = await call("refuse", { folder, batchDigest, code, message, reported });
      return { ...readAnswer(object({ signed: flag }), result, "refuse"), bytes: body };
    },

    async released(number: number, media: Json): Promise<void> {
      await call("released", { number, media });
    },

    /** Journals something under `reported`. */
    async note(kind: string, record: Json): Promise<void> {
      await call("note", { kind, record });
    },

    /** Gives the number of the policy, now in force. */
    async importPolicy(policy: Uint8Array): Promise<number> {
      const { result } = await call("import-policy", {}, { body: [policy] });
      return readAnswer(having({ number: integer(1) }), result, "import-policy").number;
    },

    /** Hands over an acknowledgement; gives the highest number that is acknowledged now. Durable on return. */
    async acknowledge(p7m: Uint8Array): Promise<number> {
      const { result } = await call("acknowledge", {}, { body: [p7m] });
      return readAnswer(having({ number: integer(0) }), result, "acknowledge").number;
    },

    /** Hands over an evidence record (DER) over the record of a manifest; gives the number that the chain is anchored to. Durable on return. */
    async anchor(number: number, der: Uint8Array): Promise<number> {
      const { result } = await call("anchor", { number }, { body: [der] });
      return readAnswer(having({ number: integer(1) }), result, "anchor").number;
    },

    /** Hands over a CRL or OCSP response (DER); gives its number at the signer. Durable on return. */
    async stageRevocation(kind: RevocationKind, der: Uint8Array): Promise<number> {
      const { result } = await call("stage-revocation", { kind }, { body: [der] });
      return readAnswer(having({ number: integer(1) }), result, "stage-revocation").number;
    },
  };
}

/** A stream of files that a call answers with; the connection closes when the stream ends or is left. */
async function* answerFiles(
  path: string,
  method: string,
  params: Json,
  signal?: AbortSignal,
): AsyncGenerator<FilePart> {
  const connection = await connect(path);
  const hangUp = () => connection.close();
  signal?.addEventListener("abort", hangUp);
  if (signal?.aborted) hangUp();
  try {
    const { result, body } = await connection.call(method, params);
    readAnswer(anyObject, result, method);
    yield* readFiles(body);
  } catch (fault) {
    throw signal?.aborted ? new Refusal("STOPPED", `the call of ${method} was stopped`, { cause: fault }) : fault;
  } finally {
    signal?.removeEventListener("abort", hangUp);
    connection.close();
  }
}

/** All files of a stream, by path. Refuses with FRAME more than 64 MiB. */
export async function collectFiles(parts: AsyncIterable<FilePart>): Promise<ReadonlyMap<string, Uint8Array>> {
  const pieces = new Map<string, Uint8Array[]>();
  let last: Uint8Array[] = [];
  let length = 0;
  for await (const part of parts) {
    if ("path" in part) {
      last = [];
      pieces.set(part.path, last);
    } else {
      length += part.bytes.length;
      if (length > 64 << 20) throw new Refusal("FRAME", "a stream of files is longer than expected");
      last.push(part.bytes);
    }
  }
  return new Map([...pieces].map(([name, bytes]) => [name, concat(bytes)]));
}
