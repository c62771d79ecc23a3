import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readCertificateFile } from "../../host/certificate-file.ts";
import { root, submitter } from "../bundle/people.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "coldseal-certificate-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(content: string | Uint8Array): string {
  const path = join(folder, "it.crt");
  writeFileSync(path, content);
  return path;
}

const pem = (der: Uint8Array) =>
  `-----BEGIN CERTIFICATE-----\r\n${der.toBase64().replace(/(.{64})/g, "$1\r\n")}\r\n-----END CERTIFICATE-----\r\n`;

describe("a certificate file", () => {
  it.each([
    ["DER", root.certificate],
    ["PEM", pem(root.certificate)],
    ["PEM below text", `Bag Attributes\n  subject=Test root\n${pem(root.certificate)}`],
  ])("%s gives the certificate byte for byte", (_, content) => {
    expect(readCertificateFile(file(content))).toEqual(new Uint8Array(root.certificate));
  });

  it.each([
    ["text", "no certificate"],
    ["nothing", ""],
    ["two certificates", pem(root.certificate) + pem(submitter.certificate)],
    ["damaged base64", "-----BEGIN CERTIFICATE-----\nMIIB=AAA\n-----END CERTIFICATE-----\n"],
  ])("CONFIG: %s is refused", (_, content) => {
    expect(() => readCertificateFile(file(content))).toThrow(expect.objectContaining({ code: "CONFIG" }));
  });

  it("CONFIG: a file that is not there is named with the reason", () => {
    const path = join(folder, "none");
    expect(() => readCertificateFile(path)).toThrow(
      expect.objectContaining({ code: "CONFIG", about: path, got: "nothing there (ENOENT)" }),
    );
  });
});
