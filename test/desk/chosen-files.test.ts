import { describe, expect, it } from "vitest";
import { type ChosenFile, evidenceIn } from "../../desk/page/chosen-files.ts";
import { genesisFrom, rootFrom, verifyFiles } from "../../desk/page/verify-files.ts";
import { nodeHost } from "../../host/crypto-host.ts";
import { utf8 } from "../../manifests/encoding/bytes.ts";
import { crlFrom } from "../../manifests/verify/revocation-files.ts";
import { buildBundle } from "../bundle/build.ts";
import { inclusionOf, lineRecord, linesOf } from "../bundle/line-record.ts";
import { issuer, root } from "../bundle/people.ts";
import { pem } from "../pki/authority.ts";
import { makeCrl } from "../pki/crl.ts";
import { tsaRoot } from "../pki/tsa.ts";

const hasher = nodeHost.hasher;
const file = (path: string, bytes: Uint8Array | string = path): ChosenFile => {
  const content = typeof bytes === "string" ? utf8(bytes) : bytes;
  const stream = async function* () {
    for (let at = 0; at < content.length; at += 7) yield content.subarray(at, at + 7);
  };
  return { path, size: content.length, stream };
};
const usage = expect.objectContaining({ code: "USAGE" });

describe("what a person gives the page", () => {
  it("TIME-IMPRINT: evidence records go with one seal; alone beside a seal, such a file is its document", () => {
    const [seal, document, record] = [file("a.p7s"), file("a.pdf"), file("a.0001.ers")] as const;
    expect(evidenceIn([record, seal, document], hasher)).toEqual({ kind: "seal", seal, document, records: [record] });
    expect(evidenceIn([seal, record], hasher)).toEqual({ kind: "seal", seal, document: record, records: [] });
    expect(() => evidenceIn([seal, document, file("b.pdf"), record], hasher)).toThrow(usage);
    expect(() => evidenceIn([seal, record, file("a.0002.ers")], hasher)).toThrow(usage);
  });

  it("HONEST: the folder with the manifest is the evidence, what lies beside it are documents", async () => {
    const evidence = evidenceIn(
      [file("out/manifest.p7m"), file("out/seals/0000/a.p7s"), file("out/policy/0001.p7m"), file("docs/a.pdf")],
      hasher,
    );
    if (evidence.kind !== "bundle") throw new Error("not a bundle");
    const { source } = evidence;
    expect((await source.list("")).toSorted()).toEqual(["manifest.p7m", "policy", "seals"]);
    expect(await source.list("seals")).toEqual(["0000"]);
    expect(await source.list("nothing")).toEqual([]);
    expect(await source.read("policy/0001.p7m", 100)).toEqual(utf8("out/policy/0001.p7m"));
    await expect(source.read("policy/0001.p7m", 3)).rejects.toThrow("longer than 3 bytes");
    await expect(source.read("docs/a.pdf", 100)).rejects.toThrow("no file");
    expect(await source.documentDigest("a.pdf", "sha256")).toEqual({
      digest: await nodeHost.digest("sha256", utf8("docs/a.pdf")),
      size: 10,
    });
    expect(await source.documentDigest("a.p7s", "sha256")).toBeUndefined();
  });

  it("USAGE: nothing, several batches, seals without one document, documents of one name are refused and said", () => {
    for (const files of [
      [],
      [file("a.pdf")],
      [file("a.p7s")],
      [file("a.p7s"), file("b.p7s"), file("a.pdf")],
      [file("a/manifest.p7m"), file("b/manifest.p7m")],
      [file("a/manifest.p7m"), file("x/a.pdf"), file("y/a.pdf")],
    ]) {
      expect(() => evidenceIn(files, hasher)).toThrowError(usage);
    }
  });

  it("HONEST: a document that is itself called manifest.p7m, deeper than the batch, is no second batch", () => {
    const files = [file("out/manifest.p7m"), file("originals/2026/manifest.p7m")];
    expect(evidenceIn(files, hasher).kind).toBe("bundle");
  });

  it("HONEST: a whole batch without folders in front, as some browsers give it, is verified too", async () => {
    const bundle = await buildBundle();
    const files = [...bundle.files].map(([path, bytes]) => file(path, bytes));
    const words = await verifyFiles(nodeHost, files, { roots: [root.certificate], genesis: bundle.genesis });
    expect(words).toMatchObject({
      tone: "warn",
      headline: "THE RECORD HOLDS: 3 seals (mode test), but none of its 3 documents was presented",
    });
  });

  it("USAGE: roots are one certificate, DER or PEM; a genesis digest is 64 hex digits in any spacing", () => {
    expect(rootFrom(root.certificate, "r")).toEqual(root.certificate);
    expect(rootFrom(utf8(`text\n${pem(root.certificate)}`), "r")).toEqual(root.certificate);
    for (const wrong of [
      "",
      "text",
      pem(root.certificate).repeat(2),
      "-----BEGIN CERTIFICATE-----A-----END CERTIFICATE-----",
    ]) {
      expect(() => rootFrom(utf8(wrong), "r")).toThrowError(usage);
    }
    const digest = "0123456789abcdef".repeat(4);
    expect(genesisFrom(` ${digest.toUpperCase().replace(/(.{8})/g, "$1 ")}`)).toBe(digest);
    expect(genesisFrom("")).toBeUndefined();
    for (const wrong of ["12", `${digest}0`, digest.replace("0", "g")])
      expect(() => genesisFrom(wrong)).toThrowError(usage);
  });

  it("T11: CRLs are DER or PEM, one a file, and count for the verdict", async () => {
    const crls = [makeCrl(root), makeCrl(issuer)];
    const text = (der: Uint8Array) => `text\n-----BEGIN X509 CRL-----\n${der.toBase64()}\n-----END X509 CRL-----\n`;
    for (const der of crls) {
      expect(crlFrom(der, "c")).toEqual(der);
      expect(crlFrom(utf8(text(der)), "c")).toEqual(der);
      for (const wrong of [root.certificate, utf8(pem(root.certificate)), utf8(text(der).repeat(2)), utf8("")]) {
        expect(() => crlFrom(wrong, "c")).toThrowError(usage);
      }
    }
    const bundle = await buildBundle();
    const files = [...bundle.files].map(([path, bytes]) => file(path, bytes));
    const toneWith = async (given: readonly Uint8Array[]) =>
      (await verifyFiles(nodeHost, files, { roots: [root.certificate], crls: given })).tone;
    expect([await toneWith(crls), await toneWith(crls.slice(1))]).toEqual(["warn", "bad"]); // no document is among them
  });

  it("TIME-IMPRINT: what a ledger hands over with one seal is that seal, with its line's evidence, and no batch", async () => {
    const bundle = await buildBundle({ documents: { "a.pdf": "one", b: "two" } });
    const [line] = await linesOf(bundle);
    const paths = ["manifest.p7m", "authorization.p7m", "policy/0001.p7m", line?.seal ?? ""];
    const files = [
      ...paths.map((path) => file(`handed/${path}`, bundle.files.get(path) as Uint8Array)),
      file("handed/inclusion.json", await inclusionOf(bundle)),
      file("handed/000001-a.pdf.ers", await lineRecord(bundle)),
      file("a.pdf", "one"),
    ];
    const trust = { roots: [root.certificate], authorities: [tsaRoot.certificate] };
    const words = await verifyFiles(nodeHost, files, { ...trust, genesis: bundle.genesis });
    expect(words).toMatchObject({ tone: "good", headline: "VALID: the seal belongs to this document (mode test)" });
    const rows = words.rows.map(([label, text]) => `${label}: ${text}`);
    expect(rows).toContainEqual(expect.stringMatching(/^time-stamp: .*000001-a\.pdf\.ers, the batch's\)$/));
    expect(rows).toContainEqual(expect.stringContaining("manifest: number 1, index 1, which lists this very seal"));
    const without = files.filter(({ path }) => !path.endsWith("a.pdf") && !path.endsWith(".ers"));
    expect(() => evidenceIn(without, hasher)).toThrow(usage);
  });
});
