import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { nodeHost } from "../../../host/crypto-host.ts";
import { utcOf } from "../../../manifests/encoding/shape.ts";
import { checkRevocation } from "../../../manifests/verify/revocation.ts";
import { readCertificate } from "../../../manifests/x509/certificate.ts";
import { type Issued, issue, makeRoot, pem } from "../../pki/authority.ts";
import { makeDelegate, makeOcsp, type WantedAnswer, type WantedOcsp } from "../../pki/ocsp.ts";

const dir = mkdtempSync(join(tmpdir(), "coldseal-ocsp-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const at = (name: string) => join(dir, name);
const write = (name: string, content: string | Uint8Array) => {
  writeFileSync(at(name), content);
  return at(name);
};
const inDays = (days: number) => utcOf(Date.now() + days * 86_400_000);

const ca = makeRoot({ name: "CA" });
const stranger = makeRoot({ name: "Stranger" });
const [good, bad, unissued] = ["good", "bad", "unissued"].map((name) => issue(ca, { name })) as [
  Issued,
  Issued,
  Issued,
];
const delegate = makeDelegate(ca);
const caFile = write("ca.pem", pem(ca.certificate));
const fileOf = (name: string, { certificate, key }: Issued) => ({
  certificate: write(`${name}.pem`, pem(certificate)),
  key: write(`${name}.key`, key.export({ format: "pem", type: "pkcs8" })),
});
const leafs = { good, bad, unissued };
type Leaf = keyof typeof leafs;
const leafFiles = Object.fromEntries(Object.entries(leafs).map(([name, leaf]) => [name, fileOf(name, leaf)]));

/** As `openssl ca` keeps it: V or R, when it ends, since when and why it is revoked, serial, file, name. */
const serialOf = ({ certificate }: Issued) => readCertificate(certificate).serial.toHex().toUpperCase();
const index = write(
  "index.txt",
  `V\t400101000000Z\t\t${serialOf(good)}\tunknown\t/CN=good\nR\t400101000000Z\t251120130000Z,keyCompromise\t${serialOf(bad)}\tunknown\t/CN=bad\n`,
);

type Word = "good" | "revoked" | "unknown" | "not verified";

/** What OpenSSL says of a response under this CA. */
function opensslSays(response: Uint8Array, leaf: Leaf, hash: "sha1" | "sha256" = "sha1"): Word {
  const words = ["-respin", write("response.der", response), "-CAfile", caFile, "-issuer", caFile, "-no_nonce"];
  const told = spawnSync("openssl", ["ocsp", ...words, `-${hash}`, "-cert", leafFiles[leaf]?.certificate as string], {
    encoding: "utf8",
  });
  if (!told.stderr.includes("Response verify OK")) return "not verified";
  const [, word = "not verified"] = /: (good|revoked|unknown)$/m.exec(told.stdout) ?? [];
  return word as Word;
}

async function weSay(response: Uint8Array, leaf: Leaf): Promise<Word> {
  const path = [leafs[leaf], ca].map(({ certificate }) => readCertificate(certificate));
  const wanted = { crls: [], ocsp: [response], claimed: inDays(0), now: inDays(1), minimumRsaBits: 2048 };
  return checkRevocation(nodeHost, path, wanted).then(
    () => "good",
    ({ code, got }) =>
      code === "PATH-REVOKED" ? "revoked" : got?.includes("does not know it") ? "unknown" : "not verified",
  );
}

describe("OpenSSL's responses and ours", () => {
  const signers: Readonly<Record<string, Issued>> = { issuer: ca, delegate };
  for (const [who, signer] of Object.entries(signers)) {
    it.each(["good", "bad", "unissued"] as const)(
      `T11: OpenSSL's by the ${who} are read as it meant them: %s`,
      async (leaf) => {
        const { certificate, key } = fileOf(who, signer);
        for (const options of [[], ["-resp_key_id"], ["-sha256"]]) {
          const hash = options.filter((one) => one === "-sha256");
          const asked = ["-issuer", caFile, ...hash, "-cert", leafFiles[leaf]?.certificate as string];
          const answered = ["-index", index, "-CA", caFile, "-rsigner", certificate, "-rkey", key, "-ndays", "7"];
          const more = options.filter((one) => one !== "-sha256");
          const out = at("made.der");
          execFileSync("openssl", ["ocsp", ...asked, "-reqout", at("request.der"), "-no_nonce"], { stdio: "pipe" });
          execFileSync("openssl", ["ocsp", ...answered, ...more, "-reqin", at("request.der"), "-respout", out], {
            stdio: "pipe",
          });
          const response = new Uint8Array(readFileSync(out));
          const meant: Word = leaf === "good" ? "good" : leaf === "bad" ? "revoked" : "unknown";
          expect(opensslSays(response, leaf, hash.length > 0 ? "sha256" : "sha1")).toBe(meant);
          expect(await weSay(response, leaf)).toBe(meant);
        }
      },
    );
  }

  const made = (more: Partial<WantedAnswer> = {}, wanted: WantedOcsp = {}) =>
    makeOcsp(ca, [{ certificate: good.certificate, thisUpdate: inDays(-1), nextUpdate: inDays(7), ...more }], {
      producedAt: inDays(-1),
      ...wanted,
    });
  const by = (signer: Issued) => made({}, { signer, certificates: [signer.certificate] });
  const plain = issue(ca, { name: "plain" });
  const anything = makeDelegate(ca, { eku: ["2.5.29.37.0"] });
  const ended = makeDelegate(ca, { notAfter: "2026-01-01T00:00:00Z" });

  it.each<[string, Word, () => Uint8Array]>([
    ["by the issuer", "good", () => made()],
    ["by the issuer, named by its key", "good", () => made({}, { responder: "key" })],
    ["by the issuer: revoked", "revoked", () => made({ status: "revoked" })],
    ["by the issuer: unknown", "unknown", () => made({ status: "unknown" })],
    ["by a delegate", "good", () => by(delegate)],
    ["by a stranger", "not verified", () => by(stranger)],
    ["by a stranger's delegate", "not verified", () => by(makeDelegate(stranger))],
    ["by a certificate of the issuer that is not for it", "not verified", () => by(plain)],
    ["by a certificate of the issuer that is for anything", "not verified", () => by(anything)],
    ["by a delegate that had ended", "not verified", () => by(ended)],
    ["by a key that is not there", "not verified", () => made({}, { signer: delegate })],
    ["whose signature is another's", "not verified", () => made({}, { signer: { ...delegate, subject: ca.subject } })],
  ])("T11: of ours %s both say %s", async (_, word, make) => {
    expect(opensslSays(make(), "good")).toBe(word);
    expect(await weSay(make(), "good")).toBe(word);
  });

  it("T11: we are stricter: OpenSSL takes a delegate without ocsp-nocheck of whom nobody says whether it is revoked, and one that is a CA", async () => {
    for (const signer of [makeDelegate(ca, { extensions: [] }), makeDelegate(ca, { ca: true })]) {
      expect(opensslSays(by(signer), "good")).toBe("good");
      expect(await weSay(by(signer), "good")).toBe("not verified");
    }
  });
});
