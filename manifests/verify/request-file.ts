/** batch.p7m as a stream: its digests, its list, who signed it. */

import type { SignedData } from "../cms/read.ts";
import type { HashName } from "../cms/suite.ts";
import { verifySigner } from "../cms/verify.ts";
import { hex } from "../encoding/bytes.ts";
import type { OwnOids } from "../encoding/oid.ts";
import type { Host } from "../host.ts";
import type { BatchHead } from "../records/batch-head.ts";
import { type OpenIdentity, openIdentity } from "../records/identity.ts";
import type { Policy } from "../records/policy.ts";
import type { ListedDocument, RequestHead } from "../records/request.ts";
import {
  checkListedDocument,
  checkRequestAgainstPolicy,
  type RequestEnvelope,
  verifyRequest,
} from "../records/request-envelope.ts";
import { RequestReader } from "../records/request-stream.ts";
import { Refusal } from "../refusal.ts";
import type { Certificate } from "../x509/certificate.ts";
import { Kept } from "./kept.ts";
import { LargeSignedData } from "./large-signed-data.ts";
import { type LookedUp, leastRsaBits } from "./trust.ts";

/** What was asked to be sealed, its form checked: the list, which a file of the bundle holds. */
export interface ReadComposition {
  readonly head: Pick<BatchHead, "mode" | "digestAlgorithm">;
  readonly count: number;
  readonly bytes: number;
  /** the batch digest, and SHA-256 of the file, hex */
  readonly digest: string;
  readonly fileDigest: string;
  /** of the submitter's paths; undefined: nothing was looked up */
  readonly lookedUp?: LookedUp;
  /** path of the file that holds the list */
  readonly file: string;
  /** all documents, where that file is short enough; else it is read again */
  readonly listed?: readonly ListedDocument[] | undefined;
  /** the documents in the pieces of that file */
  documents(pieces: AsyncIterable<Uint8Array>): AsyncIterable<ListedDocument>;
}

/** What a request says; whose word it is, `checkRequestSigner` says. */
export interface ReadRequest extends ReadComposition {
  readonly head: RequestHead;
  readonly envelope: RequestEnvelope;
  /** SEAL-ONCE identity with the submitter whose key has this SHA-256 (hex), hex. Call once. */
  identity(submitterKeySha256Hex: string): Promise<string>;
}

/** Path of a request below `outbox/BATCH`. */
export const requestPath = "batch.p7m";

/** Reads all of a request, and keeps what one of at most `mostKept` bytes lists. Refuses DER, CMS-*, JSON, SHAPE, DOCUMENT-*, and MEDIA-LIMIT a document over the policy's size. */
export async function readRequestFile(
  host: Host,
  pieces: AsyncIterable<Uint8Array>,
  policy: Policy | undefined,
  mostKept = 0,
): Promise<ReadRequest> {
  const file = host.hasher("sha256");
  const kept = new Kept<ListedDocument>(mostKept);
  const content = new ContentDigests(host);
  const reader = new RequestReader();
  let identity: OpenIdentity | undefined;
  const envelope = await walkRequest(pieces, {
    onPiece: (piece) => {
      file.update(piece);
      kept.measure(piece);
    },
    onContent: (bytes) => content.update(bytes),
    onDocuments: (documents) => {
      identity ??= documents.length > 0 ? openIdentity(host, reader.batch) : undefined;
      for (const document of documents) {
        if (policy) checkListedDocument(document, policy);
        identity?.add(document);
        kept.add(document);
      }
    },
    reader,
  });
  const digests = await content.end();
  return {
    head: reader.end(),
    count: reader.count,
    bytes: reader.bytes,
    digest: hex(digests.sha256),
    fileDigest: hex(await file.digest()),
    file: requestPath,
    documents: requestDocuments,
    listed: kept.all,
    identity: async (key) => hex(await (identity as OpenIdentity).end(key)),
    envelope: { ...envelope, contentDigest: async (hash) => digests[hash] },
  };
}

/** The documents of a request, as they are read. Throws what `readRequestFile` refuses. */
export async function* requestDocuments(pieces: AsyncIterable<Uint8Array>): AsyncIterable<ListedDocument> {
  const data = new LargeSignedData();
  const reader = new RequestReader();
  for await (const piece of pieces) yield* reader.push(data.push(piece));
  yield* reader.push(data.end().rest);
  reader.end();
}

/** The submitter, verified: with a policy also the path to its roots at `at`, leaf first, and what it takes; without one the signature alone. */
export async function checkRequestSigner(
  host: Host,
  oids: OwnOids,
  request: ReadRequest,
  judged: { readonly policy: Policy; readonly at: string } | undefined,
): Promise<{ readonly submitter: Certificate; readonly path: readonly Certificate[] | undefined }> {
  const { envelope, head, count, bytes } = request;
  if (judged) {
    const { policy, at } = judged;
    const { submitter, path } = await verifyRequest(host, oids, envelope, { policy, now: at });
    checkRequestAgainstPolicy(head, policy, count, bytes, at);
    return { submitter: submitter.certificate, path };
  }
  const [signer, second] = envelope.signers;
  if (!signer || second)
    throw new Refusal("CMS-SIGNERS", "a request has one signer", { got: `${envelope.signers.length}` });
  const { certificate } = await verifySigner(host, signer, { ...envelope, minimumRsaBits: leastRsaBits });
  return { submitter: certificate, path: undefined };
}

async function walkRequest(
  pieces: AsyncIterable<Uint8Array>,
  on: {
    onPiece(piece: Uint8Array): void;
    onContent(bytes: Uint8Array): void;
    onDocuments(documents: readonly ListedDocument[]): void;
    readonly reader: RequestReader;
  },
): Promise<SignedData> {
  const data = new LargeSignedData();
  const take = (bytes: Uint8Array) => {
    on.onContent(bytes);
    on.onDocuments(on.reader.push(bytes));
  };
  for await (const piece of pieces) {
    on.onPiece(piece);
    take(data.push(piece));
  }
  const end = data.end();
  take(end.rest);
  return end.data;
}

/** Which hash the signer used stands after the content, so all three run along. */
class ContentDigests {
  readonly #hashers;

  constructor(host: Host) {
    this.#hashers = { sha256: host.hasher("sha256"), sha384: host.hasher("sha384"), sha512: host.hasher("sha512") };
  }

  update(bytes: Uint8Array): void {
    for (const hasher of Object.values(this.#hashers)) hasher.update(bytes);
  }

  async end(): Promise<Readonly<Record<HashName, Uint8Array>>> {
    const { sha256, sha384, sha512 } = this.#hashers;
    return { sha256: await sha256.digest(), sha384: await sha384.digest(), sha512: await sha512.digest() };
  }
}
