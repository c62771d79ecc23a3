import { execFileSync } from "node:child_process";
import { createPrivateKey, generateKeyPairSync, sign as signWith } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { Opener } from "../../../ceremony/shares/seal-piece.ts";
import { joinShares, openShare, type SplitMade, splitPin } from "../../../ceremony/shares/split.ts";
import { nodeHost } from "../../../host/crypto-host.ts";
import { fromUtf8, utf8 } from "../../../manifests/encoding/bytes.ts";
import { canonicalBytes, type Json } from "../../../manifests/encoding/canonical-json.ts";
import { readWrapped, type ShareRecord, verifyShare } from "../../../manifests/records/share.ts";
import { codeOf } from "../software-box.ts";

const cost = { N: 1 << 10, p: 1, r: 8 };
const audit = generateKeyPairSync("ec", { namedCurve: "P-256" });
const auditSpki = new Uint8Array(audit.publicKey.export({ type: "spki", format: "der" }));
const sign = async (message: Uint8Array) =>
  new Uint8Array(signWith("sha256", message, { key: audit.privateKey, dsaEncoding: "der" }));
const pin = utf8("k7mq-29xd-random-pin-4711");

const dir = mkdtempSync(join(tmpdir(), "coldseal-shares-"));
const keyFile = join(dir, "key.pem");
const certificate = encryptionCertificate("keyEncipherment");
const key = createPrivateKey(execFileSync("cat", [keyFile]));

function encryptionCertificate(usage: string): Uint8Array {
  const words = ["req", "-x509", "-newkey", "rsa:2048", "-noenc", "-keyout", keyFile, "-subj", "/CN=op3 encryption"];
  return execFileSync(
    "openssl",
    [...words, "-addext", `keyUsage=critical,${usage}`, "-addext", "basicConstraints=CA:FALSE", "-outform", "DER"],
    {
      stdio: ["ignore", "pipe", "ignore"],
    },
  );
}

const passphrases = new Map([
  ["op1", "correct horse"],
  ["op2", "battery staple"],
]);
const wanted = {
  appliance: "box-1",
  token: "0badc0de",
  purpose: "unlock" as const,
  threshold: 2,
  now: "2026-11-26T12:00:00Z",
  cost,
};
const passphrase = (id: string): Opener => ({ kind: "passphrase", passphrase: utf8(passphrases.get(id) ?? "") });
const holders = [
  { id: "op1", protect: passphrase("op1") as Extract<Opener, { kind: "passphrase" }> },
  { id: "op2", protect: passphrase("op2") as Extract<Opener, { kind: "passphrase" }> },
  { id: "op3", protect: { kind: "certificate" as const, certificate } },
];
const openerFor = async ({ holder }: ShareRecord): Promise<Opener> =>
  holder === "op3" ? { kind: "key", key } : passphrase(holder);

let made: SplitMade;
let other: SplitMade;
const fileOf = (holder: string, of = made) => of.shares.find((one) => one.holder === holder)?.file as Uint8Array;
const open = (holder: string, of = made) => openShare(fileOf(holder, of), made.wrapped, [auditSpki], openerFor);

beforeAll(async () => {
  made = await splitPin(pin, { ...wanted, holders }, sign);
  other = await splitPin(pin, { ...wanted, holders }, sign);
  return () => rmSync(dir, { recursive: true, force: true });
});

describe("a PIN that is split", () => {
  it("SHARES: any two of three open it, whichever way they are sealed", async () => {
    for (const pair of [
      ["op1", "op2"],
      ["op2", "op3"],
      ["op3", "op1"],
    ]) {
      const opened = await Promise.all(pair.map((one) => open(one)));
      expect(fromUtf8(await joinShares(opened, made.wrapped))).toBe(fromUtf8(pin));
    }
  });

  it("SHARES: nothing of the PIN stands in what is kept, and no two splits are alike", () => {
    for (const bytes of [made.wrapped, ...made.shares.map(({ file }) => file)]) {
      expect(Buffer.from(bytes).includes(Buffer.from(pin))).toBe(false);
    }
    expect(made.split).not.toBe(other.split);
    expect(readWrapped(made.wrapped).ciphertext.toHex()).not.toBe(readWrapped(other.wrapped).ciphertext.toHex());
  });

  it("SHARE-SHORT: one share opens nothing", async () => {
    expect(await codeOf(open("op1").then((one) => joinShares([one], made.wrapped)))).toBe("SHARE-SHORT");
    expect(await codeOf(joinShares([], made.wrapped))).toBe("SHARE-SHORT");
  });

  it("SHARE-TWICE: one person's share counts once", async () => {
    const [one, again] = [await open("op1"), await open("op1")];
    await expect(joinShares([one, again], made.wrapped)).rejects.toMatchObject({
      code: "SHARE-TWICE",
      got: "share 1 of 3, op1's and share 1 of 3, op1's",
    });
  });

  it("SHARE-FOREIGN: a share of another split is named", async () => {
    await expect(openShare(fileOf("op2", other), made.wrapped, [auditSpki], openerFor)).rejects.toMatchObject({
      code: "SHARE-FOREIGN",
      about: "share 2 of 3, op2's",
      expected: made.split,
      got: other.split,
    });
  });

  it("SHARE-CHANGED: a changed share is named, whichever byte it is", async () => {
    const file = fileOf("op1");
    const text = fromUtf8(file);
    const changes = [
      text.replace('"holder":"op1"', '"holder":"op9"'),
      text.replace('"index":1', '"index":2'),
      text.replace('"threshold":2', '"threshold":3'),
      text.replace(/"pieceDigest":"../, '"pieceDigest":"00'),
      text.slice(0, -2),
    ];
    for (const change of changes) {
      expect(await codeOf(openShare(utf8(change), made.wrapped, [auditSpki], openerFor)), change).toBe("SHARE-CHANGED");
    }
  });

  it("SHARE-CHANGED: a share that was signed for, and opens to another piece, is found without the others", async () => {
    const record = await verifyShare(nodeHost, fileOf("op1"), [auditSpki]);
    const lie = { ...record, pieceDigest: "00".repeat(32) };
    const sealed = lie.sealed as Extract<ShareRecord["sealed"], { kind: "passphrase" }>;
    const json = {
      ...lie,
      sealed: {
        ...sealed,
        ciphertext: sealed.ciphertext.toBase64(),
        nonce: sealed.nonce.toBase64(),
        salt: sealed.salt.toBase64(),
      },
    } as unknown as Json;
    const signature = (await sign(canonicalBytes(json))).toBase64();
    const file = canonicalBytes({ record: json, signature, type: "signed-share", version: 1 });
    await expect(openShare(file, made.wrapped, [auditSpki], openerFor)).rejects.toMatchObject({
      code: "SHARE-CHANGED",
      about: "share 1 of 3, op1's",
    });
  });

  it("SHARE-CHANGED: another key than the audit key signs no shares", async () => {
    const stranger = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const spki = new Uint8Array(stranger.publicKey.export({ type: "spki", format: "der" }));
    expect(await codeOf(openShare(fileOf("op1"), made.wrapped, [spki], openerFor))).toBe("SHARE-CHANGED");
  });

  it("PASSPHRASE-WRONG: names whose passphrase it is not", async () => {
    const wrong = async () => passphrase("op2");
    await expect(openShare(fileOf("op1"), made.wrapped, [auditSpki], wrong)).rejects.toMatchObject({
      code: "PASSPHRASE-WRONG",
      about: "share 1 of 3, op1's",
    });
    const strangersKey = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
    const byKey = async (): Promise<Opener> => ({ kind: "key", key: strangersKey });
    expect(await codeOf(openShare(fileOf("op3"), made.wrapped, [auditSpki], byKey))).toBe("PASSPHRASE-WRONG");
    expect(await codeOf(openShare(fileOf("op1"), made.wrapped, [auditSpki], byKey))).toBe("PASSPHRASE-WRONG");
  });

  it("SHARES: openssl cms -decrypt opens a piece that was encrypted to a certificate", async () => {
    const record = await verifyShare(nodeHost, fileOf("op3"), [auditSpki]);
    if (record.sealed.kind !== "certificate") throw new Error("not to a certificate");
    writeFileSync(join(dir, "piece.p7m"), record.sealed.envelope);
    const words = ["cms", "-decrypt", "-binary", "-inform", "DER", "-in", join(dir, "piece.p7m"), "-inkey", keyFile];
    const piece = execFileSync("openssl", words);
    const { piece: ours } = await open("op3");
    expect(piece.equals(ours)).toBe(true);
  });

  it("PATH-USAGE: shares are not encrypted to a certificate for signatures", async () => {
    const forApprovals = encryptionCertificate("digitalSignature");
    const to = [holders[0], { id: "op3", protect: { kind: "certificate" as const, certificate: forApprovals } }];
    expect(await codeOf(splitPin(pin, { ...wanted, holders: to as typeof holders }, sign))).toBe("PATH-USAGE");
  });

  it("USAGE: nobody alone, and nobody twice", async () => {
    for (const change of [
      { threshold: 1 },
      { threshold: 4 },
      { holders: [holders[0], holders[0]] as typeof holders },
    ]) {
      expect(await codeOf(splitPin(pin, { ...wanted, holders, ...change }, sign))).toBe("USAGE");
    }
  });
});
