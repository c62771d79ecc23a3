/** Plain envelopes at the signer, which is told lies by whoever brings them. Fake token, real store and checks. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { authorize, reject } from "../../appliance/signer/authorize.ts";
import { importPolicy } from "../../appliance/signer/import-policy.ts";
import { openBox } from "../../appliance/signer/open-box.ts";
import { receipt } from "../../appliance/signer/receipt.ts";
import { nodeHost, sha256 } from "../../host/crypto-host.ts";
import { readSignedData } from "../../manifests/cms/read.ts";
import { signedData } from "../../manifests/cms/write.ts";
import { concat, hex, utf8 } from "../../manifests/encoding/bytes.ts";
import { canonical } from "../../manifests/encoding/canonical-json.ts";
import { content as contentOf, readElement } from "../../manifests/encoding/der-read.ts";
import { der, derNull, octetString, sequence } from "../../manifests/encoding/der-write.ts";
import { oid } from "../../manifests/encoding/oid.ts";
import type { Policy } from "../../manifests/records/policy.ts";
import type { RefusalCode } from "../../manifests/refusal.ts";
import { verifyBundle } from "../../manifests/verify/bundle.ts";
import { memorySource } from "../bundle/memory-source.ts";
import { fingerprint, issue, makeRoot } from "../pki/authority.ts";
import { type BroughtDocument, broughtBy, envelopeParts, inDer, withoutContent } from "../pki/plain.ts";
import {
  authorization,
  dissent,
  following,
  fromNow,
  listOf,
  makeBatch,
  oids,
  operators,
  root,
  secondTokenOfOp1,
  signPolicy,
  submitter,
} from "./signer/people.ts";
import { type BroughtBatch, codeOf, filesOf, manifestIn, TestBox } from "./signer/test-box.ts";

const desk = issue(root, { name: "Plain desk", eku: [oids.plainSubmitter] });
const otherDesk = issue(root, { name: "Other plain desk", eku: [oids.plainSubmitter] });
const plainRules = { submitters: { plainEnvelopes: { maximumAgeSeconds: 3600 }, roots: [root.certificate] } };

let box: TestBox;
beforeEach(async () => {
  box = await TestBox.make(plainRules);
});
afterEach(() => box.remove());

const over = { signingTime: fromNow(-60) };
const documents: readonly BroughtDocument[] = [
  { file: "a.txt.p7m", content: "first", over },
  { file: "b.txt.p7m", content: "second", over },
  { file: "c.p7m", content: "", over },
];

/** A batch as intake hands it over, and its digest as anyone computes it. */
async function bring(list: readonly BroughtDocument[] = documents, signer = desk): Promise<BroughtBatch> {
  const digested = list.map(({ content, size }) => ({
    digest: hex(sha256(typeof content === "string" ? utf8(content) : content)),
    size: size ?? content.length,
  }));
  const batchDigest = hex(sha256(utf8(canonical({ documents: digested, submitter: hex(sha256(signer.spki)) }))));
  return { kind: "plain-envelopes", p7m: await broughtBy(signer, list), batchDigest };
}

const again = (list: readonly BroughtDocument[], signingTime: string) =>
  list.map((one) => ({ ...one, over: { signingTime } }));

async function sealed(batch: BroughtBatch): Promise<ReadonlyMap<string, Uint8Array>> {
  await box.unlock();
  await box.authorised(batch);
  const { number } = await box.seal(batch);
  return filesOf(box, number);
}

async function adopt(change: Partial<Policy>): Promise<void> {
  await importPolicy(box.box, await signPolicy(following(box.policy, change), ["op1", "op2"]));
}

describe("plain envelopes at the signer", () => {
  it("QUORUM: sealed after M people approved the digest of key, sizes and digests; the manifest says what nobody signed", async () => {
    const batch = await bring();
    const challenge = await box.challenge(batch);
    expect(challenge).toMatchObject({ batchDigest: batch.batchDigest, bytes: 11, count: 3, mode: "test" });
    const files = await sealed(batch);
    const { request, documents: list } = manifestIn(files);
    expect(request).toEqual({
      composition: "signed by nobody",
      digest: batch.batchDigest,
      file: hex(sha256(files.get("envelopes/list.jsonl") as Uint8Array)),
      identity: expect.any(String),
      kind: "plain-envelopes",
      namesAndSizes: "as intake reported them",
      submitter: {
        certificate: fingerprint(desk.certificate),
        key: hex(sha256(desk.spki)),
        name: "CN=Plain desk,O=Coldseal test",
      },
    });
    expect(list).toMatchObject({ bytes: 11, count: 3, sealed: 3 });
    expect([...files.keys()].filter((path) => path.startsWith("envelopes/"))).toEqual([
      "envelopes/list.jsonl",
      "envelopes/0000/000001-a.txt.p7m",
      "envelopes/0000/000002-b.txt.p7m",
      "envelopes/0000/000003-c.p7m",
    ]);
    expect(files.has("batch.p7m")).toBe(false);
  });

  it("CHECKED-OUT: a bundle of them verifies, and so it does with their contents; a wrong content is named", async () => {
    const files = new Map(await sealed(await bring()));
    const trust = { roots: [root.certificate], genesis: box.config.genesis };
    const verify = () => verifyBundle(nodeHost, memorySource({ files }), trust);
    expect(await verify()).toMatchObject({
      ok: true,
      kind: "plain-envelopes",
      batch: null,
      documents: { checked: 0, count: 3, notPresented: 3 },
      quorum: "pinned to genesis",
      seals: { checked: 3 },
    });
    files.set("documents/0000/000001-a.txt", utf8("first"));
    files.set("documents/0000/000003-c", new Uint8Array(0));
    expect(await verify()).toMatchObject({ ok: true, documents: { checked: 2, notPresented: 1 } });
    files.set("documents/0000/000001-a.txt", utf8("First"));
    files.set("documents/0000/000004-d", utf8("x"));
    expect((await verify()).findings.map(({ code, file }) => [code, file])).toEqual([
      ["DOCUMENT-DIGEST", "documents/0000/000001-a.txt"],
      ["BUNDLE-FORM", "documents/0000/000004-d"],
    ]);
  });

  it("CHECKED-OUT: a changed byte in any of its files is found, and this file alone is named", async () => {
    const files = await sealed(await bring());
    const trust = { roots: [root.certificate], genesis: box.config.genesis };
    for (const [path, bytes] of files) {
      for (const at of [0, 1, bytes.length >> 1, bytes.length - 1]) {
        const changed = bytes.slice();
        changed[at] = (changed[at] as number) ^ 1;
        const verdict = await verifyBundle(
          nodeHost,
          memorySource({ files: new Map([...files, [path, changed]]) }),
          trust,
        );
        const blamed = new Set(verdict.findings.map(({ file }) => file));
        expect([...blamed], `${path} byte ${at}`).toEqual([path]);
      }
      const less = new Map([...files].filter(([one]) => one !== path));
      const { ok, findings } = await verifyBundle(nodeHost, memorySource({ files: less }), trust);
      expect(ok, path).toBe(false);
      expect(
        findings.every(({ file }) => file === path),
        path,
      ).toBe(true);
    }
    const more = new Map([...files, ["envelopes/0000/000004-d.p7m", utf8("x")], ["batch.p7m", utf8("x")]]);
    const { findings } = await verifyBundle(nodeHost, memorySource({ files: more }), trust);
    expect(findings.map(({ code, file }) => [code, file])).toEqual([
      ["BUNDLE-FORM", "envelopes/0000/000004-d.p7m"],
      ["BUNDLE-FORM", "batch.p7m"],
    ]);
  });

  it("CHECKED-OUT: an envelope over the same document, by the same submitter, but not the one that was approved, is named", async () => {
    const files = await sealed(await bring());
    const trust = { roots: [root.certificate], genesis: box.config.genesis };
    const path = "envelopes/0000/000001-a.txt.p7m";
    const other = withoutContent(await envelopeParts(desk, "first", { signingTime: fromNow(-30) }));
    const { findings } = await verifyBundle(
      nodeHost,
      memorySource({ files: new Map([...files, [path, other]]) }),
      trust,
    );
    expect(findings.map(({ code, file }) => [code, file])).toEqual([["MANIFEST-BIND", path]]);
  });

  it("CHAIN: a changed row of an envelope, or a reported name or size, stops the box", async () => {
    const batch = await bring();
    await box.challenge(batch);
    box.kill();
    for (const edit of [
      "UPDATE envelopes SET bytes = x'3000' WHERE idx = 2",
      "UPDATE envelopes SET file = 'b.p7m' WHERE idx = 2",
      "UPDATE documents SET name = 'b' WHERE idx = 2",
      "UPDATE documents SET size = 7 WHERE idx = 2",
      "DELETE FROM envelopes WHERE idx = 3",
    ]) {
      await box.open();
      const { db } = box.box;
      const triggers = db
        .prepare<[], { name: string; sql: string }>("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        .all();
      const rows = [db.prepare("SELECT * FROM envelopes").all(), db.prepare("SELECT * FROM documents").all()];
      for (const { name } of triggers) db.exec(`DROP TRIGGER ${name}`);
      db.exec(edit);
      for (const { sql } of triggers) db.exec(sql);
      box.kill();
      const opened = await openBox(box.parts());
      expect(opened.fault?.code, edit).toBe("CHAIN");
      for (const { name } of triggers) opened.db.exec(`DROP TRIGGER ${name}`);
      opened.db.exec("DELETE FROM envelopes; DELETE FROM documents");
      for (const [at, table] of (["envelopes", "documents"] as const).entries()) {
        for (const row of rows[at] as { [column: string]: unknown }[]) {
          const columns = Object.keys(row);
          const sql = `INSERT INTO ${table} (${columns.join()}) VALUES (${columns.map(() => "?").join()})`;
          opened.db.prepare(sql).run(...columns.map((column) => row[column]));
        }
      }
      for (const { sql } of triggers) opened.db.exec(sql);
      opened.db.close();
    }
    await box.open();
    expect(box.box.fault).toBeUndefined();
  });

  it("T9: RSA PKCS#1 v1.5, PSS and ECDSA are taken, with the policy's digest", async () => {
    for (const suite of ["rsa-pkcs1-sha256", "rsa-pss-sha256", "ecdsa-p256-sha256"] as const) {
      const signer = issue(root, { name: suite, eku: [oids.plainSubmitter], suite });
      expect(await codeOf(box.submit(await bring(documents, signer))), suite).toBe("none");
    }
    for (const suite of ["rsa-pkcs1-sha384", "rsa-pss-sha512", "ecdsa-p384-sha384"] as const) {
      const signer = issue(root, { name: suite, eku: [oids.plainSubmitter], suite });
      expect(await codeOf(box.submit(await bring(documents, signer))), suite).toBe("POLICY-PROFILE");
    }
  });
});

/** Lines in which one envelope is another. */
const withEnvelope = (envelope: Uint8Array) => documents.map((one, at) => (at === 1 ? { ...one, envelope } : one));

async function envelopeWith(change: (info: Uint8Array) => Uint8Array): Promise<Uint8Array> {
  const { certificates, signerInfos } = await envelopeParts(desk, "second", over);
  const info = change(signerInfos[0] as Uint8Array);
  // Assembled by hand: our own writer would not write some of these.
  return withSigner(
    signedData({ eContentType: oid.data, certificates, signerInfos }),
    signerInfos[0] as Uint8Array,
    info,
  );
}

/** The SignedData with its one SignerInfo put in place of another. */
function withSigner(data: Uint8Array, old: Uint8Array, info: Uint8Array): Uint8Array {
  const at = Buffer.from(data).indexOf(Buffer.from(old));
  const grown = info.length - old.length;
  const raw = concat([data.subarray(0, at), info, data.subarray(at + old.length)]);
  return grown === 0 ? raw : relength(data, at, info);
}

/** Writes the elements around position `at` anew, around `inner` in place of the rest. */
function relength(data: Uint8Array, at: number, inner: Uint8Array): Uint8Array {
  const write = (start: number, end: number): Uint8Array => {
    const parts: Uint8Array[] = [];
    for (let here = start; here < end; ) {
      const element = readElement(data, here, end);
      if (here === at) parts.push(inner);
      else if (element.headerStart < at && element.end > at)
        parts.push(der(element.tag, write(element.start, element.end)));
      else parts.push(data.subarray(element.headerStart, element.end));
      here = element.end;
    }
    return concat(parts);
  };
  return write(0, data.length);
}

function infoParts(info: Uint8Array): Uint8Array[] {
  const outer = readElement(info, 0);
  const parts: Uint8Array[] = [];
  for (let at = outer.start; at < outer.end; at = readElement(info, at).end) {
    const element = readElement(info, at);
    parts.push(info.subarray(element.headerStart, element.end));
  }
  return parts;
}

describe("lies to the signer", () => {
  it.each<[string, RefusalCode, () => Promise<BroughtBatch> | BroughtBatch]>([
    ["no envelope", "SHAPE", () => ({ kind: "plain-envelopes", p7m: new Uint8Array(0), batchDigest: "" })],
    ["a line that is not canonical", "JSON", async () => ({ ...(await bring()), p7m: utf8('{ "file":"a" }\n') })],
    ["a line without end", "JSON", async () => cut(await bring())],
    ["another order", "SHAPE", () => bring([...documents].reverse())],
    ["one twice", "SHAPE", () => bring([documents[0], documents[0]] as BroughtDocument[])],
    [
      "a name that the file does not give",
      "SHAPE",
      () => bring([{ ...documents[0], name: "other" } as BroughtDocument]),
    ],
    [
      "a name out of the folder",
      "DOCUMENT-NAME",
      () => bring([{ ...documents[0], file: "../x.p7m" } as BroughtDocument]),
    ],
    [
      "two names that FAT takes for one",
      "DOCUMENT-TWICE",
      () =>
        bring([
          { ...documents[0], file: "A.p7m" },
          { ...documents[1], file: "a.p7m" },
        ] as BroughtDocument[]),
    ],
    [
      "an envelope of another submitter",
      "SUBMITTER-MIXED",
      () => bring(documents.map((one, at) => (at === 1 ? { ...one, signer: otherDesk } : one))),
    ],
    [
      "the same key under another certificate",
      "SUBMITTER-MIXED",
      () =>
        bring(
          documents.map((one, at) =>
            at === 1
              ? { ...one, signer: issue(root, { name: "Plain desk", eku: [oids.plainSubmitter], key: desk.key }) }
              : one,
          ),
        ),
    ],
    ["another digest than was signed", "CMS-SIGNATURE", async () => bring(withEnvelope(await otherDigest()))],
    [
      "no signed attributes",
      "CMS-ATTRIBUTES",
      async () =>
        bring(withEnvelope(await envelopeWith((info) => sequence(...infoParts(info).filter((_, at) => at !== 3))))),
    ],
    [
      "unsigned attributes",
      "CMS-FORM",
      async () =>
        bring(
          withEnvelope(
            await envelopeWith((info) =>
              sequence(...infoParts(info), der(0xa1, sequence(derOid(), der(0x31, derNull)))),
            ),
          ),
        ),
    ],
    ["content inside", "CMS-FORM", async () => bring(withEnvelope(inDer(await envelopeParts(desk, "second", over))))],
    [
      "BER",
      "DER",
      async () =>
        bring(
          withEnvelope(
            concat([
              Uint8Array.of(0x30, 0x80),
              withoutContent(await envelopeParts(desk, "second", over)).subarray(4),
              Uint8Array.of(0, 0),
            ]),
          ),
        ),
    ],
    ["another type of content", "CMS-TYPE", async () => bring(withEnvelope(await otherType()))],
    ["a request's certificate", "PATH-USAGE", () => bring(documents, submitter)],
    [
      "another root",
      "PATH-ROOT",
      () => bring(documents, issue(makeRoot({ name: "Test root" }), { name: "x", eku: [oids.plainSubmitter] })),
    ],
    [
      "an operator",
      "PERSON-EXCLUDED",
      () => bring(documents, issue(root, { name: "x", eku: [oids.plainSubmitter], key: secondTokenOfOp1.key })),
    ],
    [
      "an envelope that is too old among others",
      "BATCH-EXPIRED",
      () => bring(documents.map((one, at) => (at === 2 ? { ...one, over: { signingTime: fromNow(-3700) } } : one))),
    ],
    ["one of tomorrow", "CLOCK", () => bring(again(documents, fromNow(86_400)))],
    ["a signed request", "JSON", async () => ({ ...(await makeBatch(listOf(2, "a"))), kind: "plain-envelopes" })],
    ["envelopes as a signed request", "CMS-FORM", async () => ({ ...(await bring()), kind: "signed-request" })],
  ])("QUORUM: %s: %s, and nothing of it is kept", async (_, code, lie) => {
    expect(await codeOf(box.submit(await lie()))).toBe(code);
    for (const table of ["requests", "documents", "envelopes", "challenges", "request_parts"]) {
      expect(box.box.db.prepare(`SELECT count(*) FROM ${table}`).pluck().get(), table).toBe(0);
    }
  });

  it("HONEST: a size that is not true makes another batch, which is what people approve", async () => {
    const lied = await bring([{ ...documents[0], size: 6 } as BroughtDocument, ...documents.slice(1)]);
    expect(lied.batchDigest).not.toBe((await bring()).batchDigest);
    expect((await box.challenge(lied)).bytes).toBe(12);
  });

  it("QUORUM: a policy that takes none", async () => {
    await adopt({ submitters: { plainEnvelopes: false, roots: [root.certificate] } });
    expect(await codeOf(box.submit(await bring()))).toBe("ENVELOPE-POLICY");
  });

  it("QUORUM: approvals of envelopes that grew too old, or whose certificate was revoked, are not taken", async () => {
    const batch = await bring();
    const challenge = await box.challenge(batch);
    const signed = await authorization(challenge, operators.op1, operators.op2);
    box.clocks.offset += 3_700_000;
    expect(await codeOf(authorize(box.box, batch.batchDigest, signed))).toBe("CHALLENGE-EXPIRED");
    box.clocks.offset = 0;
    await adopt({ revoked: [fingerprint(desk.certificate)] });
    expect(await codeOf(box.submit(batch))).toBe("PATH-REVOKED");
  });
});

describe("SEAL-ONCE", () => {
  it("SEAL-ONCE: the same contents in other envelopes, under other names, get the first receipt, byte for byte", async () => {
    await sealed(await bring());
    const first = concat([...receipt(box.box, 1)].map((part) => part.slice()));
    const renamed = again(documents, fromNow(-10)).map((one, at) => ({ ...one, file: `${at}.p7m` }));
    const batch = await bring(renamed);
    expect(await box.submit(batch, "other")).toMatchObject({
      outcome: "already",
      number: 1,
      batchDigest: batch.batchDigest,
    });
    expect(concat([...receipt(box.box, 1)].map((part) => part.slice()))).toEqual(first);
    expect(await box.submit(await bring(documents, otherDesk))).toMatchObject({ outcome: "challenge" });
  });

  it("SEAL-ONCE: also when they are too old by now, or the policy takes none any more", async () => {
    const batch = await bring();
    await sealed(batch);
    box.clocks.offset += 86_400_000;
    expect(await box.submit(batch)).toMatchObject({ outcome: "already", number: 1 });
    await adopt({ submitters: { plainEnvelopes: false, roots: [root.certificate] } });
    expect(await box.findSealed(batch)).toMatchObject({ number: 1, count: 3, head: { type: "plain-envelopes" } });
    expect(await box.findSealed(await bring(documents, otherDesk))).toBeUndefined();
  });

  it("SEAL-ONCE: signed anew after a rejection, or when they were too old, they are another batch; not before", async () => {
    const batch = await bring();
    const challenge = await box.challenge(batch);
    await reject(box.box, batch.batchDigest, await dissent(challenge, "rejection", operators.op1));
    expect(await codeOf(box.submit(batch))).toBe("BATCH-ENDED");
    const anew = await bring(again(documents, fromNow(-30)));
    expect(anew.batchDigest).toBe(batch.batchDigest);
    const second = await box.challenge(anew);
    expect(second.nonce).not.toBe(challenge.nonce);
    // Not another one as long as this one is open.
    expect(await box.challenge(await bring(again(documents, fromNow(-20))))).toEqual(second);
    box.clocks.offset += 3_700_000;
    expect(await codeOf(box.submit(anew))).toBe("BATCH-EXPIRED");
    const third = await bring(again(documents, fromNow(3_600)));
    expect((await box.challenge(third)).nonce).not.toBe(second.nonce);
    await box.restart();
    expect(box.box.fault).toBeUndefined();
  });
});

function cut(batch: BroughtBatch): BroughtBatch {
  return { ...batch, p7m: batch.p7m.subarray(0, -1) };
}

function derOid(): Uint8Array {
  return der(0x06, Uint8Array.of(0x2a, 3));
}

/** The signed attributes of one document with the digest of another put in. */
async function otherDigest(): Promise<Uint8Array> {
  return envelopeWith((info) => {
    const bytes = Buffer.from(info);
    const at = bytes.indexOf(Buffer.from(octetString(sha256(utf8("second")))));
    const out = new Uint8Array(info);
    out.set(sha256(utf8("other")), at + 2);
    return out;
  });
}

/** Not id-data, everywhere. */
async function otherType(): Promise<Uint8Array> {
  const parts = await envelopeParts(desk, "second", over);
  const data = signedData({
    eContentType: oids.request,
    certificates: parts.certificates,
    signerInfos: parts.signerInfos,
  });
  expect(readSignedData(data).eContentType).toBe(oids.request);
  expect(contentOf(data, readElement(data, 0)).length).toBeGreaterThan(0);
  return data;
}
