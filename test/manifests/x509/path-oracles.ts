/** Two other judges of a path, for comparison only: `openssl verify` and pkijs' CertificateChainValidationEngine. */

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pkijs from "pkijs";
import type { PathWanted } from "../../../manifests/x509/path.ts";
import { pem } from "../../pki/authority.ts";

export function opensslAccepts(wanted: PathWanted): boolean {
  const folder = mkdtempSync(join(tmpdir(), "coldseal-path-"));
  try {
    const file = (name: string, certificates: readonly Uint8Array[]): string => {
      const path = join(folder, name);
      writeFileSync(path, certificates.map(pem).join(""));
      return path;
    };
    const roots = file("roots.pem", wanted.roots);
    const untrusted = wanted.intermediates.length === 0 ? [] : ["-untrusted", file("other.pem", wanted.intermediates)];
    const at = String(Date.parse(wanted.at) / 1000);
    const policies = ["-policy_check", "-policy", "2.5.29.32.0"]; // it looks at none unless told to, and accepts none unless told which
    const trust = ["-no-CApath", "-no-CAstore", "-CAfile", roots, ...untrusted];
    const options = [...trust, ...policies, "-purpose", "any", "-attime", at];
    execFileSync("openssl", ["verify", ...options, file("leaf.pem", [wanted.leaf])], { stdio: "pipe" });
    return true;
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export async function pkijsAccepts(wanted: PathWanted): Promise<boolean> {
  try {
    const engine = new pkijs.CertificateChainValidationEngine({
      certs: [...wanted.intermediates, wanted.leaf].map((one) => pkijs.Certificate.fromBER(one.slice())),
      trustedCerts: wanted.roots.map((one) => pkijs.Certificate.fromBER(one.slice())),
      checkDate: new Date(wanted.at),
    });
    return (await engine.verify()).result;
  } catch {
    return false;
  }
}
