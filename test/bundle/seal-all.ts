/** The seals of a bundle that is built, and the list that names them. */

import { nodeHost, sha256 } from "../../host/crypto-host.ts";
import { concat, hex } from "../../manifests/encoding/bytes.ts";
import { listLine, type SealedDocument } from "../../manifests/records/documents-list.ts";
import { leafHash, MerkleRoot } from "../../manifests/records/merkle.ts";
import { sealPath } from "../../manifests/records/names.ts";
import type { ListedDocument } from "../../manifests/records/request.ts";
import type { Bundle, BundleChanges } from "./build.ts";
import { sealing } from "./people.ts";
import { makeSeal, sealFacts } from "./signed.ts";

export interface Sealed {
  readonly count: number;
  readonly digest: string;
  readonly root: string;
}

/** Writes seals (none when aborted) and documents.jsonl. */
export async function sealAll(
  { files, documents }: Pick<Bundle, "files" | "documents">,
  listed: readonly ListedDocument[],
  { sealer, abortedAfter, seal, sealMode, lines: changed = same }: BundleChanges,
): Promise<Sealed> {
  const tree = new MerkleRoot(nodeHost);
  const lines: Uint8Array[] = [];
  for (const [at, { name, digest, size }] of listed.entries()) {
    const index = at + 1;
    const by = sealer ?? sealing;
    const facts = sealFacts({
      documentDigest: Uint8Array.fromHex(digest),
      certificateDigest: sha256(by.certificate),
      suite: by.suite,
      index,
      ...(sealMode ? { mode: sealMode } : {}),
    });
    const changedSeal = await seal?.(facts, by, documents.get(name) ?? new Uint8Array(0));
    const { file, info } = changedSeal ?? (await makeSeal(facts, by));
    const entry: SealedDocument = {
      digest,
      index,
      name,
      seal: sealPath(index, name),
      sealDigest: hex(sha256(info)),
      size,
    };
    if (abortedAfter === undefined) files.set(entry.seal, file);
    lines.push(listLine(entry));
  }
  const written = changed(lines);
  for (const line of written) await tree.add(await leafHash(nodeHost, line.subarray(0, -1)));
  const list = concat(written);
  files.set("documents.jsonl", list);
  return { count: written.length, digest: hex(sha256(list)), root: hex(await tree.root()) };
}

function same<T>(value: T): T {
  return value;
}
