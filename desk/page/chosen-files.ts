/** What a person gave the page: which of it is evidence, which are documents, and the source that the verifier reads. Nothing leaves the browser. */

import type { HashName } from "../../manifests/cms/suite.ts";
import type { Hasher } from "../../manifests/host.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { logProofName } from "../../manifests/verify/log-proofs.ts";
import type { BundleSource } from "../../manifests/verify/source.ts";

/** A file as it was chosen or dropped, with the folders that it came in. */
export interface ChosenFile {
  /** with `/` */
  readonly path: string;
  readonly size: number;
  stream(): AsyncIterable<Uint8Array>;
}

/** What is to be verified. */
export type Evidence =
  | {
      readonly kind: "bundle";
      readonly source: BundleSource;
      /** closing records of emergencies that lay beside it */
      readonly closings: readonly ChosenFile[];
    }
  | { readonly kind: "refusal"; readonly p7m: ChosenFile }
  | {
      readonly kind: "seal";
      readonly seal: ChosenFile;
      readonly document: ChosenFile;
      /** evidence records over the two, or over what is beside them, and proofs of a log */
      readonly records: readonly ChosenFile[];
      readonly beside?: BesideSeal;
    };

/** What of its batch came with one seal, in a folder of its own: known by the one line of the list. */
export interface BesideSeal {
  readonly manifest: ChosenFile;
  readonly inclusion: ChosenFile;
  readonly authorization: ChosenFile | undefined;
  /** from number 1 on */
  readonly policies: readonly ChosenFile[];
}

type HasherOf = (hash: HashName) => Hasher;

/**
 * Tells what was given. Documents are all files outside the bundle's folder but closing records (`outsideBundles` has those that may be some). Refuses USAGE: nothing that is evidence, two bundles, two
 * documents of one name, a seal without its document.
 */
export function evidenceIn(
  files: readonly ChosenFile[],
  hasher: HasherOf,
  closings: readonly ChosenFile[] = [],
): Evidence {
  const bundle = onlyOne(files, "manifest.p7m");
  if (bundle) {
    const root = folderOf(bundle.path);
    const beside = besideSeal(files, root, bundle);
    if (beside) return sealIn(files, beside);
    const inside = files.filter(({ path }) => path.startsWith(root));
    const outside = files.filter((file) => !inside.includes(file) && !closings.includes(file));
    return {
      kind: "bundle",
      closings,
      source: sourceOf(new Map(inside.map((file) => [file.path.slice(root.length), file])), byName(outside), hasher),
    };
  }
  const p7m = onlyOne(files, "refusal.p7m");
  if (p7m) return { kind: "refusal", p7m };
  return sealIn(files);
}

/** Files of CMS beside the folders of bundles. */
export function outsideBundles(files: readonly ChosenFile[]): readonly ChosenFile[] {
  const roots = files.flatMap(({ path }) => (/(?:^|\/)manifest\.p7m$/.test(path) ? [folderOf(path)] : []));
  return files.filter(({ path }) => path.endsWith(".p7m") && !roots.some((root) => path.startsWith(root)));
}

/** Where inclusion.json lies beside the manifest, which no bundle has. */
function besideSeal(files: readonly ChosenFile[], root: string, manifest: ChosenFile): BesideSeal | undefined {
  const at = (path: string) => files.find((file) => file.path === `${root}${path}`);
  const inclusion = at("inclusion.json");
  const policies = files
    .filter(({ path }) => path.startsWith(root) && /^policy\/\d{4}\.p7m$/.test(path.slice(root.length)))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  return inclusion && { manifest, inclusion, authorization: at("authorization.p7m"), policies };
}

function sealIn(files: readonly ChosenFile[], beside?: BesideSeal): Evidence {
  const known = beside ? [beside.manifest, beside.inclusion, beside.authorization, ...beside.policies] : [];
  const seals = files.filter(({ path }) => path.endsWith(".p7s"));
  const others = files.filter((file) => !seals.includes(file) && !known.includes(file));
  // Alone beside a seal it is the document, whatever its name.
  const records = others.length === 1 ? [] : others.filter(({ path }) => isRecord(path));
  const documents = others.filter((file) => !records.includes(file));
  const [seal, document] = [seals[0], documents[0]];
  if (seal && document && seals.length === 1 && documents.length === 1)
    return { kind: "seal", seal, document, records, ...(beside ? { beside } : {}) };
  throw new Refusal("USAGE", "this is neither a bundle nor one seal with its document", {
    expected: "the folder of a batch (with manifest.p7m), or one .p7s file and the document that it belongs to",
    got: files.length === 0 ? "nothing" : `${seals.length} seals and ${documents.length} other files`,
  });
}

/** By its name: whatever else is a document. */
function isRecord(path: string): boolean {
  return path.endsWith(".ers") || logProofName.test(path.slice(path.lastIndexOf("/") + 1));
}

/** The one file of this name; the outermost where a folder holds others of that name below. */
function onlyOne(files: readonly ChosenFile[], name: string): ChosenFile | undefined {
  const found = files
    .filter(({ path }) => path === name || path.endsWith(`/${name}`))
    .sort((a, b) => depth(a) - depth(b));
  const [first, second] = found;
  if (first && second && depth(first) === depth(second)) {
    throw new Refusal("USAGE", "there are two batches: verify one after the other", {
      expected: `one ${name}`,
      got: `${first.path}, ${second.path}`,
    });
  }
  return first;
}

function byName(files: readonly ChosenFile[]): ReadonlyMap<string, ChosenFile> {
  const named = new Map<string, ChosenFile>();
  for (const file of files) {
    const name = file.path.slice(file.path.lastIndexOf("/") + 1);
    const other = named.get(name);
    if (other) {
      throw new Refusal("USAGE", "two documents have one name", {
        expected: "each once",
        got: `${other.path}, ${file.path}`,
        about: name,
      });
    }
    named.set(name, file);
  }
  return named;
}

function sourceOf(
  files: ReadonlyMap<string, ChosenFile>,
  documents: ReadonlyMap<string, ChosenFile>,
  hasher: HasherOf,
): BundleSource {
  const at = (path: string): ChosenFile => {
    const file = files.get(path);
    if (!file) throw new Error(`no file ${path}`);
    return file;
  };
  return {
    read: async (path, limit) => wholeOf(at(path), limit),
    stream: (path) => at(path).stream(),
    list: async (folder) => [...new Set([...files.keys()].flatMap((path) => stepBelow(path, folder)))],
    documentDigest: async (name, hash, size) => {
      const file = documents.get(name);
      if (file && size !== undefined && file.size !== size) return { digest: new Uint8Array(0), size: file.size };
      return file && { digest: await digestFile(file, hasher(hash)), size: file.size };
    },
  };
}

/** Throws for a file longer than `limit` bytes. */
export async function wholeOf(file: ChosenFile, limit: number): Promise<Uint8Array> {
  if (file.size > limit) throw new Error(`longer than ${limit} bytes`);
  const bytes = new Uint8Array(file.size);
  let at = 0;
  for await (const piece of file.stream()) {
    if (at + piece.length > bytes.length) throw new Error("the file grew");
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes.subarray(0, at);
}

export async function digestFile(file: ChosenFile, hasher: Hasher): Promise<Uint8Array> {
  for await (const piece of file.stream()) hasher.update(piece);
  return hasher.digest();
}

/** The first name of `path` below `folder`, where it lies there. */
function stepBelow(path: string, folder: string): readonly string[] {
  const start = folder === "" ? "" : `${folder}/`;
  if (!path.startsWith(start)) return [];
  const [first = ""] = path.slice(start.length).split("/");
  return first === "" ? [] : [first];
}

function depth({ path }: ChosenFile): number {
  return path.split("/").length;
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/") + 1);
}
