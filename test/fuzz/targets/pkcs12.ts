import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openPkcs12 } from "../../../desk/submitter-key.ts";
import { submitter } from "../../bundle/people.ts";
import { pem } from "../../pki/authority.ts";
import { mutateDer } from "../mutate-der.ts";
import type { Target } from "../target.ts";

const password = new Uint8Array(Buffer.from("pw"));

/** PKCS#12 as OpenSSL writes it, with few iterations, so that the time of a run is the reader's. */
function made(...extra: readonly string[]): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), "coldseal-fuzz-pkcs12-"));
  const at = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  try {
    const key = at("key", submitter.key.export({ type: "pkcs8", format: "pem" }) as string);
    const certificate = at("certificate", pem(submitter.certificate));
    const pass = `file:${at("pass", "pw")}`;
    const out = join(folder, "out");
    execFileSync("openssl", [
      "pkcs12",
      "-export",
      "-inkey",
      key,
      "-in",
      certificate,
      "-passout",
      pass,
      "-iter",
      "1",
      ...extra,
      "-out",
      out,
    ]);
    return new Uint8Array(readFileSync(out));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A submitter's key file. node-forge derives keys: the time is what the iterations cost that a file may ask for (`desk/pkcs12-cost.ts`). */
export const pkcs12Target: Target = {
  name: "pkcs12",
  most: 30_000,
  seeds: async () => [
    made(),
    made("-nomac"),
    made("-keypbe", "PBE-SHA1-3DES", "-certpbe", "NONE"),
    made("-certpbe", "NONE", "-nomac"),
  ],
  mutate: mutateDer,
  run: (input) => openPkcs12(input, password, "sha256").chain.length,
};
