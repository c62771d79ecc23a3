import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nodeHost, sha256 } from "../../../host/crypto-host.ts";
import { concat, hex } from "../../../manifests/encoding/bytes.ts";
import { leafHash, MerkleRoot } from "../../../manifests/records/merkle.ts";

/** The leaves and roots that Certificate Transparency's implementations test with (RFC 6962 and 9162 trees are the same). */
const leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
const roots = [
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

async function rootOf(all: readonly Uint8Array[]): Promise<string> {
  const tree = new MerkleRoot(nodeHost);
  for (const leaf of all) await tree.add(await leafHash(nodeHost, leaf));
  return hex(await tree.root());
}

/** RFC 9162 2.1.1 as it is written: split at the largest power of two below n. */
function byDefinition(all: readonly Uint8Array[]): Uint8Array {
  if (all.length === 0) return sha256(new Uint8Array(0));
  if (all.length === 1) return sha256(concat([Uint8Array.of(0), all[0] as Uint8Array]));
  let split = 1;
  while (split * 2 < all.length) split *= 2;
  return sha256(concat([Uint8Array.of(1), byDefinition(all.slice(0, split)), byDefinition(all.slice(split))]));
}

describe("the Merkle root", () => {
  it("MANIFEST-BIND: is that of the known trees of one to eight leaves", async () => {
    const bytes = leaves.map((text) => Uint8Array.fromHex(text));
    for (const [at, root] of roots.entries()) expect(await rootOf(bytes.slice(0, at + 1))).toBe(root);
  });

  it("MANIFEST-BIND: of nothing is the digest of nothing", async () => {
    expect(await rootOf([])).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  });

  it("MANIFEST-BIND: is RFC 9162's definition for any number of leaves", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 8 }), { maxLength: 70 }), async (all) => {
        expect(await rootOf(all)).toBe(hex(byDefinition(all)));
      }),
    );
  });
});
