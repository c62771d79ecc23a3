import { createHash } from "node:crypto";
import {
  appendFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { nodeHost, sha256 } from "../../host/crypto-host.ts";
import { hex, utf8 } from "../../manifests/encoding/bytes.ts";
import { canonical } from "../../manifests/encoding/canonical-json.ts";
import { BroughtReader } from "../../manifests/records/plain-list.ts";
import { type Policy, readPolicy } from "../../manifests/records/policy.ts";
import type { RefusalCode } from "../../manifests/refusal.ts";
import { type TakeJob, take } from "../../media/intake/take.ts";
import { Watch } from "../../media/intake/watch.ts";
import { changeLastByte } from "../host/change-file.ts";
import { type Issued, issue, makeRoot } from "../pki/authority.ts";
import { armoured, envelopeParts, inBer, inDer, type Over, smime } from "../pki/plain.ts";
import { makeBatch, now, oids, policyText, root } from "./signed-batch.ts";

const desk = issue(root, { name: "Plain desk", eku: [oids.plainSubmitter] });
const issuer = issue(root, { name: "Issuer", ca: true });
const below = issue(issuer, { name: "Below", eku: [oids.plainSubmitter] });
const plain: Policy = { ...readPolicy(utf8(policyText({}))), submitters: rules({ maximumAgeSeconds: 86_400 }) };

function rules(plainEnvelopes: Policy["submitters"]["plainEnvelopes"]): Policy["submitters"] {
  return { plainEnvelopes, roots: [root.certificate] };
}

let stick: string;
let spool: string;
let folder: string;
beforeEach(async () => {
  stick = await mkdtemp(join(tmpdir(), "coldseal-stick-"));
  spool = await mkdtemp(join(tmpdir(), "coldseal-spool-"));
  folder = join(stick, "coldseal/inbox/batch-1");
  mkdirSync(folder, { recursive: true });
});
afterEach(async () => {
  await rm(stick, { recursive: true, force: true });
  await rm(spool, { recursive: true, force: true });
});

function taking(more: Partial<TakeJob> = {}, into = "one", watch = new Watch(60_000, () => undefined)) {
  const job = { root: stick, folder: "batch-1", into: join(spool, into), policy: plain, oids, now, settleOver: false };
  return take(nodeHost, { ...job, ...more }, watch, { documents: 0, of: 0, bytes: 0, ofBytes: 0 });
}

async function put(file: string, content: string | Uint8Array, signer: Issued = desk, over: Over = {}): Promise<void> {
  writeFileSync(join(folder, file), inDer(await envelopeParts(signer, content, over)));
}

const ready = (count: number | string) => writeFileSync(join(folder, "READY"), `${count}`);

/** Two envelopes and their READY. */
async function two(signer: Issued = desk, over: Over = {}): Promise<void> {
  await put("b.txt.p7m", "second", signer, over);
  await put("a.txt.p7m", "first", signer, over);
  ready(2);
}

function brought(into = "one") {
  const reader = new BroughtReader(1000);
  return [...reader.push(readFileSync(join(spool, into, "envelopes.jsonl")))];
}

describe("a folder of plain envelopes", () => {
  it("SAME-BYTES: contents stand in the private copy, in the order of the names' bytes; the digest is of key, sizes and digests", async () => {
    await put("b.txt.p7m", "second");
    await put("a.txt.p7m", "first");
    await put("Z.p7m", "");
    writeFileSync(join(folder, "a.bin.PEM"), armoured(inBer(await envelopeParts(desk, "third"))));
    writeFileSync(join(folder, "é.eml"), smime(inDer(await envelopeParts(desk, "fourth"))));
    writeFileSync(join(folder, ".DS_Store"), "x");
    ready("5\r\n");
    const taken = await taking();
    const contents = ["", "third", "first", "second", "fourth"];
    expect(taken).toMatchObject({ outcome: "taken", count: 5, bytes: 22, ignored: [".DS_Store"] });
    if (taken.outcome !== "taken") throw new Error("unreachable");
    expect(taken.head).toEqual({
      digestAlgorithm: "sha256",
      expires: "2026-11-24T11:00:00Z",
      mode: "test",
      type: "plain-envelopes",
      version: 1,
    });
    expect(readdirSync(join(spool, "one/documents"))).toHaveLength(5);
    contents.forEach((content, at) => {
      expect(readFileSync(join(spool, "one/documents", `00000${at + 1}`)).toString()).toBe(content);
    });
    expect(brought().map(({ file, name, size }) => [file, name, size])).toEqual([
      ["Z.p7m", "Z", 0],
      ["a.bin.PEM", "a.bin", 5],
      ["a.txt.p7m", "a.txt", 5],
      ["b.txt.p7m", "b.txt", 6],
      ["é.eml", "é", 6],
    ]);
    const documents = contents.map((content) => ({
      digest: createHash("sha256").update(content).digest("hex"),
      size: content.length,
    }));
    const composition = canonical({ documents, submitter: hex(sha256(desk.spki)) });
    expect(taken.batchDigest).toBe(createHash("sha256").update(composition).digest("hex"));
  });

  it("T14: in other forms, under other names in the same order, signed at another time: the same batch digest", async () => {
    await two();
    const first = await taking();
    rmSync(join(folder, "a.txt.p7m"));
    writeFileSync(
      join(folder, "0.eml"),
      smime(inBer(await envelopeParts(desk, "first", { signingTime: "2026-11-23T11:30:00Z" }))),
    );
    expect(await taking({}, "two")).toMatchObject({ batchDigest: (first as { batchDigest: string }).batchDigest });
  });

  it("T26: names that would be taken for one, or are none, stay whole", async () => {
    for (const file of ["a.p7m", "a.pem", "a.p7m.p7m", ".p7m", "b .p7m"]) await put(file, file);
    ready(5);
    expect(await taking()).toMatchObject({ outcome: "taken" });
    expect(brought().map(({ name }) => name)).toEqual([".p7m", "a.p7m", "a.p7m.p7m", "a.pem", "b .p7m"]);
  });

  it("NOTHING-LOST: waits for READY, and for as many envelopes as it says", async () => {
    await put("a.p7m", "a");
    expect(await taking()).toMatchObject({
      outcome: "incomplete",
      missing: ["READY"],
      got: expect.stringContaining("no READY"),
    });
    ready("");
    expect(await taking()).toMatchObject({ outcome: "incomplete", missing: ["READY"] });
    ready(2);
    expect(await taking()).toMatchObject({ outcome: "incomplete", missingCount: 1, got: "1 of 2 envelopes" });
    expect(existsSync(join(spool, "one"))).toBe(false);
    await expect(taking({ settleOver: true })).rejects.toMatchObject({ code: "DOCUMENT-COUNT" });
    rmSync(join(folder, "READY"));
    await expect(taking({ settleOver: true })).rejects.toMatchObject({ code: "DOCUMENT-MISSING" });
  });

  it("SEAL-ONCE: what the policy of today refuses was read to its end, so that it can be asked whether it was sealed", async () => {
    await two();
    await expect(taking({ policy: { ...plain, submitters: rules(false) } })).rejects.toMatchObject({
      code: "ENVELOPE-POLICY",
    });
    expect(brought()).toHaveLength(2);
    expect(readdirSync(join(spool, "one/documents"))).toEqual([]);
  });
});

describe("a batch that was not read to its end", () => {
  it("SEAL-ONCE: leaves no list by which a part of it could be taken for a batch that was sealed", async () => {
    await two();
    const limits = { ...plain.limits, documentBytes: 5 };
    await expect(taking({ policy: { ...plain, limits } })).rejects.toMatchObject({ code: "MEDIA-LIMIT" });
    expect(existsSync(join(spool, "one/envelopes.jsonl"))).toBe(false);
  });
});

type Making = () => void | Promise<void>;

/** Two envelopes, and then something else. */
function also(act: Making): Making {
  return async () => {
    await two();
    await act();
  };
}

describe("what is refused", () => {
  it.each<[string, RefusalCode, Making, Partial<TakeJob>?]>([
    ["READY that says less", "DOCUMENT-COUNT", also(() => ready(1))],
    ["READY that is no number", "DOCUMENT-COUNT", also(() => ready("two"))],
    ["READY with words after the number", "DOCUMENT-COUNT", also(() => ready("2 envelopes"))],
    ["READY with a leading zero", "DOCUMENT-COUNT", also(() => ready("02"))],
    ["READY of none", "DOCUMENT-COUNT", () => ready(0)],
    ["READY without envelopes", "DOCUMENT-COUNT", () => ready(1), { settleOver: true }],
    ["another file", "DOCUMENT-EXTRA", also(() => writeFileSync(join(folder, "notes.txt"), "x"))],
    ["a folder documents", "DOCUMENT-EXTRA", also(() => mkdirSync(join(folder, "documents")))],
    ["another folder", "MEDIA-KIND", also(() => mkdirSync(join(folder, "c.p7m")))],
    ["a link", "MEDIA-KIND", also(() => symlinkSync("/etc/hostname", join(folder, "c.p7m")))],
    ["a hard link", "MEDIA-KIND", also(() => linkSync(join(folder, "a.txt.p7m"), join(folder, "c.p7m")))],
    ["Ready", "MEDIA-NAME", also(() => writeFileSync(join(folder, "Ready"), "2"))],
    [
      "two names that FAT takes for one",
      "DOCUMENT-TWICE",
      also(async () => {
        await put("A.TXT.P7M", "x");
        ready(3);
      }),
    ],
    [
      "a name with a bidirectional mark",
      "DOCUMENT-NAME",
      also(async () => {
        await put("\u202e.p7m", "x");
        ready(3);
      }),
    ],
    ["no envelope", "ENVELOPE-FORM", also(() => writeFileSync(join(folder, "b.txt.p7m"), "x"))],
    [
      "two submitters",
      "SUBMITTER-MIXED",
      also(() => put("b.txt.p7m", "x", below, { certificates: [issuer.certificate] })),
    ],
    ["another content than was signed", "CMS-DIGEST", async () => two(desk, { digest: new Uint8Array(32) })],
    ["a changed signature", "CMS-SIGNATURE", also(() => change("b.txt.p7m"))],
    ["the usage of signed requests", "PATH-USAGE", () => two(issue(root, { name: "x", eku: [oids.submitter] }))],
    [
      "another root",
      "PATH-ROOT",
      () => two(issue(makeRoot({ name: "Submitters" }), { name: "x", eku: [oids.plainSubmitter] })),
    ],
    [
      "a certificate that ended",
      "PATH-TIME",
      () => two(issue(root, { name: "x", eku: [oids.plainSubmitter], notAfter: "2026-11-23T11:59:59Z" })),
    ],
    ["an issuer that is missing", "PATH-ROOT", () => two(below)],
    [
      "a certificate that belongs to nobody",
      "CMS-CERTIFICATE",
      () => two(desk, { certificates: [issuer.certificate] }),
    ],
    ["too old", "BATCH-EXPIRED", () => two(desk, { signingTime: "2026-11-22T11:59:59Z" })],
    ["signed in the future", "CLOCK", () => two(desk, { signingTime: "2026-11-23T12:01:01Z" })],
    [
      "another digest than the policy's",
      "POLICY-PROFILE",
      () => two(issue(root, { name: "x", eku: [oids.plainSubmitter], suite: "ecdsa-p384-sha384" })),
    ],
    ["the key of an operator", "PERSON-EXCLUDED", () => two(), { policy: withOperator() }],
    ["too many", "MEDIA-LIMIT", () => two(), { policy: { ...plain, limits: { ...plain.limits, documents: 1 } } }],
    ["too large", "MEDIA-LIMIT", () => two(), { policy: { ...plain, limits: { ...plain.limits, documentBytes: 5 } } }],
    [
      "too large together",
      "MEDIA-LIMIT",
      () => two(),
      { policy: { ...plain, limits: { ...plain.limits, batchBytes: 10 } } },
    ],
    ["a policy that takes none", "ENVELOPE-POLICY", () => two(), { policy: { ...plain, submitters: rules(false) } }],
  ])("T11: %s: %s", async (_, code, make, more = {}) => {
    await make();
    await expect(taking(more)).rejects.toMatchObject({ code });
  });

  it("T11: an intermediate in the envelope leads to the root", async () => {
    await two(below, { certificates: [issuer.certificate] });
    expect(await taking()).toMatchObject({ outcome: "taken", submitter: { name: expect.stringContaining("Below") } });
  });

  it("DOCUMENT-EXTRA: a signed request with envelopes or READY beside it is neither one nor the other", async () => {
    rmSync(folder, { recursive: true });
    await makeBatch(stick, { "a.txt": "a" });
    ready(1);
    await expect(taking()).rejects.toMatchObject({ code: "DOCUMENT-EXTRA" });
    rmSync(join(folder, "READY"));
    await put("a.p7m", "a");
    await expect(taking({}, "two")).rejects.toMatchObject({ code: "DOCUMENT-EXTRA" });
  });

  it.each<[string, () => void]>([
    ["grows", () => appendFileSync(join(folder, "a.p7m"), "x")],
    ["is written again", () => writeFileSync(join(folder, "a.p7m"), readFileSync(join(folder, "a.p7m")))],
    [
      "is no envelope any more",
      () => writeFileSync(join(folder, "a.p7m"), readFileSync(join(folder, "a.p7m")).fill(0)),
    ],
  ])("T3: an envelope that %s while it is read: MEDIA-CHANGED", async (_, act) => {
    await put("a.p7m", new Uint8Array(3 << 20));
    ready(1);
    const watch = new Watch(60_000, () => undefined);
    const tick = watch.tick.bind(watch);
    let count = 0;
    watch.tick = () => {
      if (++count === 6) act();
      tick();
    };
    await expect(taking({}, "one", watch)).rejects.toMatchObject({ code: "MEDIA-CHANGED" });
  });

  it("T4: a refusal names the envelope that it is about", async () => {
    await two();
    writeFileSync(join(folder, "b.txt.p7m"), "x");
    await expect(taking()).rejects.toMatchObject({
      about: "b.txt.p7m",
      message: expect.stringMatching(/^b\.txt\.p7m: /),
    });
  });
});

function change(file: string): void {
  changeLastByte(join(folder, file));
}

function withOperator(): Policy {
  return {
    ...plain,
    people: [{ id: "op1", name: "Operator 1", roles: ["operator"], certificates: [desk.certificate] }],
  };
}
