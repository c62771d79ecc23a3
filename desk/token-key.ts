/** A submitter's key on a PKCS#11 token, described by a file (docs/operations.md, "A token's configuration"). */

import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { type HashName, type Suite, suiteOf } from "../manifests/cms/suite.ts";
import type { Json } from "../manifests/encoding/canonical-json.ts";
import { object, type Read, type Reader, text } from "../manifests/encoding/shape.ts";
import { asRefusal, Refusal } from "../manifests/refusal.ts";
import { readCertificate } from "../manifests/x509/certificate.ts";
import { readPublicKey } from "../manifests/x509/key.ts";
import type { SubmitterKey } from "./submitter-key.ts";

const environment: Reader<{ readonly [name: string]: string }> = (value, path) => {
  const entries = Object.entries((value ?? {}) as { readonly [name: string]: Json });
  return Object.fromEntries(entries.map(([name, one]) => [name, text(4096)(one, `${path}.${name}`)]));
};

const readSettings = object({
  certificate: text(4096),
  environment,
  key: object({ uri: text(1024) }),
  module: text(4096),
  uri: text(1024),
});

type Settings = Read<typeof readSettings>;

/** A token as far as the desk uses it; the main supplies the real one. */
export interface DeskToken {
  readonly label: string;
  readonly serial: string;
  login(pin: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** What the main lends of `hardware/`. */
export interface TokenPorts<T extends DeskToken> {
  openToken(config: Settings): Promise<T>;
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
  const settings = await readTokenSettings(file);
  const certificate = await readCertificateFile(settings.certificate);
  const { spki } = readCertificate(certificate);
  const token = await ports.openToken(settings);
  try {
    const pin = await askPin(`token ${token.label} (serial ${token.serial})`);
    await token.login(pin).finally(() => pin.fill(0));
    const suite = suiteFor(spki, hash);
    const signer = ports.tokenSigner(token, { uri: settings.key.uri, spki, suite });
    const key = { suite, certificate, chain: [], sign: (message: Uint8Array) => signer.sign(message) };
    return { key, close: () => token.close() };
  } catch (fault) {
    await token.close();
    throw fault;
  }
}

async function readTokenSettings(file: string): Promise<Settings> {
  try {
    const settings = readSettings(JSON.parse(await readFile(file, "utf8")) as Json, "token");
    return { ...settings, certificate: resolve(dirname(file), settings.certificate) };
  } catch (fault) {
    const why = asRefusal(fault, "CONFIG", fault instanceof Error ? fault.message : "cannot be read");
    throw new Refusal("CONFIG", `the token's file cannot be used: ${why.message}`, { about: file, cause: fault });
  }
}

/** Reads a certificate file, PEM or DER. Refuses with CONFIG. */
export async function readCertificateFile(file: string): Promise<Uint8Array> {
  const bytes = await readFile(file).catch((cause) => {
    throw new Refusal("CONFIG", `the certificate file ${file} cannot be read`, { about: file, cause });
  });
  const pem = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/.exec(bytes.toString("latin1"));
  return new Uint8Array(pem ? Buffer.from(pem[1] as string, "base64") : bytes);
}

function suiteFor(spki: Uint8Array, hash: HashName): Suite {
  const key = readPublicKey(spki);
  if (key.kind === "rsa") return suiteOf(`rsa-pkcs1-${hash}`);
  return suiteOf(key.scheme === "ecdsa-p256" ? "ecdsa-p256-sha256" : "ecdsa-p384-sha384");
}
