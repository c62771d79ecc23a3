/** Peers that verify the seals and documents of one batch; they look at each signature and digest alone, at no list, manifest or quorum. */

import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type WarmJava, warmJava } from "./warm-java.ts";

/** Paths of a seal and of its document. */
export type SealAndDocument = readonly [seal: string, document: string];

/** So many are enough for a rate. */
const processes = 60;

/** `openssl-loop`: `openssl cms -verify`, a process a seal: seals a second. `root`: PEM file. */
export function opensslVerifies(pairs: readonly SealAndDocument[], root: string): number {
  const some = pairs.slice(0, processes);
  const begun = performance.now();
  for (const [seal, document] of some) {
    const trust = ["-purpose", "any", "-CAfile", root, "-no-CApath", "-no-CAstore"];
    const files = ["-in", seal, "-content", document, "-out", "/dev/null"];
    execFileSync("openssl", ["cms", "-verify", "-cades", "-binary", "-inform", "DER", ...trust, ...files], {
      stdio: "pipe",
    });
  }
  return some.length / ((performance.now() - begun) / 1000);
}

/** `bouncycastle`: one warm Java process for all of them (VerifyPeer.java). Throws where Java or BouncyCastle is missing. */
export function bouncyCastleVerifies(folder: string, pairs: readonly SealAndDocument[]): WarmJava {
  const list = join(folder, "pairs");
  writeFileSync(list, pairs.map((pair) => `${pair.join("\t")}\n`).join(""));
  return warmJava(folder, "VerifyPeer", [list]);
}
