/** Checks with OpenSSL alone: each seal against its document, the authorisation and the manifest. */

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** What OpenSSL said of one file: `refusal` is its own last line when it refused. */
export interface OpensslCheck {
  readonly file: string;
  readonly refusal: string | undefined;
}

/** The arguments of the README's line: verify `signature`, detached from `document` where one is given. */
export function cmsVerify(signature: string, root: string, document?: string): string[] {
  const content = document === undefined ? [] : ["-content", document];
  const common = ["-cades", "-binary", "-inform", "DER", "-purpose", "any"];
  const trusted = ["-CAfile", root, "-no-CApath", "-no-CAstore"]; // without these two the system's own roots count as well
  return ["cms", "-verify", ...common, ...trusted, "-in", signature, ...content, "-out", "/dev/null"];
}

/** Checks everything that is signed in `outbox/BATCH`; documents are read from `documents`. */
export async function checkBundle(bundle: string, documents: string, root: string): Promise<OpensslCheck[]> {
  const lines = (await readFile(join(bundle, "documents.jsonl"), "utf8")).trimEnd().split("\n");
  const listed = lines.map((line) => JSON.parse(line) as { name: string; seal: string });
  const checks: OpensslCheck[] = [];
  for (const file of ["batch.p7m", "authorization.p7m", "manifest.p7m"]) {
    checks.push(await check(file, cmsVerify(join(bundle, file), root)));
  }
  for (const { name, seal } of listed) {
    checks.push(await check(seal, cmsVerify(join(bundle, seal), root, join(documents, name))));
  }
  return checks;
}

async function check(file: string, args: readonly string[]): Promise<OpensslCheck> {
  try {
    await run("openssl", [...args]);
    return { file, refusal: undefined };
  } catch (fault) {
    const said = String((fault as { stderr?: string }).stderr ?? fault).trim();
    return { file, refusal: said.split("\n").at(-1) ?? "refused" };
  }
}
