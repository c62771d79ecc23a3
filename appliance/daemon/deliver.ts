/** CHECKED-OUT: an answer goes to a stick, is read back, verified as anyone would, and only then counts as given. */

import { join } from "node:path";
import { bundleFolder } from "../../host/bundle-folder.ts";
import { nodeHost } from "../../host/crypto-host.ts";
import type { FilePart } from "../../manifests/encoding/file-stream.ts";
import { Refusal, type RefusalRecord } from "../../manifests/refusal.ts";
import { verifyBundle } from "../../manifests/verify/bundle.ts";
import { answerFolder } from "./answer-folder.ts";
import type { Answer, BatchState } from "./batch-state.ts";
import { type Contents, withContents } from "./deliver-contents.ts";
import type { Parts } from "./parts.ts";
import { plainMessage } from "./plain-message.ts";
import { digestOf, reportedOf } from "./signer-steps.ts";

export interface Delivered {
  readonly path: string;
  readonly files: number;
  readonly bytes: number;
  readonly device: string;
  /** contents of plain envelopes that the box does not have any more */
  readonly missing?: number;
}

/** Refusals as the signer made them, by batch: journalled and signed once, however often the stick fails. */
export type MadeRefusals = Map<string, { readonly signed: boolean; readonly bytes: Uint8Array }>;

/** Writes an answer to the stick at `root`. Refuses with MEDIA-*, CHECKED-OUT, UNREACHABLE, STOPPED. */
export async function deliver(
  parts: Parts,
  state: BatchState,
  answer: Answer,
  root: string,
  made: MadeRefusals,
): Promise<Delivered> {
  const contents: Contents = { missing: 0 };
  const written = await parts.media.writeAnswer({
    root,
    folder: answerFolder(state.folder),
    files: counted(parts, state, await filesOf(parts, state, { answer, made, root, contents })),
    replace: parts.media.isRefusalFolder,
    signal: parts.stop,
    ...(answer.kind === "receipt" ? { needs: receiptNeeds(state) } : {}),
  });
  if (answer.kind === "receipt") await verifyWritten(parts, join(root, written.path));
  return contents.missing === 0 ? written : { ...written, missing: contents.missing };
}

async function filesOf(
  parts: Parts,
  state: BatchState,
  {
    answer,
    made,
    root,
    contents,
  }: { readonly answer: Answer; readonly made: MadeRefusals; readonly root: string; readonly contents: Contents },
): Promise<AsyncIterable<FilePart>> {
  switch (answer.kind) {
    case "receipt":
      return withContents(parts, state, { answer, root, contents });
    case "refusal":
      return refusalFile(parts, state, answer.refusal, made);
    case "ending": {
      const code = answer.as === "rejected" ? "REJECTED" : "ABORTED";
      const refusal = { code, message: `the batch was ${answer.as} by an operator; nothing was sealed` } as const;
      return joined(parts.signer.rejection(digestOf(state)), refusalFile(parts, state, refusal, made));
    }
  }
}

async function* refusalFile(
  parts: Parts,
  state: BatchState,
  refusal: RefusalRecord,
  made: MadeRefusals,
): AsyncIterable<FilePart> {
  const { signer } = parts;
  const record = { code: refusal.code, message: plainMessage(refusal) };
  const { signed, bytes } =
    made.get(state.id) ??
    (await signer.refuse(state.folder, state.digest, record, reportedOf(parts, state)).catch((fault: unknown) => {
      // A batch with a manifest came again and was not taken: this refuses the folder, not that batch.
      if (!(fault instanceof Refusal && fault.code === "BATCH-STATE")) throw fault;
      return signer.refuse(state.folder, null, record, reportedOf(parts, state));
    }));
  made.set(state.id, { signed, bytes });
  yield { path: signed ? "refusal.p7m" : "refusal.json", size: bytes.length };
  yield { bytes };
}

async function* joined(...streams: readonly AsyncIterable<FilePart>[]): AsyncIterable<FilePart> {
  for (const stream of streams) yield* stream;
}

/** Tells how far the writing is, as the files go by. */
async function* counted({ book }: Parts, state: BatchState, files: AsyncIterable<FilePart>): AsyncIterable<FilePart> {
  const of = state.about?.count ?? 0;
  let documents = 0;
  let bytes = 0;
  try {
    for await (const part of files) {
      yield part;
      if ("bytes" in part) bytes += part.bytes.length;
      else if (part.path.startsWith("seals/"))
        book.setWork(state.id, { documents: documents++, of, bytes, ofBytes: 0 });
    }
  } finally {
    book.setWork(state.id, undefined);
  }
}

/** A seal is about 4 KiB; more than that shows when it is written. */
function receiptNeeds({ about }: BatchState): { readonly files: number; readonly bytes: number } {
  const count = about?.count ?? 0;
  if (about?.kind === "plain-envelopes") return { files: 3 * count + 16, bytes: about.bytes + count * 8192 + 65_536 };
  return { files: count + 16, bytes: count * 4096 + 65_536 };
}

async function verifyWritten({ book, policies, settings, verifiers }: Parts, folder: string): Promise<void> {
  const digest = book.box?.policy.digest;
  if (digest === undefined) throw new Refusal("UNREACHABLE", "the signer does not answer");
  const { genesis } = await policies.inForce(digest);
  const source = bundleFolder(folder);
  const crew = verifiers.of({ folder }, source);
  const trust = { roots: settings.roots, genesis };
  const { ok, findings } = await verifyBundle(nodeHost, source, trust, crew.open).finally(() => crew.done());
  if (ok) return;
  const [first] = findings;
  throw new Refusal("CHECKED-OUT", `what was written does not verify: ${first?.file}: ${first?.message}`, {
    got: `${findings.length} findings, the first ${first?.code}`,
    about: first?.file ?? folder,
  });
}
