/** `coldseal batch create`: documents onto the stick, a signed request beside them, the slip for the operators. */

import { createHash } from "node:crypto";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { sha256 } from "../host/crypto-host.ts";
import { syncFolder, syncTree } from "../host/durable.ts";
import { makeMissingFolders } from "../host/missing-folders.ts";
import type { HashName } from "../manifests/cms/suite.ts";
import { signedAttributes, signedDataAround, signerInfo } from "../manifests/cms/write.ts";
import type { OwnOids } from "../manifests/encoding/oid.ts";
import { type Utc, utcOf } from "../manifests/encoding/shape.ts";
import { wordGroups } from "../manifests/encoding/words.ts";
import { checkBatchFolder } from "../manifests/records/names.ts";
import type { ListedDocument, Mode, RequestHead } from "../manifests/records/request.ts";
import { requestBytes } from "../manifests/records/request-stream.ts";
import { Refusal } from "../manifests/refusal.ts";
import { readCertificate } from "../manifests/x509/certificate.ts";
import { checkRoom, copyDocument, type SourceFile, sourceFiles } from "./documents.ts";
import { fileFault } from "./file-fault.ts";
import type { Slip } from "./slip.ts";
import type { SubmitterKey } from "./submitter-key.ts";

export interface BatchOrder {
  readonly documents: readonly string[];
  /** the stick's root folder; must exist */
  readonly stick: string;
  readonly batch: string;
  /** folder below `coldseal/inbox` */
  readonly folder: string;
  readonly purpose: string;
  readonly mode: Mode;
  readonly expires: Utc;
  readonly digest: HashName;
  readonly now: number;
}

export type CopyProgress = (done: { documents: number; of: number; bytes: number; ofBytes: number }) => void;

/**
 * Writes `coldseal/inbox/FOLDER/{documents/…, batch.p7m}` below the stick, the request last, all of it synced on return,
 * and gives the slip. Refuses before anything is written where the order is wrong; when it fails later, the folder it made
 * is removed again, if the stick still lets it: without a request it is no batch. Codes: MEDIA-*, DOCUMENT-*, SHAPE, USAGE.
 */
export async function createBatch(
  order: BatchOrder,
  key: SubmitterKey,
  oids: OwnOids,
  onProgress: CopyProgress = () => undefined,
): Promise<Slip> {
  const head = checkedHead(order);
  const files = await sourceFiles(order.documents);
  await checkStick(order.stick);
  await checkRoom(order.stick, files);
  const folder = await makeBatchFolder(order);
  try {
    const listed = await copyAll(files, join(folder, "documents"), order.digest, onProgress);
    const batchDigest = await writeRequest(folder, head, listed, key, oids, order.now);
    return slipOf(order, key, listed, batchDigest);
  } catch (fault) {
    await rm(folder, { recursive: true, force: true }).catch(() => undefined);
    throw fileFault(fault, "write the stick", folder);
  }
}

function checkedHead(order: BatchOrder): RequestHead {
  checkBatchFolder(order.folder);
  if (order.expires <= utcOf(order.now)) {
    throw new Refusal("BATCH-EXPIRED", "the batch would expire before it is made", { got: order.expires });
  }
  return {
    batch: order.batch,
    digestAlgorithm: order.digest,
    expires: order.expires,
    mode: order.mode,
    purpose: order.purpose,
    type: "batch-request",
    version: 1,
  };
}

async function checkStick(stick: string): Promise<void> {
  const found = await stat(stick).catch(() => undefined);
  if (!found?.isDirectory()) {
    throw new Refusal("USAGE", "expected the folder where the stick is mounted", { got: stick, about: stick });
  }
}

async function makeBatchFolder(order: BatchOrder): Promise<string> {
  const inbox = join(order.stick, "coldseal", "inbox");
  const folder = join(inbox, order.folder);
  try {
    await makeMissingFolders(inbox);
    if ((await mkdir(folder).catch(isThere)) === "there") {
      throw new Refusal("MEDIA-TAKEN", `the stick already holds a batch folder ${order.folder}`, {
        expected: "a name that is free in coldseal/inbox",
        got: order.folder,
        about: folder,
      });
    }
    await mkdir(join(folder, "documents"));
    return folder;
  } catch (fault) {
    throw fileFault(fault, "write the stick", inbox);
  }
}

function isThere(fault: NodeJS.ErrnoException): "there" {
  if (fault.code === "EEXIST") return "there";
  throw fault;
}

async function copyAll(
  files: readonly SourceFile[],
  to: string,
  hash: HashName,
  onProgress: CopyProgress,
): Promise<ListedDocument[]> {
  const ofBytes = files.reduce((sum, file) => sum + file.size, 0);
  const listed: ListedDocument[] = [];
  let bytes = 0;
  for (const file of files) {
    listed.push(await copyDocument(file, to, hash));
    bytes += file.size;
    onProgress({ documents: listed.length, of: files.length, bytes, ofBytes });
  }
  await syncTree(to);
  return listed;
}

/** Signs the request and writes `batch.p7m` under a temporary name first; gives the batch digest. */
async function writeRequest(
  folder: string,
  head: RequestHead,
  listed: readonly ListedDocument[],
  key: SubmitterKey,
  oids: OwnOids,
  now: number,
): Promise<Uint8Array> {
  const hashers = { batch: createHash("sha256"), signed: createHash(key.suite.hash) };
  let contentLength = 0;
  for (const chunk of requestBytes(head, listed)) {
    hashers.batch.update(chunk);
    hashers.signed.update(chunk);
    contentLength += chunk.length;
  }
  const attributes = signedAttributes({
    contentType: oids.request,
    messageDigest: hashers.signed.digest(),
    signingTime: utcOf(now),
    certificateDigest: sha256(key.certificate),
    suite: key.suite,
  });
  const signature = await key.sign(attributes);
  const around = signedDataAround({
    eContentType: oids.request,
    contentLength,
    certificates: [key.certificate, ...key.chain],
    signerInfos: [
      signerInfo({ certificate: key.certificate, suite: key.suite, signedAttributes: attributes, signature }),
    ],
  });
  const partial = join(folder, "batch.p7m.partial");
  const file = await open(partial, "wx", 0o644);
  try {
    await file.writeFile(around.before);
    for (const chunk of requestBytes(head, listed)) await file.writeFile(chunk);
    await file.writeFile(around.after);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(partial, join(folder, "batch.p7m"));
  await syncFolder(folder);
  return hashers.batch.digest();
}

function slipOf(
  order: BatchOrder,
  key: SubmitterKey,
  listed: readonly ListedDocument[],
  batchDigest: Uint8Array,
): Slip {
  return {
    batch: order.batch,
    folder: order.folder,
    submitter: readCertificate(key.certificate).subjectText,
    purpose: order.purpose,
    mode: order.mode,
    expires: order.expires,
    count: listed.length,
    bytes: listed.reduce((sum, document) => sum + document.size, 0),
    batchDigest: Buffer.from(batchDigest).toString("hex"),
    words: wordGroups(batchDigest),
  };
}
