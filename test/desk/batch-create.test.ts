import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { slipLines } from "../../desk/slip.ts";
import { nodeHost, sha256 } from "../../host/crypto-host.ts";
import { readSignedData } from "../../manifests/cms/read.ts";
import { verifySigner } from "../../manifests/cms/verify.ts";
import { fromHex } from "../../manifests/encoding/bytes.ts";
import { matchesGroup } from "../../manifests/encoding/words.ts";
import { RequestReader } from "../../manifests/records/request-stream.ts";
import { oids, root } from "../bundle/people.ts";
import { create, folder, write } from "./stick.ts";

describe("coldseal batch create", () => {
  it("SAME-BYTES: the request lists what lies on the stick, and its signature holds", async () => {
    const stick = folder();
    const source = folder();
    const documents = [
      write(source, "b.txt", "second"),
      write(source, "Übersicht 1.pdf", "%PDF"),
      write(source, "e", ""),
    ];
    const slip = await create({ stick, documents });
    const batch = join(stick, "coldseal/inbox/q4-contracts");
    const data = readSignedData(readFileSync(join(batch, "batch.p7m")));
    expect(data.eContentType).toBe(oids.request);
    const content = data.content as Uint8Array;
    const reader = new RequestReader();
    const listed = reader.push(content);
    expect(reader.end()).toMatchObject({ batch: "Q4-contracts", mode: "test", purpose: "Q4 supplier contracts" });
    expect(listed.map((one) => one.name)).toEqual(["b.txt", "Übersicht 1.pdf", "e"]);
    for (const { name, digest, size } of listed) {
      const bytes = readFileSync(join(batch, "documents", name));
      expect({ name, digest, size }).toEqual({
        name,
        digest: createHash("sha256").update(bytes).digest("hex"),
        size: bytes.length,
      });
    }
    expect(slip.batchDigest).toBe(Buffer.from(sha256(content)).toString("hex"));
    const [signer] = data.signers;
    if (!signer) throw new Error("no signer");
    await verifySigner(nodeHost, signer, {
      certificates: data.certificates,
      eContentType: oids.request,
      contentDigest: (hash) => nodeHost.digest(hash, content),
    });
  });

  it("OpenSSL verifies the request", async () => {
    const stick = folder();
    await create({ stick, documents: [write(folder(), "a.txt", "a")] });
    const ca = write(folder(), "ca.pem", pem(root.certificate));
    const request = join(stick, "coldseal/inbox/q4-contracts/batch.p7m");
    const args = [
      "cms",
      "-verify",
      "-cades",
      "-binary",
      "-inform",
      "DER",
      "-purpose",
      "any",
      "-CAfile",
      ca,
      "-in",
      request,
    ];
    execFileSync("openssl", [...args, "-out", "/dev/null"], { stdio: "pipe" });
  });

  it("takes the files of a folder by name bytes", async () => {
    const stick = folder();
    const source = folder();
    for (const name of ["b", "a", "Z"]) write(source, name, name);
    expect((await create({ stick, documents: [source] })).count).toBe(3);
    const { content } = readSignedData(readFileSync(join(stick, "coldseal/inbox/q4-contracts/batch.p7m")));
    expect(new RequestReader().push(content as Uint8Array).map((one) => one.name)).toEqual(["Z", "a", "b"]);
  });

  it("prints a slip whose words are those of the digest, in 80 columns of ASCII", async () => {
    const slip = await create({ stick: folder(), documents: [write(folder(), "a", "a")], purpose: "Verträge" });
    const digest = fromHex(slip.batchDigest);
    expect(slip.words.map((words, at) => matchesGroup(digest, at + 1, words))).toEqual(Array(16).fill(true));
    const lines = slipLines(slip);
    expect(lines.filter((line) => line.length > 80 || /[^ -~]/.test(line))).toEqual([]);
    expect(lines.join("\n")).toContain("Vertr\\u{e4}ge");
  });

  const refusals: [string, string, (source: string, stick: string) => Partial<Parameters<typeof create>[0]>][] = [
    ["T1: a link", "MEDIA-KIND", (source) => ({ documents: [link(source)] })],
    ["T1: a folder in a folder", "MEDIA-KIND", (source) => ({ documents: [withFolder(source)] })],
    ["T2: a name with a newline", "DOCUMENT-NAME", (source) => ({ documents: [write(source, "a\nb", "")] })],
    [
      "T26: names that FAT takes for one",
      "DOCUMENT-TWICE",
      (source) => ({ documents: [write(source, "A.txt", ""), write(source, "a.TXT", "")] }),
    ],
    ["a document twice", "DOCUMENT-TWICE", (source) => ({ documents: [write(source, "a", ""), join(source, "a")] })],
    ["no document", "USAGE", () => ({ documents: [] })],
    ["a document that is not there", "USAGE", (source) => ({ documents: [join(source, "none")] })],
    ["a stick that is not there", "USAGE", (_, stick) => ({ stick: join(stick, "none") })],
    ["a folder name with a slash", "MEDIA-NAME", () => ({ folder: "../x" })],
    ["an expiry that has passed", "BATCH-EXPIRED", () => ({ expires: "2026-11-22T10:00:00Z" })],
  ];
  it.each(refusals)("refuses %s with %s and writes nothing", async (_, code, change) => {
    const [source, stick] = [folder(), folder()];
    const usual = { stick, documents: [write(source, "usual.txt", "x")] };
    await expect(create({ ...usual, ...change(source, stick) })).rejects.toMatchObject({ code });
    expect(existsSync(join(stick, "coldseal/inbox/q4-contracts"))).toBe(false);
  });

  it("NOTHING-LOST: never writes over a batch that is there", async () => {
    const stick = folder();
    await create({ stick, documents: [write(folder(), "a", "first")] });
    await expect(create({ stick, documents: [write(folder(), "b", "second")] })).rejects.toMatchObject({
      code: "MEDIA-TAKEN",
    });
    expect(readdirSync(join(stick, "coldseal/inbox/q4-contracts/documents"))).toEqual(["a"]);
  });

  it("takes a document with two links, as desks have them", async () => {
    const source = folder();
    linkSync(write(source, "a", "a"), join(source, "b"));
    expect((await create({ stick: folder(), documents: [source] })).count).toBe(2);
  });
});

function pem(der: Uint8Array): string {
  return `-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString("base64")}\n-----END CERTIFICATE-----\n`;
}

function link(dir: string): string {
  symlinkSync("/etc/hostname", join(dir, "link"));
  return join(dir, "link");
}

function withFolder(dir: string): string {
  mkdirSync(join(dir, "inner"));
  return dir;
}
