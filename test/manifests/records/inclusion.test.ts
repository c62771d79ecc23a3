import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { nodeHost } from "../../../host/crypto-host.ts";
import { hex } from "../../../manifests/encoding/bytes.ts";
import { canonicalBytes, type Json } from "../../../manifests/encoding/canonical-json.ts";
import { HashRow } from "../../../manifests/encoding/hash-row.ts";
import { listLeaf, type SealedDocument } from "../../../manifests/records/documents-list.ts";
import {
  type Inclusion,
  includedRoot,
  inclusionBytes,
  inclusionPaths,
  readInclusion,
} from "../../../manifests/records/inclusion.ts";
import { leafHash, MerkleRoot } from "../../../manifests/records/merkle.ts";
import { sealPath } from "../../../manifests/records/names.ts";
import { Refusal } from "../../../manifests/refusal.ts";

const digestOf = (index: number) => index.toString(16).padStart(64, "0");
const line = (index: number): SealedDocument => ({
  digest: digestOf(index),
  index,
  name: `contract ${index}.pdf`,
  seal: sealPath(index, `contract ${index}.pdf`),
  sealDigest: digestOf(index + 1000),
  size: index,
});

const most = 70;
let leaves: Uint8Array[];
beforeAll(async () => {
  leaves = await Promise.all(Array.from({ length: most }, (_, at) => leafHash(nodeHost, listLeaf(line(at + 1)))));
});

function rowOf(hashes: readonly Uint8Array[]): HashRow {
  const row = new HashRow(32);
  for (const one of hashes) row.push(one);
  return row;
}

async function rootOf(size: number): Promise<string> {
  const tree = new MerkleRoot(nodeHost);
  for (const leaf of leaves.slice(0, size)) await tree.add(leaf);
  return hex(await tree.root());
}

async function inclusion(index: number, size: number): Promise<Inclusion> {
  const pathOf = await inclusionPaths(nodeHost, rowOf(leaves.slice(0, size)));
  return { inclusionPath: pathOf(index), leaf: line(index), treeSize: size };
}

const leadsTo = async (one: Inclusion) => {
  try {
    return hex(await includedRoot(nodeHost, readInclusion(inclusionBytes(one))));
  } catch (fault) {
    if (fault instanceof Refusal) return fault.code;
    throw fault;
  }
};

/** The path of leaf d3 in the tree of seven leaves that RFC 9162 2.1.5 draws: [c, g, l] in its letters. */
async function drawnPath(): Promise<readonly string[]> {
  const { nodeHash } = await import("../../../manifests/records/merkle.ts");
  const [a, b, c, , e, f, j] = leaves as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  const g = await nodeHash(nodeHost, a, b);
  const i = await nodeHash(nodeHost, e, f);
  return [c, g, await nodeHash(nodeHost, i, j)].map(hex);
}

describe("an inclusion path", () => {
  it("MANIFEST-BIND: is the one that RFC 9162 2.1.5 draws", async () => {
    expect((await inclusion(4, 7)).inclusionPath).toEqual(await drawnPath());
  });

  it("MANIFEST-BIND: leads from every line of a list of any length to its root, and to no other list's", async () => {
    for (let size = 1; size <= 20; size++) {
      const root = await rootOf(size);
      for (let index = 1; index <= size; index++) expect(await leadsTo(await inclusion(index, size))).toBe(root);
    }
    expect(await leadsTo(await inclusion(69, most))).toBe(await rootOf(most));
  });

  it("MANIFEST-BIND: another line, place, length, sibling or order of siblings leads elsewhere or nowhere", async () => {
    const at = fc
      .integer({ min: 2, max: most })
      .chain((size) => fc.tuple(fc.constant(size), fc.integer({ min: 1, max: size })));
    await fc.assert(
      fc.asyncProperty(at, fc.nat(), async ([size, index], where) => {
        const right = await inclusion(index, size);
        const root = await rootOf(size);
        const path = right.inclusionPath;
        const swapped = path.with(where % path.length, path[(where + 1) % path.length] as string);
        const wrong: Inclusion[] = [
          { ...right, leaf: { ...right.leaf, size: 5000 } },
          { ...right, leaf: line((index % size) + 1) },
          { ...right, inclusionPath: path.slice(1) },
          { ...right, inclusionPath: [...path, digestOf(1)] },
          { ...right, inclusionPath: path.with(where % path.length, digestOf(7)) },
          ...(path.length > 1 ? [{ ...right, inclusionPath: swapped }] : []),
        ];
        for (const one of wrong) expect(await leadsTo(one)).not.toBe(root);
      }),
    );
  });
});

describe("inclusion.json", () => {
  it.each<[string, (one: Inclusion) => Json, string]>([
    ["a line behind the end", (one) => ({ ...one, treeSize: 2 }), "SHAPE"],
    ["a list of nothing", (one) => ({ ...one, treeSize: 0 }), "SHAPE"],
    [
      "a path that is too long for any list",
      (one) => ({ ...one, inclusionPath: Array(54).fill(digestOf(1)) }),
      "SHAPE",
    ],
    ["a sibling that is no SHA-256", (one) => ({ ...one, inclusionPath: ["00"] }), "SHAPE"],
    ["another path of the seal", (one) => ({ ...one, leaf: { ...one.leaf, seal: "seals/x" } }), "SHAPE"],
    ["a name that no document may have", (one) => ({ ...one, leaf: { ...one.leaf, name: "../x" } }), "DOCUMENT-NAME"],
    ["a member more", (one) => ({ ...one, note: "" }), "SHAPE"],
  ])("SHAPE: %s is refused", async (_, change, code) => {
    const bytes = canonicalBytes(change(await inclusion(3, 5)) as Json);
    expect(() => readInclusion(bytes)).toThrow(expect.objectContaining({ code }));
  });

  it("JSON: what is not canonical is refused", async () => {
    const text = JSON.stringify(await inclusion(3, 5), null, 1);
    expect(() => readInclusion(new TextEncoder().encode(text))).toThrow(expect.objectContaining({ code: "JSON" }));
  });
});
