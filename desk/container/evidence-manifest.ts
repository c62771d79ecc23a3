/**
 * The ASiCManifest of an evidence record (ETSI EN 319 162-1, Annex A.4; namespace and elements by its schema, en_31916201v010101.xsd): which files the
 * record is over, by their digests. One way to write it, so that a reader compares bytes and reads no XML. Pure.
 */

import type { HashName } from "../../manifests/cms/suite.ts";
import { base64, utf8 } from "../../manifests/encoding/bytes.ts";

/** A file of the container and its digest. */
export interface CoveredFile {
  readonly path: string;
  readonly digest: Uint8Array;
}

/** As XML Encryption and XML Signature (RFC 6931) name them. */
const digestMethods: Readonly<Record<HashName, string>> = {
  sha256: "http://www.w3.org/2001/04/xmlenc#sha256",
  sha384: "http://www.w3.org/2001/04/xmldsig-more#sha384",
  sha512: "http://www.w3.org/2001/04/xmlenc#sha512",
};

/** `record` is the evidence record's path; `files` are all that it is over, none beside. */
export function evidenceManifest(record: string, hash: HashName, files: readonly CoveredFile[]): Uint8Array {
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<asic:ASiCManifest xmlns:asic="http://uri.etsi.org/02918/v1.2.1#" xmlns:ds="http://www.w3.org/2000/09/xmldsig#">',
    `  <asic:SigReference URI="${uriOf(record)}"/>`,
    ...files.flatMap(({ digest, path }) => [
      `  <asic:DataObjectReference URI="${uriOf(path)}">`,
      `    <ds:DigestMethod Algorithm="${digestMethods[hash]}"/>`,
      `    <ds:DigestValue>${base64(digest)}</ds:DigestValue>`,
      "  </asic:DataObjectReference>",
    ]),
    "</asic:ASiCManifest>",
  ];
  return utf8(`${lines.join("\n")}\n`);
}

/** A relative reference (RFC 3986): each name of the path percent-encoded, which leaves nothing that XML would have to escape but the apostrophe. */
function uriOf(path: string): string {
  return path
    .split("/")
    .map((name) => encodeURIComponent(name).replaceAll("'", "%27"))
    .join("/");
}
