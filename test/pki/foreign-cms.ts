/** Envelopes as other tools make them: OpenSSL, GnuTLS (certtool) and GnuPG (gpgsm), each run as a user runs it. */

import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A key and certificate in PEM files, and the root above. */
export interface PemSigner {
  readonly certificate: string;
  readonly key: string;
  readonly root: string;
}

/** `openssl cms -sign` over a file with its content inside; `args` say the form, and whatever else is tried. */
export function opensslEnvelope(signer: PemSigner, document: string, out: string, args: readonly string[]): void {
  const usual = ["cms", "-sign", "-binary", "-nodetach", "-md", "sha256"];
  const who = ["-signer", signer.certificate, "-inkey", signer.key];
  execFileSync("openssl", [...usual, ...who, "-in", document, "-out", out, ...args], { stdio: "pipe" });
}

export function certtoolEnvelope(signer: PemSigner, document: string, out: string, args: readonly string[] = []): void {
  const usual = ["--p7-sign", "--p7-time", "--p7-include-cert", "--hash", "SHA256"];
  const who = ["--load-certificate", signer.certificate, "--load-privkey", signer.key];
  execFileSync("certtool", [...usual, ...who, "--infile", document, "--outfile", out, ...args], { stdio: "pipe" });
}

/** A home of gpgsm with the signer's key; `end` stops its agent. */
export function gpgsmHome(signer: PemSigner) {
  const home = mkdtempSync(join(tmpdir(), "cs-gpg-"));
  mkdirSync(join(home, "private"), { mode: 0o700 });
  writeFileSync(join(home, "gpgsm.conf"), "disable-crl-checks\ndisable-dirmngr\n");
  writeFileSync(join(home, "gpg-agent.conf"), "allow-loopback-pinentry\n");
  const print = execFileSync("openssl", ["x509", "-in", signer.root, "-noout", "-fingerprint", "-sha1"]).toString();
  writeFileSync(join(home, "trustlist.txt"), `${print.split("=")[1]?.trim()} S relax\n`);
  // gpgsm 2.2 reads no newer PKCS#12 than this.
  const old = ["-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1", "-passout", "pass:x"];
  const p12 = join(home, "signer.p12");
  const who = ["-in", signer.certificate, "-inkey", signer.key, "-certfile", signer.root];
  const gpgsm = (args: readonly string[]) => {
    const usual = ["--homedir", home, "--batch", "--pinentry-mode", "loopback", "--passphrase-fd", "0"];
    const { status, stderr } = spawnSync("gpgsm", [...usual, ...args], { input: "x" });
    if (status !== 0) throw new Error(`gpgsm ended with ${status}: ${stderr}`);
  };
  // Of the salts that OpenSSL takes at random gpgsm cannot read one in some hundreds: another one then.
  for (let left = 3; ; left--) {
    execFileSync("openssl", ["pkcs12", "-export", ...who, "-out", p12, ...old], { stdio: "pipe" });
    try {
      gpgsm(["--import", p12]);
      break;
    } catch (fault) {
      if (left <= 1) throw fault;
    }
  }
  const subject = execFileSync("openssl", ["x509", "-in", signer.certificate, "-noout", "-fingerprint", "-sha1"]);
  const id = subject.toString().split("=")[1]?.trim().replaceAll(":", "") ?? "";
  return {
    sign(document: string, out: string, args: readonly string[] = []): void {
      gpgsm(["--digest-algo", "SHA256", "--yes", "-u", `0x${id}`, "-o", out, ...args, "--sign", document]);
    },
    end(): void {
      spawnSync("gpgconf", ["--homedir", home, "--kill", "all"]);
      rmSync(home, { recursive: true, force: true });
    },
  };
}

export function has(tool: string): boolean {
  return spawnSync("sh", ["-c", `command -v ${tool}`]).status === 0;
}

/** The bytes of a file that one of the tools is made to write. */
export function madeBy(make: (out: string) => void): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), "coldseal-cms-"));
  try {
    make(join(folder, "out"));
    return new Uint8Array(readFileSync(join(folder, "out")));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
