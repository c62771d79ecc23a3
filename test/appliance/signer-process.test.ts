/** The signer as a process over a real token: a daemon that lies, kill -9 in the middle, edited and rolled back stores. */

import { copyFileSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodeHost, sha256 } from "../../host/crypto-host.ts";
import { readSignedData } from "../../manifests/cms/read.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import { readManifest } from "../../manifests/records/manifest.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { verifyBundle } from "../../manifests/verify/bundle.ts";
import type { BundleSource } from "../../manifests/verify/source.ts";
import {
  authorization,
  dissent,
  fromNow,
  listOf,
  makeBatch,
  operators,
  policyDigest,
  root,
  secondTokenOfOp1,
  submitter,
} from "./signer/people.ts";
import { RealSigner, tokenPin } from "./signer/real-signer.ts";
import { codeOf } from "./signer/test-box.ts";

let signer: RealSigner;
beforeAll(async () => {
  signer = await RealSigner.make("rsa-2048", "rsa-pkcs1-sha256");
  await signer.start();
});
afterAll(() => signer.remove());

let made = 0;
/** A new batch with its own id and documents. */
function batch(count: number, seed = `s${++made}`) {
  return makeBatch(listOf(count, seed), { batch: seed });
}

const stateOf = async (digest: string) => (await signer.call("batch", { batchDigest: digest })).result;

describe("a daemon that lies", () => {
  it("LOCKED: after the start the box says so, takes batch and approvals, and seals only after unlock", async () => {
    const one = await batch(3);
    await signer.authorised(one);
    expect((await signer.call("status")).result).toMatchObject({ locked: true, work: null });
    expect(await codeOf(signer.seal(one))).toBe("LOCKED");
    expect((await signer.unlock()).result).toMatchObject({ head: "agrees" });
    expect(await signer.seal(one)).toMatchObject({ number: 1, outcome: "sealed" });
    expect(await stateOf(one.batchDigest)).toMatchObject({ state: "sealed", number: 1, done: 3, released: false });
    await signer.call("released", { number: 1, media: { serial: "stick" } });
    expect(await stateOf(one.batchDigest)).toMatchObject({ released: true });
  });

  it("QUORUM: one operator, one person with two tokens, or another batch's approvals seal nothing", async () => {
    const one = await batch(3);
    const two = await batch(3);
    const challenge = await signer.challenge(one);
    const other = await signer.challenge(two);
    const authorize = async (p7m: Uint8Array) =>
      codeOf(signer.call("authorize", { batchDigest: one.batchDigest }, p7m));
    expect(await authorize(await authorization(challenge, operators.op1))).toBe("QUORUM");
    expect(await authorize(await authorization(challenge, operators.op1, secondTokenOfOp1))).toBe("PERSON-TWICE");
    expect(await authorize(await authorization(other, operators.op1, operators.op2))).toBe("CHALLENGE-MATCH");
    expect(await authorize(Uint8Array.of(1, 2, 3))).toBe("CMS-FORM");
    expect(await codeOf(signer.seal(one))).toBe("QUORUM");
  });

  it("T16: other digests than the submitter signed are another batch, which nobody approved", async () => {
    const asked = await batch(3, "asked");
    const swapped = await makeBatch(listOf(3, "swapped"), { batch: "asked" });
    await signer.authorised(asked);
    expect(swapped.batchDigest).not.toBe(asked.batchDigest);
    expect(await codeOf(signer.seal(swapped))).toBe("BATCH-UNKNOWN");
    await signer.submit(swapped);
    expect(await codeOf(signer.seal(swapped))).toBe("QUORUM");
  });

  it("FRAME: unknown methods, parameters and members are refused", async () => {
    expect(await codeOf(signer.call("sign", { message: "x" }))).toBe("FRAME");
    expect(await codeOf(signer.call("seal", { batchDigest: "00" }))).toBe("SHAPE");
    expect(await codeOf(signer.call("seal", { batchDigest: "00".repeat(32), force: true }))).toBe("SHAPE");
    expect(await codeOf(signer.call("unlock", {}, Buffer.from(tokenPin)))).toBe("FRAME");
    expect(await codeOf(signer.call("submit", { folder: "../x", reported: {} }, new Uint8Array(1)))).toBe("MEDIA-NAME");
    const reported = { text: "x".repeat(9000) };
    expect(await codeOf(signer.call("submit", { folder: "x", reported }, new Uint8Array(1)))).toBe("SHAPE");
  });

  it("DER: what is no batch is refused, and leaves nothing in the store", async () => {
    for (const bytes of [new Uint8Array(0), Uint8Array.of(0x30, 0x80), new Uint8Array(300_000)]) {
      expect(await codeOf(signer.call("submit", { folder: "x", reported: {} }, bytes))).toBe("DER");
    }
  });

  it("SEAL-ONCE: a batch that comes again, renamed or wrapped anew, gets the first receipt, byte for byte", async () => {
    const documents = listOf(4, "again");
    const head = { batch: "again", expires: fromNow(5000) };
    const one = await makeBatch(documents, head);
    await signer.authorised(one);
    const { number } = await signer.seal(one);
    const receipt = await signer.files("receipt", { number: number as number });
    const wrapped = await makeBatch(documents, head, submitter, fromNow(-2));
    expect(await signer.submit(one, "other-name")).toEqual({
      outcome: "already",
      batchDigest: one.batchDigest,
      number,
    });
    expect(await signer.submit(wrapped)).toMatchObject({ outcome: "already", number });
    expect(await signer.files("receipt", { number: number as number })).toEqual(receipt);
    expect([...receipt.keys()].slice(0, 4)).toEqual([
      "manifest.p7m",
      "authorization.p7m",
      "batch.p7m",
      "policy/0001.p7m",
    ]);
    expect(receipt.get("batch.p7m")).toEqual(Buffer.from(one.p7m));
  });

  it("SECRET: the PIN is in none of the signer's files or messages", async () => {
    expect(await codeOf(signer.unlock("9999-wrong-pin"))).toBe("PIN-WRONG");
    expect((await signer.call("status")).result).toMatchObject({ locked: true, pin: { failures: 1 } });
    await signer.unlock();
    await signer.unlock();
    expect(signer.said).not.toContain(tokenPin);
    for (const suffix of ["", "-wal"]) expect(readFileSync(signer.store + suffix).includes(tokenPin)).toBe(false);
  });
});

describe("what leaves the box", () => {
  it("QUORUM: our verifier takes the receipt, pinned to genesis", async () => {
    const one = await batch(70);
    await signer.authorised(one);
    const { number } = await signer.seal(one);
    const verdict = await verified(await signer.files("receipt", { number: number as number }));
    expect(verdict.findings).toEqual([]);
    expect(verdict).toMatchObject({
      outcome: "sealed",
      quorum: "pinned to genesis",
      seals: { count: 70, checked: 70 },
    });
    expect(verdict.approvers.map(({ person }) => person).sort()).toEqual(["op1", "op2"]);
  });

  it("QUORUM: a rejection goes out with the request that it ended", async () => {
    const one = await batch(2);
    const p7m = await dissent(await signer.challenge(one), "rejection", operators.op2, "not ours");
    expect((await signer.call("reject", { batchDigest: one.batchDigest }, p7m)).result).toEqual({ state: "rejected" });
    const files = await signer.files("rejection", { batchDigest: one.batchDigest });
    expect([...files.keys()]).toEqual(["rejection.p7m", "batch.p7m"]);
    expect(hex(files.get("rejection.p7m") as Uint8Array)).toBe(hex(p7m));
    expect(hex(files.get("batch.p7m") as Uint8Array)).toBe(hex(one.p7m));
  });

  it("HONEST: batches are listed newest first, page by page", async () => {
    const list = async (parameters: Json) =>
      (await signer.call("batches", parameters)).result.batches as { id: number }[];
    const all = (await list({ limit: 1000 })).map(({ id }) => id);
    const first = await list({ limit: 2 });
    const next = await list({ limit: 1000, before: first[1]?.id as number });
    expect([...first, ...next].map(({ id }) => id)).toEqual(all);
    expect(all).toEqual([...all].sort((a, b) => b - a));
  });
});

describe("stopped in the middle", () => {
  it.each([192])(
    "INTENT-FIRST: kill -9 after %i seals, restart, unlock: the same attributes, one manifest",
    async (at) => {
      const one = await batch(400);
      await signer.authorised(one);
      const sealing = signer.seal(one, ({ done }) => {
        if ((done as number) >= at) void signer.end("SIGKILL");
      });
      expect(await codeOf(sealing)).toBe("UNREACHABLE");
      await signer.end("SIGKILL");
      const intents = rows(
        "SELECT idx, hex(attributes) AS attributes FROM intents WHERE number = (SELECT max(number) FROM reservations)",
      );
      const seals = rows(
        "SELECT idx, hex(seal_digest) AS digest FROM signatures WHERE number = (SELECT max(number) FROM reservations)",
      );
      expect(intents.length).toBeGreaterThanOrEqual(seals.length);
      expect(seals.length).toBeGreaterThanOrEqual(at);
      await signer.start();
      expect(await stateOf(one.batchDigest)).toMatchObject({ state: "sealing", done: seals.length });
      expect(await codeOf(signer.seal(one))).toBe("LOCKED");
      await signer.unlock();
      expect(await signer.seal(one)).toMatchObject({ outcome: "sealed" });
      await signer.end("SIGTERM");
      expect(
        rows(
          "SELECT idx, hex(attributes) AS attributes FROM intents WHERE number = (SELECT max(number) FROM reservations)",
        ).slice(0, intents.length),
      ).toEqual(intents);
      expect(
        rows(
          "SELECT idx, hex(seal_digest) AS digest FROM signatures WHERE number = (SELECT max(number) FROM reservations)",
        ).slice(0, seals.length),
      ).toEqual(seals);
      await signer.start();
      await signer.unlock();
    },
  );

  it("ABORTED: an abort in the middle ends in a manifest with outcome aborted", async () => {
    const one = await batch(2000);
    const challenge = await signer.authorised(one);
    const order = await dissent(challenge, "abort", operators.op3, "wrong contract");
    let aborting: ReturnType<typeof signer.call> | undefined;
    const result = await signer.seal(one, () => {
      aborting ??= signer.call("abort", { batchDigest: one.batchDigest }, order);
    });
    expect(result).toMatchObject({ outcome: "aborted" });
    expect((await aborting)?.result).toEqual({ state: "aborted", number: result.number });
    const files = await signer.files("receipt", { number: result.number as number });
    const content = readSignedData(files.get("manifest.p7m") as Uint8Array).content as Uint8Array;
    expect(readManifest(content)).toMatchObject({ outcome: "aborted", reason: "op3: wrong contract" });
    expect([...files.keys()].filter((path) => path.startsWith("seals/"))).toEqual([]);
    const verdict = await verified(files);
    expect(verdict.findings).toEqual([]);
    expect(verdict.outcome).toBe("aborted");
  });

  it("NOTHING-LOST: SIGTERM in the middle ends cleanly between two chunks", async () => {
    const one = await batch(2000);
    await signer.authorised(one);
    let status: Promise<number | null> | undefined;
    const sealing = signer.seal(one, () => {
      status ??= signer.end("SIGTERM");
    });
    expect(["LOCKED", "UNREACHABLE"]).toContain(await codeOf(sealing));
    expect(await status).toBe(0);
    await signer.start();
    await signer.unlock();
    expect(await signer.seal(one)).toMatchObject({ outcome: "sealed" });
  });

  it("HSM-GONE: a token that goes away in the middle locks the box; when it is back, unlock and seal go on", async () => {
    const one = await batch(2000);
    await signer.authorised(one);
    const tokens = `${signer.folder}/token/tokens`;
    let gone = false;
    const sealing = signer.seal(one, ({ done }) => {
      if (gone || done === 0) return;
      gone = true;
      renameSync(tokens, `${tokens}-away`);
    });
    expect(await codeOf(sealing)).toBe("HSM-GONE");
    expect((await signer.call("status")).result).toMatchObject({ locked: true });
    expect(await codeOf(signer.unlock())).toBe("HSM-GONE");
    const { done } = await stateOf(one.batchDigest);
    expect(done).toBeGreaterThan(0);
    renameSync(`${tokens}-away`, tokens);
    await signer.unlock();
    expect(await signer.seal(one)).toMatchObject({ outcome: "sealed" });
  });

  it("PIN-LOCKED: wrong PINs count across kill -9, and the right one is then refused too", async () => {
    await signer.restart();
    for (let wrong = 0; wrong < 3; wrong++) {
      expect(await codeOf(signer.unlock("wrong-pin"))).toBe("PIN-WRONG");
      await signer.restart();
    }
    expect(await codeOf(signer.unlock())).toBe("PIN-LOCKED");
    expect((await signer.call("status")).result).toMatchObject({ locked: true, pin: { failures: 3 } });
    await signer.end("SIGKILL");
    // Time does not pass in a test: the wait is taken away as if it had.
    edit("UPDATE pin_tries SET wait_until = '2020-01-01T00:00:00Z'");
    await signer.start();
    await signer.unlock();
    expect((await signer.call("status")).result).toMatchObject({
      locked: false,
      pin: { failures: 0, waitUntil: null },
    });
  });
});

describe("the record", () => {
  it("CHAIN: verify-journal says how long the journal is and where its head stands", async () => {
    const { result } = await signer.ceremony("verify-journal");
    const status = (await signer.call("status")).result as { journal: { sequence: number; head: string } };
    expect(result).toMatchObject({ rows: status.journal.sequence, head: status.journal.head });
    const { body } = await signer.ceremony("journal", { from: 1, limit: 3 });
    const lines = Buffer.from(body)
      .toString()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.map(({ sequence, kind }) => [sequence, kind])).toEqual([
      [1, "created"],
      [2, "policy"],
      [3, "started"],
    ]);
    expect(lines[1].previous).toBe(lines[0].digest);
  });

  it("CHAIN: a journal row edited in the file is named by verify-journal, and the box does not unlock", async () => {
    await signer.end("SIGTERM");
    copyFileSync(signer.store, `${signer.store}.good`);
    const trigger = rows("SELECT sql FROM sqlite_master WHERE name = 'journal_unchanged'")[0]?.sql as string;
    edit(
      "DROP TRIGGER journal_unchanged",
      "UPDATE journal SET time = '2026-01-01T00:00:00Z' WHERE sequence = 7",
      trigger,
    );
    await signer.start();
    const found = (await signer.ceremony("verify-journal").catch((thrown: unknown) => thrown)) as Refusal;
    expect(found).toMatchObject({ code: "CHAIN", about: "row 7" });
    expect(await codeOf(signer.unlock())).toBe("CHAIN");
    expect((await signer.call("status")).result).toMatchObject({
      locked: true,
      fault: { code: "CHAIN", about: "row 7" },
    });
    expect(await codeOf(signer.call("submit", { folder: "x", reported: {} }, (await batch(1)).p7m))).toBe("CHAIN");
    await signer.end("SIGTERM");
    restore(`${signer.store}.good`);
    await signer.start();
    await signer.unlock();
  });

  it("CHAIN: a single changed byte of a journal record in the file is found", async () => {
    await signer.end("SIGTERM");
    copyFileSync(signer.store, `${signer.store}.good`);
    const [row] = rows("SELECT sequence, record FROM journal WHERE kind = 'unlocked' ORDER BY sequence LIMIT 1");
    const bytes = readFileSync(signer.store);
    const text = `unlocked${row?.record}`;
    // Also in pages that the file no longer uses.
    for (let at = bytes.indexOf(text); at !== -1; at = bytes.indexOf(text, at + 1)) bytes[at + text.length - 3] = 0x7a;
    writeFileSync(signer.store, bytes);
    await signer.start();
    const found = (await signer.unlock().catch((thrown: unknown) => thrown)) as Refusal;
    expect(found).toMatchObject({ code: "CHAIN", about: `row ${row?.sequence}` });
    await signer.end("SIGTERM");
    restore(`${signer.store}.good`);
    await signer.start();
    await signer.unlock();
  });

  it("CHAIN: an older copy of the store is found against the head in the token", async () => {
    await signer.end("SIGTERM");
    copyFileSync(signer.store, `${signer.store}.old`);
    await signer.start();
    await signer.unlock();
    const one = await batch(2);
    await signer.authorised(one);
    await signer.seal(one);
    await signer.end("SIGTERM");
    copyFileSync(signer.store, `${signer.store}.new`);
    restore(`${signer.store}.old`);
    await signer.start();
    const refusal = (await signer.unlock().catch((thrown: unknown) => thrown)) as Refusal;
    expect(refusal).toBeInstanceOf(Refusal);
    expect([refusal.code, refusal.message.includes("ahead of the store")]).toEqual(["CHAIN", true]);
    expect(await codeOf(signer.call("submit", { folder: "x", reported: {} }, (await batch(1)).p7m))).toBe("CHAIN");
    await signer.end("SIGTERM");
    restore(`${signer.store}.new`);
    await signer.start();
    await signer.unlock();
    expect(await signer.submit(one)).toMatchObject({ outcome: "already" });
  });

  it("STORE: create never makes a second store, and run never makes one", async () => {
    await signer.end("SIGTERM");
    expect(await signer.create(`${signer.folder}/genesis.p7m`)).toBe(3);
    expect(signer.said).toContain('"code":"STORE"');
    await signer.start();
    await signer.unlock();
  });

  it("AUDIT: every manifest goes to the keeper with its authorisation, list and request, and with policies and certificates", async () => {
    const files = await signer.files("audit", { from: 1 });
    const { last } = (await signer.call("status")).result.manifests as { last: number };
    const names = ["manifest.p7m", "authorization.p7m", "documents.jsonl", "batch.p7m"];
    const paths = [...files.keys()];
    const certificates = paths.filter((path) => path.startsWith("certificates/"));
    expect(paths).toEqual([
      "policy/0001.p7m",
      ...certificates,
      ...Array.from({ length: last }, (_, at) => names.map((name) => `${at + 1}/${name}`)).flat(),
    ]);
    // Named by their digests: of both keys, and nothing twice.
    const { content } = readSignedData(files.get("1/manifest.p7m") as Uint8Array);
    const { keys } = readManifest(content as Uint8Array);
    for (const { certificate } of [keys.audit, keys.sealing])
      expect(certificates).toContain(`certificates/${certificate}.der`);
    for (const path of certificates)
      expect(path).toBe(`certificates/${hex(sha256(files.get(path) as Uint8Array))}.der`);
    const digests = new Set(
      [...files].filter(([path]) => path.endsWith("manifest.p7m")).map(([, bytes]) => hex(bytes)),
    );
    expect(digests.size).toBe(last);
  });
});

/** Verifies a bundle as the desk would, without documents. */
function verified(files: ReadonlyMap<string, Uint8Array>) {
  const read = async (path: string) => {
    const bytes = files.get(path);
    if (!bytes) throw new Error(`no ${path}`);
    return bytes;
  };
  const source: BundleSource = {
    read,
    stream: async function* (path) {
      yield await read(path);
    },
    list: async (folder) => {
      const start = folder === "" ? "" : `${folder}/`;
      const below = [...files.keys()].filter((path) => path.startsWith(start));
      return [...new Set(below.map((path) => path.slice(start.length).split("/")[0] as string))];
    },
    documentDigest: async () => undefined,
  };
  return verifyBundle(nodeHost, source, {
    roots: [root.certificate],
    genesis: policyDigest(signer.policy),
    at: fromNow(60),
  });
}

function rows(sql: string): readonly Record<string, unknown>[] {
  const db = new Database(signer.store);
  try {
    return db.prepare<[], Record<string, unknown>>(sql).all();
  } finally {
    db.close();
  }
}

function edit(...statements: readonly string[]): void {
  const db = new Database(signer.store);
  for (const statement of statements) db.exec(statement);
  db.close();
}

/** Puts a copy of the store file in place; a write-ahead log that is left belongs to the other one. */
function restore(copy: string): void {
  for (const suffix of ["-wal", "-shm"]) rmSync(signer.store + suffix, { force: true });
  copyFileSync(copy, signer.store);
}
