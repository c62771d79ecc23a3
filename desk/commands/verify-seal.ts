/** Wires `coldseal verify` for one seal with its document, which may still lie in its bundle. */

import { readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { bundleFolder } from "../../host/bundle-folder.ts";
import { nodeHost } from "../../host/crypto-host.ts";
import type { HashName } from "../../manifests/cms/suite.ts";
import { isLogProof, mostProofBytes } from "../../manifests/log/proof.ts";
import { listPath, shown } from "../../manifests/records/names.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { evidenceRecordLimit } from "../../manifests/time/evidence-record.ts";
import { logProofName, mostLogProofs } from "../../manifests/verify/log-proofs.ts";
import { type SealToVerify, verifySeal } from "../../manifests/verify/seal.ts";
import { smallFile } from "../../manifests/verify/source.ts";
import type { Trust } from "../../manifests/verify/trust.ts";
import { readBounded, readIfThere } from "../bounded-file.ts";
import { documentDigestAt } from "../document-digest.ts";
import { statNamed } from "../stat-named.ts";
import { sealTold, type Told } from "../told.ts";

const largestSeal = 1 << 20;

/** What the person said beside the seal. */
interface Beside {
  readonly closing?: readonly string[];
  /** files of evidence records over the seal and its document, and of proofs of a log */
  readonly evidence?: readonly string[];
}

/** Refuses USAGE a seal without its document, and what goes with a whole batch. */
export async function oneSeal(
  path: string,
  document: string | undefined,
  { closing, evidence = [] }: Beside,
  trust: Trust,
): Promise<Told> {
  if (document === undefined) throw missingDocument();
  if (closing !== undefined) {
    throw new Refusal("USAGE", "a closing record goes with a whole batch, not with one seal", {
      expected: "coldseal verify outbox/BATCH --closing FILE",
      got: "one seal",
    });
  }
  if (!(await statNamed(document)).isFile()) throw missingDocument(document);
  const bundle = dirname(dirname(dirname(path)));
  const beside = await besideSeal(bundle);
  const files = await Promise.all(
    evidence.map(async (name) => ({ name, bytes: await readBounded(name, evidenceRecordLimit) })),
  );
  const seal: SealToVerify = {
    seal: await readBounded(path, largestSeal),
    documentDigest: (hash) => digestOf(document, hash),
    ...beside,
    evidence: files.flatMap(({ bytes, name }) => (isLogProof(bytes) ? [] : [{ name, der: bytes }])),
    logs: [...(beside.logs ?? []), ...files.filter(({ bytes }) => isLogProof(bytes))],
  };
  return sealTold(await verifySeal(nodeHost, seal, trust));
}

/** What of a bundle is there, when the seal still lies in its `seals/DDDD`. */
async function besideSeal(bundle: string): Promise<Partial<SealToVerify>> {
  const [manifest, authorization, inclusion] = await Promise.all(
    ["manifest.p7m", "authorization.p7m", "inclusion.json"].map((name) => readIfThere(join(bundle, name), smallFile)),
  );
  if (!manifest) return {};
  const names = (await readdir(join(bundle, "policy")).catch(() => []))
    .filter((name) => /^\d{4}\.p7m$/.test(name))
    .sort();
  const policies = await Promise.all(names.map((name) => readBounded(join(bundle, "policy", name), smallFile)));
  const logs = (await readdir(join(bundle, "evidence")).catch(() => [])).filter((name) => logProofName.test(name));
  const listed = await stat(join(bundle, listPath)).catch(() => undefined);
  return {
    manifest,
    policies,
    logs: await Promise.all(
      logs
        .sort()
        .slice(0, mostLogProofs)
        .map((name) => logBeside(bundle, `evidence/${name}`)),
    ),
    ...(authorization ? { authorization } : {}),
    ...(inclusion ? { inclusion } : {}),
    ...(listed?.isFile() ? { list: listBeside(bundle) } : {}),
  };
}

async function logBeside(bundle: string, name: string) {
  return { name, bytes: await readBounded(join(bundle, name), mostProofBytes) };
}

async function* listBeside(bundle: string): AsyncIterable<Uint8Array> {
  const source = bundleFolder(bundle);
  try {
    yield* source.stream(listPath);
  } finally {
    source.close();
  }
}

function missingDocument(got?: string): Refusal {
  return new Refusal("USAGE", "a seal is verified together with its document", {
    expected: "coldseal verify SEAL.p7s DOCUMENT",
    got: got === undefined ? "no document" : `no file at ${shown(got)}`,
  });
}

async function digestOf(path: string, hash: HashName): Promise<Uint8Array> {
  const found = await documentDigestAt(path, hash);
  if (!found) throw missingDocument(path);
  return found;
}
