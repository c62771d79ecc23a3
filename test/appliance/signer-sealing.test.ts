/** INTENT-FIRST, SEAL-ONCE and the manifest chain, with a token that fails at every call. Real store; the box is "killed" and opened again. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { orderAbort } from "../../appliance/signer/authorize.ts";
import { chunk, mostUnderWay } from "../../appliance/signer/seal-documents.ts";
import { nodeHost, sha256 } from "../../host/crypto-host.ts";
import { readSignedData } from "../../manifests/cms/read.ts";
import { verifySigner } from "../../manifests/cms/verify.ts";
import { fromHex, hex } from "../../manifests/encoding/bytes.ts";
import { oid } from "../../manifests/encoding/oid.ts";
import { ListReader } from "../../manifests/records/documents-list.ts";
import type { Manifest } from "../../manifests/records/manifest.ts";
import { leafHash, MerkleRoot } from "../../manifests/records/merkle.ts";
import { readSeal } from "../../manifests/records/seal.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { Moment } from "./signer/fake-hsm.ts";
import { dissent, fromNow, listOf, type MadeBatch, makeBatch, oids, operators, submitter } from "./signer/people.ts";
import { codeOf, filesOf, manifestIn, TestBox } from "./signer/test-box.ts";

let box: TestBox;
beforeEach(async () => {
  box = await TestBox.make();
  await box.unlock();
});
afterEach(() => box.remove());

/** Throws at the `n`th time that `moment` comes, and kills the box with it. */
function killAt(moment: Moment, n: number): void {
  let left = n;
  box.hsm.onMoment = (now) => {
    if (now === moment && --left === 0) {
      box.hsm.onMoment = () => undefined;
      box.kill();
      throw new Error("killed");
    }
  };
}

/** Verifies every seal of a receipt against the documents, the list and the manifest, by the formats alone. */
async function checkReceipt(batch: MadeBatch, number: number): Promise<Manifest> {
  const files = await filesOf(box, number);
  const manifest = manifestIn(files);
  const list = files.get("documents.jsonl") as Uint8Array;
  expect(hex(sha256(list))).toBe(manifest.documents.digest);
  const reader = new ListReader();
  const lines = reader.push(list);
  reader.end();
  expect(lines.length).toBe(batch.documents.length);
  const tree = new MerkleRoot(nodeHost);
  for (const { entry, leaf } of lines) {
    await tree.add(await leafHash(nodeHost, leaf));
    const document = batch.documents[entry.index - 1];
    expect({ digest: entry.digest, name: entry.name, size: entry.size }).toEqual(document);
    const seal = readSeal(files.get(entry.seal) as Uint8Array, oids);
    expect(hex(sha256(seal.signer.core))).toBe(entry.sealDigest);
    expect([seal.number, seal.index, seal.mode, seal.appliance]).toEqual([number, entry.index, "test", "box-1"]);
    await verifySigner(nodeHost, seal.signer, {
      certificates: seal.certificates,
      eContentType: oid.data,
      contentDigest: async () => fromHex(entry.digest),
    });
  }
  expect(hex(await tree.root())).toBe(manifest.documents.root);
  return manifest;
}

describe("INTENT-FIRST", () => {
  const points: readonly (readonly [Moment, number])[] = [
    ["before-head", 1],
    ["after-head", 1],
    ["before-sign", 1],
    ["after-sign", 1],
    ["before-sign", 2],
    ["after-sign", 3],
    ["before-sign", 4], // of the manifest
    ["after-sign", 4],
    ["before-head", 2],
    ["after-head", 2],
  ];

  it.each(points)(
    "INTENT-FIRST: killed %s number %i, then restarted and unlocked: the same attributes, one manifest",
    async (moment, n) => {
      const batch = await makeBatch(listOf(150, "a"));
      await box.authorised(batch);
      killAt(moment, n);
      await expect(box.seal(batch)).rejects.toThrow();
      const before = [...box.hsm.sealed];
      await box.open();
      expect(await codeOf(box.seal(batch))).toMatch(/LOCKED|none/);
      await box.unlock();
      expect(await box.seal(batch)).toEqual({ number: 1, outcome: "sealed" });
      await checkReceipt(batch, 1);
      // Whatever the token signed twice, it signed over the same bytes.
      const distinct = new Set(box.hsm.sealed.map(hex));
      expect(distinct.size).toBe(150);
      for (const message of before) expect(distinct.has(hex(message))).toBe(true);
      const attempts = box.box.db.prepare("SELECT count(*) FROM journal WHERE kind = 'attempt'").pluck().get();
      expect(attempts).toBe(moment.endsWith("head") && n === 2 ? 1 : 2);
    },
  );

  it("INTENT-FIRST: a stored intent that was changed is not signed", async () => {
    const batch = await makeBatch(listOf(100, "a"));
    await box.authorised(batch);
    killAt("before-sign", 2);
    await expect(box.seal(batch)).rejects.toThrow();
    await box.open();
    box.box.db.exec("DROP TRIGGER intents_unchanged");
    box.box.db.exec("UPDATE intents SET time = '2031-01-01T00:00:00Z' WHERE idx = 40");
    box.hsm.sealed.length = 0;
    await box.unlock();
    expect(await codeOf(box.seal(batch))).toBe("INTENT-FIRST");
    expect(box.hsm.sealed).toEqual([]);
  });

  it("CHAIN: a stored list that was changed is not sealed", async () => {
    const batch = await makeBatch(listOf(10, "a"));
    await box.authorised(batch);
    box.box.db.exec("DROP TRIGGER documents_unchanged");
    box.box.db.prepare("UPDATE documents SET digest = ? WHERE idx = 5").run(new Uint8Array(32));
    expect(await codeOf(box.seal(batch))).toBe("CHAIN");
    expect(box.hsm.sealed).toEqual([]);
  });

  it("HSM-SIGNATURE: a garbage signature counts for nothing, locks the box, and the batch goes on after unlock", async () => {
    const batch = await makeBatch(listOf(100, "a"));
    await box.authorised(batch);
    box.hsm.spoil = (_, signature) => {
      const changed = signature.slice();
      changed[changed.length - 1] = (changed.at(-1) as number) ^ 1;
      return changed;
    };
    expect(await codeOf(box.seal(batch))).toBe("HSM-SIGNATURE");
    expect(box.box.db.prepare("SELECT count(*) FROM signatures").pluck().get()).toBe(0);
    expect(box.box.lockbox.unlocked).toBe(false);
    box.hsm.spoil = (_, signature) => signature;
    await box.unlock();
    expect(await box.seal(batch)).toEqual({ number: 1, outcome: "sealed" });
    await checkReceipt(batch, 1);
  });

  it("HSM-GONE: a token that goes away in the middle locks the box; after unlock the batch goes on", async () => {
    const batch = await makeBatch(listOf(200, "a"));
    await box.authorised(batch);
    let signed = 0;
    box.hsm.onMoment = (moment) => {
      if (moment === "before-sign" && ++signed === 3) {
        box.hsm.gone = true;
        throw new Refusal("HSM-GONE", "the token is not there");
      }
    };
    expect(await codeOf(box.seal(batch))).toBe("HSM-GONE");
    expect(box.box.lockbox.unlocked).toBe(false);
    expect(box.box.batches.progress(box.box.batches.find(batch.batchDigest)).done).toBe(128);
    expect(await codeOf(box.unlock())).toBe("HSM-GONE");
    box.hsm.gone = false;
    box.hsm.onMoment = () => undefined;
    await box.unlock();
    expect(await box.seal(batch)).toEqual({ number: 1, outcome: "sealed" });
    await checkReceipt(batch, 1);
  });

  it("LOCKED: locking in the middle stops between chunks, and what was sealed stays", async () => {
    const batch = await makeBatch(listOf(300, "a"));
    await box.authorised(batch);
    const sealing = box.seal(batch, (done) => {
      if (done === 128) void box.box.lockbox.lock("test");
    });
    expect(await codeOf(sealing)).toBe("LOCKED");
    await box.unlock();
    expect(await box.seal(batch)).toEqual({ number: 1, outcome: "sealed" });
    await checkReceipt(batch, 1);
  });
});

describe("SEAL-ONCE", () => {
  it("SEAL-ONCE: a sealed batch, renamed or wrapped again, gets the first number and receipt", async () => {
    const documents = listOf(5, "a");
    const head = { expires: fromNow(5000) };
    const batch = await makeBatch(documents, head);
    await box.authorised(batch);
    await box.seal(batch);
    const first = await filesOf(box, 1);
    expect(await box.submit(batch, "renamed")).toEqual({
      outcome: "already",
      batchDigest: batch.batchDigest,
      number: 1,
    });
    const wrapped = await makeBatch(documents, head, submitter, fromNow(-5));
    expect(wrapped.p7m).not.toEqual(batch.p7m);
    expect(await box.submit(wrapped)).toMatchObject({ outcome: "already", number: 1 });
    const reworded = await makeBatch(documents, { ...head, purpose: "asked again" });
    expect(await box.submit(reworded)).toMatchObject({ outcome: "already", number: 1 });
    expect(await filesOf(box, 1)).toEqual(first);
  });

  it("SEAL-ONCE: known for ever, also after the request and its submitter's certificate have expired", async () => {
    const batch = await makeBatch(listOf(2, "a"));
    await box.authorised(batch);
    await box.seal(batch);
    box.clocks.offset += 30 * 365 * 86_400_000;
    expect(await box.submit(batch)).toMatchObject({ outcome: "already", number: 1 });
  });

  it("SEAL-ONCE: two open batches of one identity: the second is refused when the first was sealed", async () => {
    const documents = listOf(5, "a");
    const one = await makeBatch(documents, { purpose: "one" });
    const two = await makeBatch(documents, { purpose: "two" });
    await box.authorised(one);
    await box.authorised(two);
    await box.seal(one);
    expect(await codeOf(box.seal(two))).toBe("SEAL-ONCE");
    expect(box.hsm.sealed.length).toBe(5);
  });

  it("SEAL-ONCE: a document in two batches is sealed in each, and the manifest names the earlier seal", async () => {
    const [shared, ...rest] = listOf(4, "a");
    const one = await makeBatch([...rest, shared as (typeof rest)[number]], { batch: "one" });
    const two = await makeBatch([shared as (typeof rest)[number], ...listOf(2, "b")], { batch: "two" });
    await box.authorised(one);
    await box.seal(one);
    const submitted = await box.submit(two);
    expect(submitted).toMatchObject({ challenge: { earlier: 1 } });
    await box.authorised(two);
    await box.seal(two);
    const manifest = await checkReceipt(two, 2);
    expect(manifest.documents.earlier).toEqual([{ earlierIndex: 4, earlierNumber: 1, index: 1 }]);
    expect(manifest.documents.earlierCount).toBe(1);
  });

  it("BUSY: one batch at a time, also after a crash", async () => {
    const one = await makeBatch(listOf(100, "a"), { batch: "one" });
    const two = await makeBatch(listOf(2, "b"), { batch: "two" });
    await box.authorised(one);
    await box.authorised(two);
    killAt("after-sign", 1);
    await expect(box.seal(one)).rejects.toThrow();
    await box.open();
    await box.unlock();
    expect(await codeOf(box.seal(two))).toBe("BUSY");
    await box.seal(one);
    expect(await box.seal(two)).toEqual({ number: 2, outcome: "sealed" });
  });

  it("SEAL-ONCE: callers that ask at the same time join one work", async () => {
    const batch = await makeBatch(listOf(70, "a"));
    await box.authorised(batch);
    const results = await Promise.all([box.seal(batch), box.seal(batch)]);
    expect(results).toEqual([
      { number: 1, outcome: "sealed" },
      { number: 1, outcome: "sealed" },
    ]);
    expect(box.hsm.sealed.length).toBe(70);
  });
});

describe("manifests", () => {
  it("CHAIN: each manifest holds the digest of the one before, the first that of the genesis policy", async () => {
    const manifests: Manifest[] = [];
    for (const seed of ["a", "b", "c"]) {
      const batch = await makeBatch(listOf(3, seed), { batch: seed });
      await box.authorised(batch);
      const { number } = await box.seal(batch);
      manifests.push(await checkReceipt(batch, number));
    }
    const contents = await Promise.all(
      [1, 2].map(
        async (number) => readSignedData((await filesOf(box, number)).get("manifest.p7m") as Uint8Array).content,
      ),
    );
    expect(manifests.map(({ number }) => number)).toEqual([1, 2, 3]);
    expect(manifests.map(({ previous }) => previous)).toEqual([
      box.config.genesis,
      ...contents.map((content) => hex(sha256(content as Uint8Array))),
    ]);
  });

  it("HONEST: labels say software token, software counter, no isolation, and what the network was", async () => {
    const batch = await makeBatch(listOf(1, "a"));
    await box.authorised(batch);
    await box.seal(batch);
    const manifest = manifestIn(await filesOf(box, 1));
    expect(manifest.counter).toBe("software");
    expect(manifest.labels).toEqual({
      attestation: "none",
      hsm: "software-token",
      isolation: "none",
      media: "folder",
      network: "absent",
      time: "local, not anchored",
    });
  });

  it("HONEST: the label of the media is what the box's configuration declares", async () => {
    Object.assign(box.config, { media: "mount" });
    await box.restart();
    await box.unlock();
    const batch = await makeBatch(listOf(1, "a"));
    await box.authorised(batch);
    await box.seal(batch);
    expect(manifestIn(await filesOf(box, 1)).labels.media).toBe("mount");
  });

  it("ABORTED: an abort in the middle gives a manifest with outcome aborted, and the number is used", async () => {
    const batch = await makeBatch(listOf(300, "a"));
    const challenge = await box.authorised(batch);
    const order = await dissent(challenge, "abort", operators.op3, "wrong contract");
    let ordered: Promise<unknown> | undefined;
    const result = await box.seal(batch, (done) => {
      if (done === 64) ordered = orderAbort(box.box, batch.batchDigest, order);
    });
    await ordered;
    expect(result).toEqual({ number: 1, outcome: "aborted" });
    const files = await filesOf(box, 1);
    const manifest = manifestIn(files);
    expect(manifest).toMatchObject({ outcome: "aborted", reason: "op3: wrong contract" });
    expect(manifest.documents.sealed).toBeGreaterThanOrEqual(64);
    expect(manifest.documents.sealed).toBeLessThan(300);
    expect([...files.keys()].some((path) => path.startsWith("seals/"))).toBe(false);
    expect(await codeOf(box.submit(batch))).toBe("BATCH-ENDED");
    const other = await makeBatch(listOf(300, "a"), { batch: "again" });
    await box.authorised(other);
    expect(await box.seal(other)).toEqual({ number: 2, outcome: "sealed" });
  });

  it("ABORTED: before the nonce is used an abort ends the batch without a number", async () => {
    const batch = await makeBatch(listOf(3, "a"));
    const challenge = await box.authorised(batch);
    await orderAbort(box.box, batch.batchDigest, await dissent(challenge, "abort", operators.op1));
    const found = box.box.batches.find(batch.batchDigest);
    expect([box.box.batches.state(found), box.box.batches.number(found)]).toEqual(["aborted", null]);
    expect(await codeOf(box.seal(batch))).toBe("BATCH-ENDED");
  });

  it("ABORTED: an abort ordered while the box was locked in the middle is obeyed after unlock", async () => {
    const batch = await makeBatch(listOf(200, "a"));
    const challenge = await box.authorised(batch);
    killAt("after-sign", mostUnderWay + 1);
    await expect(box.seal(batch)).rejects.toThrow();
    await box.open();
    await orderAbort(box.box, batch.batchDigest, await dissent(challenge, "abort", operators.op2));
    expect(box.box.batches.state(box.box.batches.find(batch.batchDigest))).toBe("sealing");
    await box.unlock();
    expect(await box.seal(batch)).toEqual({ number: 1, outcome: "aborted" });
    expect(manifestIn(await filesOf(box, 1)).documents.sealed).toBe(chunk);
  });

  it("ABORTED: of a batch aborted before its first seal the list is empty", async () => {
    const batch = await makeBatch(listOf(3, "a"));
    const challenge = await box.authorised(batch);
    killAt("before-sign", 1);
    await expect(box.seal(batch)).rejects.toThrow();
    await box.open();
    await orderAbort(box.box, batch.batchDigest, await dissent(challenge, "abort", operators.op2));
    await box.unlock();
    expect(await box.seal(batch)).toEqual({ number: 1, outcome: "aborted" });
    const files = await filesOf(box, 1);
    expect(files.get("documents.jsonl")).toEqual(new Uint8Array(0));
    expect(manifestIn(files).documents).toMatchObject({ sealed: 0, count: 3, root: hex(sha256(new Uint8Array(0))) });
  });
});
