/** What opens a share that was encrypted to a certificate: a private key in a file (PEM), or on the token that a file describes (JSON). */

import { createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { readCertificateFile } from "../host/certificate-file.ts";
import { sha256 } from "../host/crypto-host.ts";
import { readTokenFile } from "../host/token-file.ts";
import { hex } from "../manifests/encoding/bytes.ts";
import { shown } from "../manifests/records/names.ts";
import { type ShareRecord, shareName } from "../manifests/records/share.ts";
import { Refusal } from "../manifests/refusal.ts";
import { readCertificate } from "../manifests/x509/certificate.ts";
import type { Opener } from "./shares/seal-piece.ts";
import { TokenProcess } from "./tokens/token-process.ts";

/** The answer to both is a path. */
export const openerFiles = "the private key file (PEM), or the token's file (JSON)";

/**
 * `askPin` gives the PIN of a token, which is wiped here; it is asked for once: a wrong one is counted by the token. Refuses PASSPHRASE-WRONG (no
 * such key file, or the token's certificate is another), CONFIG (the token's file), and when it opens PIN-*, HSM-*.
 */
export function openerByFile(
  record: ShareRecord,
  path: string,
  askPin: (question: string) => Promise<Uint8Array>,
): Opener {
  const text = textOf(path);
  if (!text.trimStart().startsWith("{")) return { kind: "key", key: privateKey(text, path) };
  const { certificate: certificateFile, environment = {}, key, module, uri } = readTokenFile(path);
  const certificate = readCertificateFile(certificateFile);
  checkIsSealedTo(record, certificate);
  const { spki, subjectText } = readCertificate(certificate);
  return {
    kind: "token",
    decrypt: async (ciphertext) => {
      const pin = await askPin(`The PIN of the token with the key of ${shown(subjectText)}: `);
      const process = new TokenProcess({ environment, module });
      try {
        return await process.decrypt(uri, pin, { uri: key.uri, spki }, ciphertext);
      } finally {
        pin.fill(0);
        process.end();
      }
    },
  };
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new Refusal("PASSPHRASE-WRONG", "the file cannot be read", { expected: openerFiles, about: path, cause });
  }
}

function privateKey(pem: string, path: string) {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw new Refusal("PASSPHRASE-WRONG", "the private key cannot be read", {
      expected: openerFiles,
      about: path,
      cause,
    });
  }
}

function checkIsSealedTo(record: ShareRecord, certificate: Uint8Array): void {
  const { sealed } = record;
  const got = hex(sha256(certificate));
  if (sealed.kind === "certificate" && sealed.certificate === got) return;
  throw new Refusal("PASSPHRASE-WRONG", `that token's certificate does not open ${shareName(record)}`, {
    expected: sealed.kind === "certificate" ? `certificate ${sealed.certificate.slice(0, 16)}…` : "its passphrase",
    got: `certificate ${got.slice(0, 16)}…`,
    about: shareName(record),
  });
}
