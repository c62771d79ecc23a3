/** OpenSSL's word on the box's own time-stamps. */

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pem } from "../../pki/authority.ts";
import { root } from "./people.ts";

/** What `openssl ts -verify` says of a token over a digest. */
export function opensslSays(token: Uint8Array, digest: string): string {
  const folder = mkdtempSync(join(tmpdir(), "coldseal-ts-"));
  try {
    const at = (name: string, bytes: Uint8Array | string) => {
      writeFileSync(join(folder, name), bytes);
      return join(folder, name);
    };
    const args = ["-in", at("token", token), "-CAfile", at("ca.crt", pem(root.certificate))];
    return execFileSync("openssl", ["ts", "-verify", "-token_in", "-digest", digest, ...args], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
