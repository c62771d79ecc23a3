/** OpenSSL's word on mutants, from files in a folder, two at a time. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cmsVerify } from "../../../demo/openssl.ts";
import type { Bundle } from "../../bundle/build.ts";
import { times } from "../../bundle/signed.ts";
import { pem } from "../../pki/authority.ts";
import { refusalOf } from "../../verifiers/run.ts";
import type { SignedFile } from "../../verifiers/verifier.ts";
import { askedOf, documentName, type Mutant, sealFile } from "./mutant.ts";

export interface Made {
  readonly mutant: Mutant;
  readonly bundle: Bundle;
}

/** The signed file that is asked about, with its document where it is a seal's, and the root beside them. */
export function written({ mutant, bundle }: Made, folder: string): SignedFile & { readonly root: string } {
  mkdirSync(folder);
  const put = (name: string, bytes: string | Uint8Array) => {
    writeFileSync(join(folder, name), bytes);
    return join(folder, name);
  };
  const asked = askedOf(mutant);
  const file = {
    root: put("ca.crt", pem(bundle.roots[0] as Uint8Array)),
    signed: put("signed", bundle.files.get(asked) as Uint8Array),
  };
  if (asked !== sealFile) return file;
  return { ...file, document: put("document", bundle.documents.get(documentName) as Uint8Array) };
}

/** By the README's line, certificates judged at the manifest's time, so that the answer is the same on any day. */
export async function opensslSays(
  made: readonly Made[],
  folder: string,
): Promise<ReadonlyMap<Mutant, Mutant["openssl"]>> {
  const said = new Map<Mutant, Mutant["openssl"]>();
  const left = made.entries();
  const ask = async () => {
    for (const [at, one] of left) {
      const { root, signed, document } = written(one, join(folder, `${at}`));
      const when = ["-attime", `${Date.parse(times.manifest) / 1000}`];
      const refusal = await refusalOf("openssl", [...cmsVerify(signed, root, document), ...when]);
      said.set(one.mutant, refusal === undefined ? "accepts" : "refuses");
    }
  };
  await Promise.all([ask(), ask()]);
  return said;
}
