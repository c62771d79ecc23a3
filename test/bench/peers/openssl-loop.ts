/** `openssl-loop`: `openssl cms -sign` over the PKCS#11 engine (libp11), a process a document. */

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { PeerToken } from "./peer-token.ts";

/** So many documents are enough for a rate. */
const documents = 60;

const engines = ["x86_64", "aarch64"].map((cpu) => `/usr/lib/${cpu}-linux-gnu/engines-3/pkcs11.so`);

/** Documents a second over `folder/d0…`. Throws where the engine is missing. */
export function opensslLoop(folder: string, { soft, certificate, label }: PeerToken): () => number {
  const engine = engines.find((path) => existsSync(path));
  if (!engine) throw new Error("the PKCS#11 engine is missing (Debian: libengine-pkcs11-openssl)");
  // The PIN stands in a file of its owner's, never in an argument.
  const configuration = join(folder, "openssl.cnf");
  const text = `openssl_conf = conf
[conf]
engines = engines
[engines]
pkcs11 = pkcs11
[pkcs11]
engine_id = pkcs11
dynamic_path = ${engine}
MODULE_PATH = ${soft.place.module}
PIN = ${new TextDecoder().decode(soft.pin)}
init = 0
`;
  writeFileSync(configuration, text, { mode: 0o600 });
  const env = { ...process.env, ...soft.place.environment, OPENSSL_CONF: configuration };
  const out = join(folder, "openssl-out");
  mkdirSync(out, { recursive: true });
  let run = 0;
  return () => {
    const begun = performance.now();
    run++;
    for (let at = 0; at < documents; at++) {
      const key = ["-engine", "pkcs11", "-keyform", "engine", "-inkey", `pkcs11:object=${label};type=private`];
      const files = ["-in", join(folder, `d${at}`), "-out", join(out, `${run}-${at}.p7s`)];
      const args = [
        "cms",
        "-sign",
        "-binary",
        "-outform",
        "DER",
        "-md",
        "sha256",
        "-signer",
        certificate,
        ...key,
        ...files,
      ];
      execFileSync("openssl", args, { env, stdio: "pipe" });
    }
    if (!readFileSync(join(out, `${run}-0.p7s`)).length) throw new Error("openssl wrote nothing");
    return documents / ((performance.now() - begun) / 1000);
  };
}
