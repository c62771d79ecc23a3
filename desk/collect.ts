/** `coldseal collect STICK`: what the box answered to each batch of a stick, copied to the desk, and what is missing. */

import { closeSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "../host/durable.ts";
import { namesIn, openFolderBelow, openRoot } from "../host/no-follow.ts";
import { readSignedData } from "../manifests/cms/read.ts";
import { readManifest } from "../manifests/records/manifest.ts";
import { isBatchFolder, shown } from "../manifests/records/names.ts";
import { readRefusalFile } from "../manifests/records/refusal-record.ts";
import { Refusal, type RefusalRecord } from "../manifests/refusal.ts";
import { smallFile } from "../manifests/verify/source.ts";
import { readBounded } from "./bounded-file.ts";
import { type Copied, copyAnswer } from "./copy-answer.ts";
import { fileFault } from "./file-fault.ts";

/** What stands in an answer, read and not yet verified. */
export type Answer =
  | {
      readonly kind: "sealed" | "aborted";
      readonly number: number;
      readonly count: number;
      readonly seals: number;
      /** of plain envelopes: how many contents came with the seals */
      readonly contents?: number;
    }
  | { readonly kind: "refused" | "rejected"; readonly code: string; readonly message: string }
  /** it cannot be copied or read */
  | { readonly kind: "odd"; readonly refusal: RefusalRecord }
  | { readonly kind: "none" };

export interface Collected {
  readonly folder: string;
  readonly answer: Answer;
  /** where the copy is; undefined when there is none */
  readonly path: string | undefined;
  readonly copied: Copied | undefined;
  /** what is missing, in words; undefined when nothing is */
  readonly missing: string | undefined;
}

/**
 * Copies every `coldseal/outbox/FOLDER` of a stick to `to/FOLDER` (durable on return) and tells the answer to each batch
 * of its inbox and outbox; one that cannot be copied or read is told as such, and the others are copied. The stick is not changed. Refuses with USAGE where it is no stick
 * of Coldseal's or `to` cannot be a folder, and MEDIA-* of the stick itself.
 */
export async function collect(stick: string, to: string): Promise<Collected[]> {
  const root = openRoot(stick);
  try {
    const inbox = foldersOf(root, "inbox");
    const outbox = foldersOf(root, "outbox");
    if (inbox.length + outbox.length === 0) {
      const expected = "a folder coldseal with batches in inbox or outbox";
      throw new Refusal("USAGE", `nothing to collect at ${shown(stick)}`, { expected, got: "none" });
    }
    await makeFolder(to, 0o755).catch((fault) => {
      throw fileFault(fault, "write a file", to);
    });
    const answers: Collected[] = [];
    for (const folder of [...new Set([...inbox, ...outbox])].sort()) {
      answers.push(outbox.includes(folder) ? await collectOne(root, folder, to) : unanswered(folder));
    }
    return answers;
  } finally {
    closeSync(root);
  }
}

function foldersOf(root: number, box: "inbox" | "outbox"): string[] {
  const at = openFolderBelow(root, ["coldseal", box]);
  if (at === undefined) return [];
  try {
    return [...namesIn(at)].filter((name) => isBatchFolder(name) && !name.startsWith("."));
  } finally {
    closeSync(at);
  }
}

function unanswered(folder: string): Collected {
  return {
    folder,
    answer: { kind: "none" },
    path: undefined,
    copied: undefined,
    missing: "no answer on this stick yet",
  };
}

async function collectOne(root: number, folder: string, to: string): Promise<Collected> {
  const source = openFolderBelow(root, ["coldseal", "outbox", folder]);
  if (source === undefined)
    throw new Refusal("MEDIA-CHANGED", "the stick changed while it was read", { about: folder });
  const path = join(to, folder);
  let copied: Copied | undefined;
  try {
    copied = await copyAnswer(source, path);
    const answer = await readAnswer(path);
    return { folder, answer, path, copied, missing: missingIn(answer) };
  } catch (fault) {
    if (!(fault instanceof Refusal)) throw fault;
    const answer: Answer = { kind: "odd", refusal: fault.toRecord() };
    return { folder, answer, path: copied && path, copied, missing: missingIn(answer) };
  } finally {
    closeSync(source);
  }
}

async function readAnswer(path: string): Promise<Answer> {
  const manifest = await contentOf(join(path, "manifest.p7m"));
  if (manifest) {
    const { number, outcome, documents, request } = readManifest(manifest);
    const seals = await countFiles(join(path, "seals"), (name) => name.endsWith(".p7s"));
    const sealed = { kind: outcome, number, count: documents.count, seals };
    if (request.kind !== "plain-envelopes") return sealed;
    return { ...sealed, contents: await countFiles(join(path, "documents"), (name) => /^\d{4}\/./.test(name)) };
  }
  const refusal = (await contentOf(join(path, "refusal.p7m"))) ?? (await plain(join(path, "refusal.json")));
  if (!refusal) return { kind: "none" };
  const { code, message } = readRefusalFile(refusal).reported;
  const rejected = (await stat(join(path, "rejection.p7m")).catch(() => undefined)) !== undefined;
  return { kind: rejected ? "rejected" : "refused", code, message };
}

async function contentOf(path: string): Promise<Uint8Array | undefined> {
  const bytes = await plain(path);
  return bytes ? readSignedData(bytes).content : undefined;
}

async function plain(path: string): Promise<Uint8Array | undefined> {
  return (await stat(path).catch(() => undefined)) ? readBounded(path, smallFile) : undefined;
}

async function countFiles(folder: string, isOne: (name: string) => boolean): Promise<number> {
  const entries = await readdir(folder, { recursive: true }).catch(() => []);
  return entries.filter(isOne).length;
}

function missingIn(answer: Answer): string | undefined {
  switch (answer.kind) {
    case "sealed":
      return answer.seals === answer.count ? undefined : `${answer.count - answer.seals} of ${answer.count} seals`;
    case "aborted":
      return "all seals: the batch was aborted";
    case "refused":
    case "rejected":
      return `all seals: the batch was ${answer.kind}`;
    case "odd":
      return "the answer, as it cannot be read";
    case "none":
      return "the answer: the folder holds neither manifest nor refusal";
  }
}
