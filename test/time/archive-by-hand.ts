/**
 * What an archive time-stamp should be over (ETSI EN 319 122-1 5.5.2, 5.5.3), computed by hand: `openssl asn1parse` says where everything stands, `node:crypto` hashes it.
 * Nothing of `manifests/` is used, so that a mistake there is not made here again.
 */

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";

interface Node {
  readonly start: number;
  readonly contentStart: number;
  readonly end: number;
  readonly text: string;
  readonly children: Node[];
}

/** What one archive time-stamp says, and what it should say; hashes in hex. */
export interface ArchiveByHand {
  readonly hash: string;
  /** the digest in the token, and the one that it should be */
  readonly imprint: string;
  readonly expected: string;
  /** entries of the three lists of its index */
  readonly index: readonly (readonly string[])[];
  /** hashes of all that stands in the seal, by the same hash: certificates, CRLs and OCSP responses, values of unsigned attributes */
  readonly there: readonly (readonly string[])[];
}

const shaNames = new Map([
  ["sha256", "sha256"],
  ["sha384", "sha384"],
  ["sha512", "sha512"],
]);

/** All archive time-stamps of a detached signature of one signer, in the order in which they stand. */
export function archivesByHand(file: Uint8Array, document: Uint8Array): readonly ArchiveByHand[] {
  const bytes = (one: Node) => file.subarray(one.start, one.end);
  const signedData = at(parse(file), 1, 0);
  const parts = signedData.children;
  const certificates = parts.slice(3).find(({ text }) => text.includes("cont [ 0 ]"))?.children ?? [];
  const crls = parts.slice(3).find(({ text }) => text.includes("cont [ 1 ]"))?.children ?? [];
  const fields = at(parts.at(-1) as Node, 0).children;
  const attributes = fields[6]?.children ?? [];
  const values = attributes.flatMap((one) =>
    at(one, 1).children.map((value) => ({ type: at(one, 0), value, name: nameIn(at(one, 0)) })),
  );
  const contentType = bytes(at(parts[2] as Node, 0));
  return values
    .filter(({ name }) => name === "0.4.0.1733.2.4")
    .map(({ value: token }) => {
      const tokenData = at(token, 1, 0);
      const tokenSigner = at(tokenData.children.at(-1) as Node, 0);
      const unsigned = tokenSigner.children[6]?.children ?? [];
      const index = unsigned.find((one) => nameIn(at(one, 0)) === "0.4.0.19122.1.5");
      if (!index) throw new Error("no hash index");
      const value = at(index, 1, 0);
      const hash = shaNames.get(nameIn(at(value, 0, 0))) ?? "unknown";
      const digest = (...all: readonly Uint8Array[]) => {
        const made = createHash(hash);
        for (const one of all) made.update(one);
        return made.digest("hex");
      };
      const info = at(tokenData.children[2] as Node, 1, 0);
      const tst = file.subarray(info.contentStart, info.end);
      const imprint = at(parse(tst), 2, 1);
      const overDocument = createHash(hash).update(document).digest();
      return {
        hash,
        imprint: Buffer.from(tst.subarray(imprint.contentStart, imprint.end)).toString("hex"),
        expected: digest(contentType, overDocument, ...fields.slice(0, 6).map(bytes), bytes(value)),
        index: value.children
          .slice(1)
          .map((list) =>
            list.children.map((one) => Buffer.from(file.subarray(one.contentStart, one.end)).toString("hex")),
          ),
        there: [
          certificates.map((one) => digest(bytes(one))),
          crls.map((one) => digest(bytes(one))),
          values.map((one) => digest(bytes(one.type), bytes(one.value))),
        ],
      };
    });
}

/** The tree that asn1parse prints line by line: offset, depth, lengths of header and content. */
function parse(der: Uint8Array): Node {
  const lines = execFileSync("openssl", ["asn1parse", "-inform", "DER"], { input: der, encoding: "utf8" }).split("\n");
  const open: Node[] = [];
  let top: Node | undefined;
  for (const line of lines) {
    const [, offset, depth, header, length] = /^ *(\d+):d=(\d+) +hl=(\d+) +l= *(\d+) /.exec(line) ?? [];
    if (offset === undefined) continue;
    const start = Number(offset);
    const contentStart = start + Number(header);
    const node = { start, contentStart, end: contentStart + Number(length), text: line, children: [] };
    open.length = Number(depth);
    open.at(-1)?.children.push(node);
    open.push(node);
    top ??= node;
  }
  if (!top) throw new Error("nothing to parse");
  return top;
}

function at(node: Node, ...path: readonly number[]): Node {
  return path.reduce((one, place) => {
    const child = one.children[place];
    if (!child) throw new Error(`no part ${place} of ${one.text}`);
    return child;
  }, node);
}

function nameIn({ text }: Node): string {
  return /OBJECT +:(\S+)/.exec(text)?.[1] ?? "";
}
