import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import forge from "node-forge";
import { describe, expect, it } from "vitest";
import { checkIterations, mostIterations } from "../../desk/pkcs12-cost.ts";
import { openPkcs12 } from "../../desk/submitter-key.ts";
import { nodeHost } from "../../host/crypto-host.ts";
import { utf8 } from "../../manifests/encoding/bytes.ts";
import { integer, octetString, sequence } from "../../manifests/encoding/der-write.ts";
import { readCertificate } from "../../manifests/x509/certificate.ts";
import { folder, write } from "./stick.ts";

const password = "correct horse";

/** PKCS#12 as OpenSSL writes it, with its defaults. */
function made(key: string[], extra: string[] = []): { file: Uint8Array; certificate: Uint8Array } {
  const dir = folder();
  const at = (name: string) => join(dir, name);
  execFileSync("openssl", ["genpkey", ...key, "-out", at("k.pem")], { stdio: "pipe" });
  execFileSync(
    "openssl",
    ["req", "-new", "-x509", "-key", at("k.pem"), "-subj", "/CN=Desk", "-days", "9", "-out", at("c.pem")],
    { stdio: "pipe" },
  );
  execFileSync("openssl", ["x509", "-in", at("c.pem"), "-outform", "DER", "-out", at("c.der")]);
  write(dir, "pass", password);
  execFileSync("openssl", [
    "pkcs12",
    "-export",
    "-inkey",
    at("k.pem"),
    "-in",
    at("c.pem"),
    "-passout",
    `file:${at("pass")}`,
    ...extra,
    "-out",
    at("k.p12"),
  ]);
  return { file: readFileSync(at("k.p12")), certificate: new Uint8Array(readFileSync(at("c.der"))) };
}

const kinds: [string, string[], string][] = [
  ["RSA-2048", ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], "rsa-pkcs1-sha256"],
  ["P-256", ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"], "ecdsa-p256-sha256"],
  ["P-384", ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"], "ecdsa-p384-sha384"],
];

describe("a submitter's PKCS#12", () => {
  it.each(kinds)("%s: the certificate byte for byte, signatures that hold", async (_, key, suite) => {
    const { file, certificate } = made(key);
    const opened = openPkcs12(file, utf8(password), "sha256");
    expect(opened.suite.name).toBe(suite);
    expect(Buffer.from(opened.certificate).equals(certificate)).toBe(true);
    const message = utf8("message");
    const { spki } = readCertificate(opened.certificate);
    expect(await nodeHost.verify(opened.suite, spki, message, await opened.sign(message))).toBe(true);
  });

  it("SECRET: a wrong password is refused with PIN-WRONG, and not repeated", () => {
    const { file } = made(kinds[1]?.[1] ?? []);
    const refused = thrown(() => openPkcs12(file, utf8("battery staple"), "sha256"));
    expect(refused).toMatchObject({ code: "PIN-WRONG" });
    expect(JSON.stringify(refused)).not.toContain("battery");
  });

  it("refuses what is no PKCS#12, and a key of an unknown kind, with CONFIG", () => {
    expect(thrown(() => openPkcs12(utf8("nothing"), utf8(password), "sha256"))).toMatchObject({ code: "CONFIG" });
    const { file } = made(["-algorithm", "ED25519"]);
    expect(thrown(() => openPkcs12(file, utf8(password), "sha256"))).toMatchObject({ code: "CONFIG" });
  });

  it("T5: iterations are added up before any is made: two millions are taken, more are refused with CONFIG", () => {
    const asking = (...counts: number[]) => {
      const parts = counts.map((count) => sequence(octetString(new Uint8Array(8)), integer(count)));
      const bytes = sequence(octetString(sequence(...parts)), integer(1));
      return forge.asn1.fromDer(Buffer.from(bytes).toString("binary"));
    };
    expect(() => checkIterations(asking(mostIterations - 1))).not.toThrow();
    expect(thrown(() => checkIterations(asking(mostIterations)))).toMatchObject({ code: "CONFIG" });
    expect(thrown(() => checkIterations(asking(mostIterations / 2, mostIterations / 2)))).toMatchObject({
      code: "CONFIG",
    });
    const { file } = made(kinds[1]?.[1] ?? [], ["-iter", "1000", "-macalg", "sha512"]);
    expect(openPkcs12(file, utf8(password), "sha256").suite.name).toBe("ecdsa-p256-sha256");
  });

  it("refuses a file without the key's certificate with CONFIG", () => {
    const { file } = made(kinds[1]?.[1] ?? [], ["-nocerts"]);
    expect(thrown(() => openPkcs12(file, utf8(password), "sha256"))).toMatchObject({ code: "CONFIG" });
  });

  it("signs with the digest that was asked for where the key is RSA", () => {
    const { file } = made(kinds[0]?.[1] ?? []);
    expect(openPkcs12(file, utf8(password), "sha512").suite.name).toBe("rsa-pkcs1-sha512");
  });
});

function thrown(run: () => unknown): unknown {
  try {
    run();
  } catch (fault) {
    return fault;
  }
  throw new Error("nothing was refused");
}
