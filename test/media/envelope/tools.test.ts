import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { nodeHost, sha256 } from "../../../host/crypto-host.ts";
import { documentationArc, ownOids } from "../../../manifests/encoding/oid.ts";
import { EnvelopeBatch, readStripped } from "../../../manifests/records/plain-envelope.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { strip } from "../../../media/intake/envelope/strip.ts";
import { type Issued, issue, makeRoot, pem } from "../../pki/authority.ts";
import { certtoolEnvelope, gpgsmHome, has, opensslEnvelope, type PemSigner } from "../../pki/foreign-cms.ts";

const dir = mkdtempSync(join(tmpdir(), "coldseal-tools-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const root = makeRoot({ name: "Root", suite: "rsa-pkcs1-sha256" });
const content = new Uint8Array(20_000).map((_, at) => (at * 7) >> 3);
const document = join(dir, "document");
writeFileSync(document, content);

function signerOf(name: string, suite: "rsa-pkcs1-sha256" | "ecdsa-p256-sha256"): PemSigner {
  const issued: Issued = issue(root, { name, eku: [ownOids(documentationArc).plainSubmitter], suite });
  const at = (ending: string) => join(dir, `${name}.${ending}`);
  writeFileSync(at("crt"), pem(issued.certificate));
  writeFileSync(at("key"), issued.key.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
  writeFileSync(at("root"), pem(root.certificate));
  return { certificate: at("crt"), key: at("key"), root: at("root") };
}

const rsa = signerOf("rsa", "rsa-pkcs1-sha256");
const ec = signerOf("ec", "ecdsa-p256-sha256");
const out = join(dir, "out");

/** Takes the file that a tool wrote apart; its content and its signature must be what the tool was given. */
async function verified(): Promise<Uint8Array> {
  const pieces: Buffer[] = [];
  const envelope = strip([readFileSync(out)], {
    begin: () => undefined,
    write: (some) => void pieces.push(Buffer.from(some)),
  });
  expect(Buffer.concat(pieces).equals(Buffer.from(content))).toBe(true);
  expect(await new EnvelopeBatch(nodeHost).add(envelope, async () => sha256(content))).toEqual(sha256(content));
  return envelope;
}

const pss = ["-keyopt", "rsa_padding_mode:pss", "-keyopt"];

describe("envelopes of OpenSSL", () => {
  it.each<[string, PemSigner, readonly string[]]>([
    ["DER", rsa, ["-outform", "DER"]],
    ["DER, as a stream", rsa, ["-outform", "DER", "-stream"]],
    ["PEM", rsa, ["-outform", "PEM"]],
    ["PEM, as a stream", ec, ["-outform", "PEM", "-stream"]],
    ["S/MIME", rsa, []],
    ["S/MIME with CRLF, as a stream", ec, ["-crlfeol", "-stream"]],
    ["signing-certificate-v2", rsa, ["-outform", "DER", "-cades"]],
    ["the root too", rsa, ["-outform", "DER", "-certfile", rsa.root]],
    ["no S/MIME capabilities", ec, ["-outform", "DER", "-nosmimecap"]],
    ["RSA-PSS", rsa, ["-outform", "DER", ...pss, "rsa_pss_saltlen:digest"]],
    ["ECDSA", ec, ["-outform", "DER"]],
  ])("T5: %s", async (_, signer, args) => {
    opensslEnvelope(signer, document, out, args);
    readStripped(await verified());
  });

  it.each<[string, string, readonly string[]]>([
    ["SHA-1", "CMS-ALGORITHM", ["-outform", "DER", "-md", "sha1"]],
    ["MD5", "CMS-ALGORITHM", ["-outform", "DER", "-md", "md5"]],
    ["RSA-PSS with the longest salt", "CMS-ALGORITHM", ["-outform", "DER", ...pss, "rsa_pss_saltlen:max"]],
    ["no signed attributes", "CMS-ATTRIBUTES", ["-outform", "DER", "-noattr"]],
    ["the signer by key identifier", "ENVELOPE-FORM", ["-outform", "DER", "-keyid"]],
    ["no certificate", "CMS-CERTIFICATE", ["-outform", "DER", "-nocerts"]],
    ["another content type", "CMS-TYPE", ["-outform", "DER", "-econtent_type", "1.2.3.4"]],
    ["two signers", "CMS-SIGNERS", ["-outform", "DER", "-signer", ec.certificate, "-inkey", ec.key]],
  ])("T7: %s: %s", async (_, code, args) => {
    opensslEnvelope(rsa, document, out, args);
    await expect(verified()).rejects.toMatchObject({ code });
  });

  it("T5: detached, in the clear, compressed or encrypted: ENVELOPE-FORM or CMS-TYPE", async () => {
    const who = ["-signer", rsa.certificate, "-inkey", rsa.key];
    for (const args of [
      ["-sign", "-binary", ...who, "-outform", "DER"],
      ["-sign", "-binary", ...who],
      ["-data_create", "-outform", "DER"],
      ["-encrypt", "-binary", "-outform", "DER", rsa.certificate],
    ]) {
      const to = args.at(-1)?.endsWith(".crt")
        ? [...args.slice(0, -1), "-in", document, "-out", out, args.at(-1) as string]
        : [...args, "-in", document, "-out", out];
      execFileSync("openssl", ["cms", ...to], { stdio: "pipe" });
      const refusal = await verified().then(
        () => undefined,
        (fault: unknown) => fault,
      );
      expect(refusal).toBeInstanceOf(Refusal);
      expect(["ENVELOPE-FORM", "CMS-TYPE"]).toContain((refusal as Refusal).code);
    }
  });
});

describe("envelopes of other tools", () => {
  it.skipIf(!has("certtool") && !process.env.CI).each<[string, PemSigner, readonly string[]]>([
    ["PEM", rsa, []],
    ["DER", rsa, ["--outder"]],
    ["ECDSA", ec, ["--outder"]],
  ])("T5: certtool, %s", async (_, signer, args) => {
    certtoolEnvelope(signer, document, out, args);
    await verified();
  });

  it.skipIf(!has("gpgsm") && !process.env.CI)("T5: gpgsm, BER and armoured", async () => {
    const gpgsm = gpgsmHome(rsa);
    try {
      gpgsm.sign(document, out);
      await verified();
      gpgsm.sign(document, out, ["--armor"]);
      await verified();
    } finally {
      gpgsm.end();
    }
  });
});
