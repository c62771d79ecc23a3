/** A submitter's key on a PKCS#11 token, described by a file. */

import { readCertificateFile } from "../host/certificate-file.ts";
import { readTokenFile, type TokenSettings } from "../host/token-file.ts";
import type { HashName, Suite } from "../manifests/cms/suite.ts";
import { suiteForKey } from "../manifests/cms/suite-for-key.ts";
import { readCertificate } from "../manifests/x509/certificate.ts";
import type { SubmitterKey } from "./submitter-key.ts";

/** A token as far as the desk uses it; the main supplies the real one. */
export interface DeskToken {
  readonly label: string;
  readonly serial: string;
  login(pin: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** What the main lends of `hardware/`. */
export interface TokenPorts<T extends DeskToken> {
  openToken(config: TokenSettings): Promise<T>;
  tokenSigner(
    token: T,
    key: { uri: string; spki: Uint8Array; suite: Suite },
  ): { sign(message: Uint8Array): Promise<Uint8Array> };
}

/**
 * Opens the token, asks for its PIN by `askPin` and logs in. `close` ends the login. Refuses with CONFIG for the file, HSM-*
 * and PIN-*; RSA keys sign PKCS#1 v1.5 with `hash`, EC keys with the digest of their curve.
 */
export async function openTokenKey<T extends DeskToken>(
  file: string,
  hash: HashName,
  askPin: (token: string) => Promise<Uint8Array>,
  ports: TokenPorts<T>,
): Promise<{ key: SubmitterKey; close(): Promise<void> }> {
  const settings = readTokenFile(file);
  const certificate = readCertificateFile(settings.certificate);
  const { spki } = readCertificate(certificate);
  const token = await ports.openToken(settings);
  try {
    const pin = await askPin(`token ${token.label} (serial ${token.serial})`);
    await token.login(pin).finally(() => pin.fill(0));
    const suite = suiteForKey(spki, hash);
    const signer = ports.tokenSigner(token, { uri: settings.key.uri, spki, suite });
    const key = { suite, certificate, chain: [], sign: (message: Uint8Array) => signer.sign(message) };
    return { key, close: () => token.close() };
  } catch (fault) {
    await token.close();
    throw fault;
  }
}
