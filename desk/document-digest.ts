/** The digest of a document that a person names by its file, read in pieces. */

import { basename, dirname } from "node:path";
import { bundleFolder } from "../host/bundle-folder.ts";
import type { HashName } from "../manifests/cms/suite.ts";

/** Refuses DOCUMENT-MISSING where no file is there, and what names no document. */
export async function documentDigestAt(path: string, hash: HashName): Promise<Uint8Array | undefined> {
  const source = bundleFolder(dirname(path), { documents: dirname(path) });
  const found = await source.documentDigest(basename(path), hash).finally(() => source.close());
  return found?.digest;
}
