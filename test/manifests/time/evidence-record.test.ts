import { beforeAll, describe, expect, it } from "vitest";
import { digestOf, nodeHost, sha256 } from "../../../host/crypto-host.ts";
import { digestAlgorithm } from "../../../manifests/cms/algorithm.ts";
import { concat, utf8 } from "../../../manifests/encoding/bytes.ts";
import { der, integer, octetString, sequence } from "../../../manifests/encoding/der-write.ts";
import { checkEvidence } from "../../../manifests/time/check-evidence.ts";
import {
  type ArchiveTimeStamp,
  chainsBefore,
  readEvidenceRecord,
  writeEvidenceRecord,
} from "../../../manifests/time/evidence-record.ts";
import { rootOf } from "../../../manifests/time/hash-tree.ts";
import { makeToken } from "../../pki/tsa.ts";
import { codeOf } from "./code-of.ts";
import { rawToken } from "./raw-token.ts";
import { treeOf } from "./tree-of.ts";

const hashesOf = (at: number, hash: "sha256" | "sha512" = "sha256") =>
  [`document ${at}`, `seal ${at}`].map((text) => digestOf(hash, utf8(text)));
const groupOf = (at: number) => async (hash: string) => hashesOf(at, hash as "sha256");

describe("a hash tree", () => {
  it.each([1, 2, 3, 5, 8, 13])(
    "TIME-IMPRINT: every group of %i leads to the root, and no other hash does",
    async (count) => {
      const groups = Array.from({ length: count }, (_, at) => hashesOf(at));
      const tree = await treeOf("sha256", groups);
      for (let at = 0; at < count; at++) {
        const way = tree.reduced(at);
        expect(await rootOf(nodeHost, "sha256", way)).toEqual(tree.root);
        const other = [[sha256(utf8("not in it")), way[0]?.[1] as Uint8Array], ...way.slice(1)];
        expect(await rootOf(nodeHost, "sha256", other)).not.toEqual(tree.root);
      }
    },
  );

  it("TIME-FORM: a group of one hash, which a node could be taken for, is refused", async () => {
    expect(await codeOf(treeOf("sha256", [hashesOf(1), [sha256(utf8("alone"))]]))).toBe("TIME-FORM");
    expect(await codeOf(treeOf("sha256", [[sha256(utf8("a")), sha256(utf8("a"))]]))).toBe("TIME-FORM");
    expect(await codeOf(treeOf("sha256", []))).toBe("TIME-FORM");
  });
});

describe("an evidence record", () => {
  let first: ArchiveTimeStamp;
  beforeAll(async () => {
    const tree = await treeOf(
      "sha256",
      [0, 1, 2, 3, 4].map((at) => hashesOf(at)),
    );
    first = { hash: "sha256", tree: tree.reduced(2), token: await rawToken(tree.root, {}) };
  });
  const check = (chains: readonly (readonly ArchiveTimeStamp[])[], at = 2) =>
    checkEvidence(nodeHost, writeEvidenceRecord(chains), groupOf(at));
  const over = (bytes: Uint8Array, time: string, tree: ArchiveTimeStamp["tree"] = []) =>
    makeToken({ over: bytes, time }).then((token) => ({ hash: "sha256" as const, tree, token }));

  it("TIME-IMPRINT: is of its own group alone, all of it and nothing beside it", async () => {
    expect(await check([[first]])).toHaveLength(1);
    expect(await codeOf(check([[first]], 3))).toBe("TIME-IMPRINT");
    const part = { ...first, tree: [first.tree[0]?.slice(0, 1) as Uint8Array[], ...first.tree.slice(1)] };
    expect(await codeOf(check([[part]]))).toBe("TIME-IMPRINT");
    const more = { ...first, tree: [[...(first.tree[0] ?? []), sha256(utf8("more"))], ...first.tree.slice(1)] };
    expect(await codeOf(check([[more]]))).toBe("TIME-IMPRINT");
    for (const tree of [first.tree.slice(0, 1), first.tree.slice(0, -1), [...first.tree].reverse()]) {
      expect(await codeOf(check([[{ ...first, tree }]]))).toBe("TIME-IMPRINT");
    }
  });

  it("TIME-ORDER: is renewed by tokens over the token before, each younger; one over something else is found", async () => {
    const second = await over(first.token, "2030-01-01T00:00:00Z");
    const third = await over(second.token, "2034-01-01T00:00:00Z");
    expect((await check([[first, second, third]])).map(({ info }) => info.time)).toEqual([
      "2026-11-24T09:00:00Z",
      "2030-01-01T00:00:00Z",
      "2034-01-01T00:00:00Z",
    ]);
    expect(await codeOf(check([[first, third]]))).toBe("TIME-IMPRINT");
    expect(await codeOf(check([[first, await over(first.token, "2020-01-01T00:00:00Z")]]))).toBe("TIME-ORDER");
  });

  it("TIME-IMPRINT: is renewed by another hash, over each object with all chains before it (RFC 4998 5.2)", async () => {
    const chains = digestOf("sha512", chainsBefore(writeEvidenceRecord([[first]]), 1));
    const group = hashesOf(2, "sha512").map((one) => digestOf("sha512", concat([one, chains])));
    const tree = await treeOf("sha512", [group, hashesOf(9, "sha512")]);
    const token = await rawToken(tree.root, { hash: "sha512", time: "2031-01-01T00:00:00Z" });
    const renewal: ArchiveTimeStamp = { hash: "sha512", tree: tree.reduced(0), token };
    expect(await check([[first], [renewal]])).toHaveLength(2);
    const elsewhere: ArchiveTimeStamp = { ...renewal, tree: tree.reduced(1) };
    expect(await codeOf(check([[first], [elsewhere]]))).toBe("TIME-IMPRINT");
    const second = await over(first.token, "2030-01-01T00:00:00Z");
    expect(await codeOf(check([[first, second], [renewal]]))).toBe("TIME-IMPRINT");
  });

  it("TIME-FORM: a chain of two hashes, a hash of a wrong length, an unnamed hash, something behind it, are refused", async () => {
    const record = writeEvidenceRecord([[first]]);
    expect(readEvidenceRecord(record)).toEqual([[first]]);
    const codes = [
      codeOf(check([[first, { ...first, hash: "sha512", tree: [] }]])),
      codeOf(check([[{ ...first, hash: "sha512" }]])),
      codeOf(check([[{ ...first, tree: [[]] }]])),
      codeOf(check([[]])),
      codeOf(check([])),
      codeOf(checkEvidence(nodeHost, concat([record, Uint8Array.of(0)]), groupOf(2))),
    ];
    expect(await Promise.all(codes)).toEqual(codes.map(() => "TIME-FORM"));
  });

  it("TIME-FORM: no cut and no changed byte is taken, or ends untyped", async () => {
    const record = writeEvidenceRecord([[first]]);
    for (let at = 0; at < record.length; at++) {
      const changed = record.slice();
      changed[at] = (changed[at] as number) ^ 0x21;
      expect(await codeOf(checkEvidence(nodeHost, changed, groupOf(2))), `byte ${at}`).toMatch(
        /^(?:TIME|CMS|PATH|DER)/,
      );
      expect(await codeOf(checkEvidence(nodeHost, record.slice(0, at), groupOf(2)))).toMatch(/^TIME-FORM$/);
    }
  });

  it("TIME-FORM: without an algorithm of its own an archive time-stamp uses its token's", async () => {
    const reduced = first.tree.map((list) => sequence(...list.map(octetString)));
    const member = sequence(der(0xa2, ...reduced), first.token);
    const record = sequence(integer(1), sequence(digestAlgorithm("sha256")), sequence(sequence(member)));
    expect(readEvidenceRecord(record)).toEqual([[first]]);
    expect(await checkEvidence(nodeHost, record, groupOf(2))).toHaveLength(1);
  });
});
