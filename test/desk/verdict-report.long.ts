import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { verdictReport } from "../../desk/verdict-report.ts";
import type { VerdictWords } from "../../desk/verdict-words.ts";
import { type Bundle, buildBundle } from "../bundle/build.ts";
import { audit, issuer, root, sealing } from "../bundle/people.ts";
import { fingerprint } from "../pki/authority.ts";
import { makeCrl } from "../pki/crl.ts";
import { makeOcsp } from "../pki/ocsp.ts";

const dir = mkdtempSync(join(tmpdir(), "coldseal-report-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function folderOf(name: string, { files, documents }: Bundle): string {
  for (const [path, bytes] of [
    ...files,
    ...[...documents].map(([one, it]) => [`../documents-${name}/${one}`, it] as const),
  ]) {
    const to = join(dir, name, path);
    mkdirSync(dirname(to), { recursive: true });
    writeFileSync(to, bytes);
  }
  writeFileSync(join(dir, "root.der"), root.certificate);
  return join(dir, name);
}

function verify(folder: string, ...more: readonly string[]) {
  const words = ["desk/main.ts", "verify", folder, "--ca", join(dir, "root.der"), ...more];
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: "utf8" });
  return { status, stdout, stderr };
}

const inOneLine = (text: string) => text.replace(/\s+/g, " ");

describe("coldseal verify --report", () => {
  it("HONEST: says what the terminal says, under which root, genesis digest, clock and version", async () => {
    const bundle = await buildBundle();
    const folder = folderOf("good", bundle);
    const report = join(dir, "good.html");
    const told = verify(
      folder,
      "--documents",
      join(dir, "documents-good"),
      "--genesis",
      bundle.genesis,
      "--report",
      report,
    );
    expect([told.status, told.stderr]).toEqual([0, ""]);
    const html = readFileSync(report, "utf8");
    const [headline = ""] = told.stdout.split("\n");
    for (const text of [
      `<h2>${headline}</h2>`,
      "TOTAL-PASSED",
      bundle.genesis,
      fingerprint(root.certificate),
      "by the clock of the verifier",
    ]) {
      expect(html).toContain(text);
    }
    expect(html).not.toContain("<script");
    expect(html).toMatch(/default-src 'none'; style-src 'sha256-/);
  });

  it("T11: --crl takes lists, as DER or PEM; without them the result says that none was looked at", async () => {
    const bundle = await buildBundle();
    const folder = folderOf("crl", bundle);
    const lists = [root, issuer].map((ca, at) => {
      const der = makeCrl(ca);
      const text = `-----BEGIN X509 CRL-----\n${Buffer.from(der).toString("base64")}\n-----END X509 CRL-----\n`;
      writeFileSync(join(dir, `${at}.crl`), at === 0 ? der : text);
      return join(dir, `${at}.crl`);
    });
    expect(inOneLine(verify(folder).stdout)).toContain("no CRL or OCSP response was looked at, no time-stamp counted");
    const told = verify(folder, "--documents", join(dir, "documents-crl"), "--crl", ...lists);
    expect([told.status, told.stderr]).toEqual([0, ""]);
    expect(inOneLine(told.stdout)).toContain("CRLs were looked at");
    expect(verify(folder, "--crl", lists[0] as string)).toMatchObject({ status: 4 });
    // Of two lists in one file neither is taken: the one that was passed over could revoke.
    const both = readFileSync(lists[1] as string, "utf8").repeat(2);
    writeFileSync(join(dir, "both.crl"), both);
    const several = verify(folder, "--crl", join(dir, "both.crl"));
    expect([several.status, inOneLine(several.stderr)]).toEqual([2, expect.stringContaining("it holds several")]);
    const wrong = verify(folder, "--crl", join(dir, "root.der"));
    expect([wrong.status, inOneLine(wrong.stderr)]).toEqual([2, expect.stringContaining("is no CRL that can be used")]);
  });

  it("T11: --ocsp takes responses beside lists, and what they revoke falls", async () => {
    const bundle = await buildBundle();
    const folder = folderOf("ocsp", bundle);
    const write = (name: string, bytes: Uint8Array) => {
      writeFileSync(join(dir, name), bytes);
      return join(dir, name);
    };
    const list = write("root.crl", makeCrl(root));
    const about = (status: "good" | "revoked") =>
      [sealing, audit].map(({ certificate }) => makeOcsp(issuer, [{ certificate, status }]));
    const [seals, manifest] = about("good").map((der, at) => write(`${at}.ors`, der)) as [string, string];
    const report = join(dir, "ocsp.html");
    const documents = ["--documents", join(dir, "documents-ocsp")];
    const told = verify(folder, ...documents, "--crl", list, "--ocsp", seals, manifest, "--report", report);
    expect([told.status, told.stderr]).toEqual([0, ""]);
    const html = readFileSync(report, "utf8");
    for (const file of [list, seals, manifest]) expect(html).toContain(fingerprint(readFileSync(file)));
    expect(html).toContain("of 2026-11-21T00:00:00Z by CN=Root,O=Coldseal test");
    expect(inOneLine(told.stdout)).toContain("CRLs and OCSP responses were looked at");
    expect(verify(folder, "--crl", list, "--ocsp", seals)).toMatchObject({ status: 4 });
    const revoking = write("revoking.ors", about("revoked")[0] as Uint8Array);
    const fallen = verify(folder, "--crl", list, "--ocsp", seals, manifest, revoking, "--json");
    expect([fallen.status, fallen.stdout]).toEqual([4, expect.stringContaining("PATH-REVOKED")]);
    const wrong = verify(folder, "--ocsp", list);
    expect([wrong.status, inOneLine(wrong.stderr)]).toEqual([
      2,
      expect.stringContaining("is no OCSP response that can be used"),
    ]);
  });

  it("HONEST: what does not hold is reported so, and no file is written over", async () => {
    const bundle = await buildBundle();
    const folder = folderOf("bad", bundle);
    writeFileSync(join(folder, "manifest.p7m"), "changed");
    const report = join(dir, "bad.html");
    expect(verify(folder, "--report", report).status).toBe(4);
    expect(readFileSync(report, "utf8")).toContain('<section id="verdict" class="bad">');
    const again = verify(folder, "--report", report);
    expect([again.status, again.stderr]).toEqual([2, expect.stringContaining("bad.html cannot be written")]);
  });

  it("HONEST: what strangers wrote is text in it, never markup", () => {
    const words: VerdictWords = {
      tone: "bad",
      headline: "<script>alert(1)</script>",
      findings: [`"><img src=x onerror='alert(1)'>`],
      more: 3,
      rows: [["<b>", "a & b"]],
    };
    const trust = { roots: [root.certificate] };
    const html = verdictReport({ words, path: "<i>", trust, version: "0", style: "p { color: red }" });
    expect(html).not.toMatch(/<(?:script|img|b|i)[ >]/);
    expect(html).toContain("a &amp; b");
    expect(html).toContain("… and 3 more findings");
    expect(html).toContain("none was given: which people had to approve");
  });
});
