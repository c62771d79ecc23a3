import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nodeHost } from "../../../host/crypto-host.ts";
import { hex, utf8 } from "../../../manifests/encoding/bytes.ts";
import { checkConsistency, checkInclusion, emptyRoot } from "../../../manifests/log/tree-proof.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { logVectors } from "./log-vectors.ts";
import { consistencyPath, inclusionPath, leafOf, mth } from "./reference-tree.ts";

const most = 40;
const leaves = Array.from({ length: most }, (_, at) => utf8(`leaf ${at}`));
const tree = (size: number) => leaves.slice(0, size);
const head = (size: number) => ({ size, root: mth(tree(size)) });

const codeOf = async (work: Promise<void>): Promise<string> => {
  try {
    await work;
    return "holds";
  } catch (fault) {
    if (fault instanceof Refusal) return fault.code;
    throw fault;
  }
};

const included = (index: number, size: number, change: Partial<Parameters<typeof checkInclusion>[1]> = {}) =>
  codeOf(
    checkInclusion(nodeHost, {
      ...head(size),
      leafHash: leafOf(leaves[index] as Uint8Array),
      index,
      path: inclusionPath(index, tree(size)),
      ...change,
    }),
  );
const grown = (from: number, to: number, change: Partial<Parameters<typeof checkConsistency>[1]> = {}) =>
  codeOf(
    checkConsistency(nodeHost, {
      from: head(from),
      to: head(to),
      path: consistencyPath(from, tree(to)),
      ...change,
    }),
  );

const flipped = (hash: Uint8Array): Uint8Array => hash.map((byte, at) => (at === 0 ? byte ^ 1 : byte));

describe("the trees of Certificate Transparency's reference implementation", () => {
  const { leaves: inputs, roots } = logVectors("reference-trees.json") as Record<"leaves" | "roots", readonly string[]>;
  const reference = inputs.map((input) => Uint8Array.fromHex(input));

  it("LOG-PROOF: every leaf of every size, and every growth, leads to their roots", async () => {
    expect(hex(emptyRoot)).toBe(roots[0]);
    for (let size = 1; size <= reference.length; size++) {
      const d = reference.slice(0, size);
      const to = { size, root: Uint8Array.fromHex(roots[size] as string) };
      expect(mth(d)).toEqual(to.root);
      for (let index = 0; index < size; index++) {
        const leafHash = leafOf(d[index] as Uint8Array);
        await checkInclusion(nodeHost, { ...to, leafHash, index, path: inclusionPath(index, d) });
      }
      for (let first = 0; first <= size; first++) {
        const from = { size: first, root: Uint8Array.fromHex(roots[first] as string) };
        await checkConsistency(nodeHost, { from, to, path: consistencyPath(first, d) });
      }
    }
  });
});

describe("an inclusion proof", () => {
  it("LOG-PROOF: holds for every leaf of every size", async () => {
    for (let size = 1; size <= most; size++) {
      for (let index = 0; index < size; index++)
        expect(await included(index, size), `${index} of ${size}`).toBe("holds");
    }
  });

  it("LOG-PROOF: does not hold for another leaf, index, size, root or path", async () => {
    const index = fc.integer({ min: 1, max: most }).chain((size) => fc.tuple(fc.nat(size - 1), fc.constant(size)));
    await fc.assert(
      fc.asyncProperty(index, async ([at, size]) => {
        const path = inclusionPath(at, tree(size));
        expect(await included(at, size, { leafHash: flipped(leafOf(leaves[at] as Uint8Array)) })).toBe("LOG-PROOF");
        expect(await included(at, size, { root: flipped(head(size).root) })).toBe("LOG-PROOF");
        expect(await included(at, size, { path: [...path, emptyRoot] })).toBe("LOG-PROOF");
        if (path.length > 0) {
          expect(await included(at, size, { path: path.slice(1) })).toBe("LOG-PROOF");
          expect(await included(at, size, { path: path.slice(0, -1) })).toBe("LOG-PROOF");
          expect(await included(at, size, { path: path.map(flipped) })).toBe("LOG-PROOF");
        }
        for (let other = 0; other < size; other++) {
          if (other !== at) expect(await included(at, size, { index: other })).toBe("LOG-PROOF");
        }
      }),
    );
  });

  it("LOG-PROOF: is refused for an index behind the end, sizes that are no counts and hashes that are none", async () => {
    expect(await included(3, 7, { index: 7 })).toBe("LOG-PROOF");
    expect(await included(3, 7, { index: -1 })).toBe("LOG-PROOF");
    expect(await included(0, 1, { size: 0 })).toBe("LOG-PROOF");
    expect(await included(3, 7, { index: 2.5 })).toBe("LOG-PROOF");
    expect(await included(3, 7, { size: 2 ** 60 })).toBe("LOG-PROOF");
    expect(await included(3, 7, { leafHash: new Uint8Array(31) })).toBe("LOG-PROOF");
    expect(await included(3, 7, { path: [new Uint8Array(0)] })).toBe("LOG-PROOF");
  });

  it("LOG-PROOF: counts right beyond 32 bits", async () => {
    // The last leaf of 2^40 + 1: left over on each level until the root, so that its path is the one hash of all others.
    const leafHash = leafOf(leaves[0] as Uint8Array);
    const root = new Uint8Array(await nodeHost.digest("sha256", Uint8Array.of(1, ...emptyRoot, ...leafHash)));
    const claim = { size: 2 ** 40 + 1, index: 2 ** 40, leafHash, root, path: [emptyRoot] };
    expect(await codeOf(checkInclusion(nodeHost, claim))).toBe("holds");
    expect(await codeOf(checkInclusion(nodeHost, { ...claim, index: 2 ** 40 - 1 }))).toBe("LOG-PROOF");
  });
});

describe("a consistency proof", () => {
  it("LOG-PROOF: holds for every pair of sizes", async () => {
    for (let to = 0; to <= most; to++) {
      for (let from = 0; from <= to; from++) expect(await grown(from, to), `${from} to ${to}`).toBe("holds");
    }
  });

  it("LOG-PROOF: does not hold for other roots, sizes or paths", async () => {
    const sizes = fc
      .integer({ min: 2, max: most })
      .chain((to) => fc.tuple(fc.integer({ min: 1, max: to - 1 }), fc.constant(to)));
    await fc.assert(
      fc.asyncProperty(sizes, async ([from, to]) => {
        const path = consistencyPath(from, tree(to));
        expect(await grown(from, to, { from: { ...head(from), root: flipped(head(from).root) } })).toBe("LOG-PROOF");
        expect(await grown(from, to, { to: { ...head(to), root: flipped(head(to).root) } })).toBe("LOG-PROOF");
        expect(await grown(from, to, { path: path.slice(1) })).toBe("LOG-PROOF");
        expect(await grown(from, to, { path: path.slice(0, -1) })).toBe("LOG-PROOF");
        expect(await grown(from, to, { path: [...path, emptyRoot] })).toBe("LOG-PROOF");
        expect(await grown(from, to, { path: path.map(flipped) })).toBe("LOG-PROOF");
        expect(await grown(from, to, { path: [] })).toBe("LOG-PROOF");
      }),
    );
  });

  it("LOG-PROOF: of a tree whose earlier leaf was changed does not exist", async () => {
    for (let from = 2; from < 20; from++) {
      const changed = tree(20).map((leaf, at) => (at === 1 ? utf8("another") : leaf));
      const to = { size: 20, root: mth(changed) };
      expect(await grown(from, 20, { to, path: consistencyPath(from, changed) }), `${from}`).toBe("LOG-PROOF");
      expect(await grown(from, 20, { to }), `${from}`).toBe("LOG-PROOF");
    }
  });

  it("LOG-PROOF: is refused backwards, with two roots of one size, and with a path where none is due", async () => {
    expect(await grown(9, 20, { from: head(20), to: head(9) })).toBe("LOG-PROOF");
    expect(await grown(9, 9, { to: { size: 9, root: head(8).root } })).toBe("LOG-PROOF");
    expect(await grown(9, 9, { path: [emptyRoot] })).toBe("LOG-PROOF");
    expect(await grown(0, 9, { path: [emptyRoot] })).toBe("LOG-PROOF");
    expect(await grown(0, 9, { from: { size: 0, root: head(1).root } })).toBe("LOG-PROOF");
    expect(await grown(0, 0, { to: { size: 0, root: head(1).root } })).toBe("LOG-PROOF");
    expect(await grown(3, 9, { from: { ...head(3), size: -3 } })).toBe("LOG-PROOF");
    expect(await grown(3, 9, { path: [new Uint8Array(33)] })).toBe("LOG-PROOF");
  });
});
