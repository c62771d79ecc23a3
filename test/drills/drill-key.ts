/**
 * The key that signs what drills found: P-256 with a certificate of its own, made where there is none, in a folder with a file for each. It signs nothing
 * else and no policy names it, so that it stands in an unencrypted file (0600): who pins its certificate knows which installation was drilled.
 */

import { createPrivateKey, generateKeyPairSync, type KeyObject, sign, X509Certificate } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolder, writeDurable } from "../../host/durable.ts";
import { faultWords } from "../../host/fault-words.ts";
import type { SigningKey } from "../../manifests/cms/sign.ts";
import { suiteOf } from "../../manifests/cms/suite.ts";
import { utf8 } from "../../manifests/encoding/bytes.ts";
import { utcOf } from "../../manifests/encoding/shape.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { simpleName } from "../../manifests/x509/certificate-request.ts";
import { makeRoot, pem } from "../pki/authority.ts";

const suite = suiteOf("ecdsa-p256-sha256");
const years = 10 * 365 * 86_400_000;

export interface DrillKey {
  readonly signingKey: SigningKey;
  /** PEM */
  readonly certificate: string;
}

/** Opens the key in `folder`, or makes one there; durable on return. Refuses CONFIG a key and a certificate that are not one another's. */
export async function drillKey(folder: string): Promise<DrillKey> {
  const paths = { key: join(folder, "drill.key"), certificate: join(folder, "drill.crt") };
  if (!existsSync(paths.certificate)) await make(folder, paths);
  try {
    const key = createPrivateKey(readFileSync(paths.key));
    const certificate = new X509Certificate(readFileSync(paths.certificate));
    if (!certificate.checkPrivateKey(key)) throw new Error("the certificate is another key's");
    return { signingKey: signingKey(key, certificate), certificate: pem(new Uint8Array(certificate.raw)) };
  } catch (cause) {
    throw new Refusal("CONFIG", `the drills' key cannot be used: ${faultWords(cause)}`, {
      expected: "drill.key and drill.crt as they were made, or an empty folder",
      about: folder,
      cause,
    });
  }
}

/** The certificate last: what has none was cut short, and is made anew. */
async function make(folder: string, paths: { readonly key: string; readonly certificate: string }): Promise<void> {
  const key = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  const { certificate } = makeRoot({
    name: "drills",
    subject: simpleName("Coldseal", "ledger drills"),
    key,
    ca: false,
    notBefore: utcOf(Date.now() - 60_000),
    notAfter: utcOf(Date.now() + years),
  });
  await makeFolder(folder);
  await writeDurable(paths.key, utf8(key.export({ format: "pem", type: "pkcs8" }) as string));
  await writeDurable(paths.certificate, utf8(pem(certificate)), { mode: 0o644 });
}

function signingKey(key: KeyObject, certificate: X509Certificate): SigningKey {
  return {
    suite,
    certificate: new Uint8Array(certificate.raw),
    sign: async (message) => new Uint8Array(sign("sha256", message, { key, dsaEncoding: "der" })),
  };
}
