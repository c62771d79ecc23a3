/** A bundle in memory as the verifier's port. */

import { digestOf } from "../../host/crypto-host.ts";
import type { BundleSource } from "../../manifests/verify/source.ts";
import type { Bundle } from "./build.ts";

/** Streams come in pieces of `piece` bytes. Documents are presented unless `documents` is left out. */
export function memorySource(
  bundle: Pick<Bundle, "files"> & Partial<Pick<Bundle, "documents">>,
  piece = 1000,
): BundleSource {
  const fileAt = (path: string): Uint8Array => {
    const bytes = bundle.files.get(path);
    if (!bytes) throw new Error(`no ${path}`);
    return bytes;
  };
  return {
    read: async (path) => fileAt(path),
    stream: async function* (path) {
      const bytes = fileAt(path);
      for (let at = 0; at < bytes.length; at += piece) yield bytes.subarray(at, at + piece);
    },
    list: async (folder) => namesIn([...bundle.files.keys()], folder),
    documentDigest: async (name, hash) => {
      const bytes = bundle.documents?.get(name);
      return bytes && { digest: digestOf(hash, bytes), size: bytes.length };
    },
  };
}

function namesIn(paths: readonly string[], folder: string): readonly string[] {
  const prefix = folder === "" ? "" : `${folder}/`;
  const below = paths.filter((path) => path.startsWith(prefix)).map((path) => path.slice(prefix.length));
  return [...new Set(below.map((path) => path.split("/")[0] as string))];
}
