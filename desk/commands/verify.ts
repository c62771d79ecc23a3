/** Wires `coldseal verify`: a whole outbox/BATCH, a signed refusal, one seal with its document, a container of either, or a chain of manifests. */

import { readFileSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { bundleFolder } from "../../host/bundle-folder.ts";
import { nodeHost } from "../../host/crypto-host.ts";
import { styleFor } from "../../host/terminal/style.ts";
import { type TrustOptions, verifyFolder, wholeTrust } from "../../host/verify-folder.ts";
import { versionText } from "../../host/version.ts";
import type { HashName } from "../../manifests/cms/suite.ts";
import { isLogProof, mostProofBytes } from "../../manifests/log/proof.ts";
import { listPath, shown } from "../../manifests/records/names.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { evidenceRecordLimit } from "../../manifests/time/evidence-record.ts";
import { logProofName, mostLogProofs } from "../../manifests/verify/log-proofs.ts";
import { verifyRefusal } from "../../manifests/verify/refusal.ts";
import { type SealToVerify, verifySeal } from "../../manifests/verify/seal.ts";
import { smallFile } from "../../manifests/verify/source.ts";
import type { Trust } from "../../manifests/verify/trust.ts";
import { readBounded, readIfThere } from "../bounded-file.ts";
import { isContainer } from "../container/is-container.ts";
import { documentDigestAt } from "../document-digest.ts";
import { fileFault } from "../file-fault.ts";
import { writeNew } from "../new-files.ts";
import { bundleTold, sealTold, type Told } from "../told.ts";
import { verdictLines } from "../verdict-lines.ts";
import { type Reported, verdictReport } from "../verdict-report.ts";
import { refusalWords } from "../verdict-words.ts";
import { checkNoChain } from "./chain-usage.ts";

const largestSeal = 1 << 20;

export interface VerifyOptions extends TrustOptions {
  readonly documents?: string;
  readonly json?: boolean;
  /** files of evidence records over one seal and its document, and of proofs of a log */
  readonly evidence?: readonly string[];
  /** a folder with the box's audit records or bundles: verified itself, or for the place of a bundle in it */
  readonly chain?: string;
  /** a new file for the report (HTML) */
  readonly report?: string;
}

/** `path` may be left out where a chain is named: then it is what is verified. */
export async function runVerify(
  path: string | undefined,
  document: string | undefined,
  options: VerifyOptions,
): Promise<void> {
  const trust = await wholeTrust(options);
  const { json, status, words } = await told(path, document, options, trust);
  const about = path ?? options.chain ?? "";
  if (options.report !== undefined) await writeReport(options.report, { path: about, trust, words });
  const lines = () => verdictLines(words, styleFor(process.stdout, process.env));
  process.stdout.write(options.json ? `${JSON.stringify(json)}\n` : `${lines().join("\n")}\n`);
  process.exitCode = status;
}

async function told(
  path: string | undefined,
  document: string | undefined,
  options: VerifyOptions,
  trust: Trust,
): Promise<Told> {
  if (path === undefined) return (await chains()).chainAlone(options, trust);
  const found = await statAt(path);
  if (found.isDirectory()) return wholeFolder(path, document, options, trust);
  checkNoChain(options);
  if (!isContainer(path)) return oneSeal(path, document, options, trust);
  const { wholeContainer } = await import("./verify-container.ts");
  return wholeContainer(path, document, options, trust);
}

/** What one bundle or seal does not need is loaded where it is asked for: it takes a good part of a short run. */
const chains = () => import("./verify-chain.ts");

/** Never over a file that is there. Refuses USAGE, MEDIA-*. */
async function writeReport(file: string, about: Pick<Reported, "path" | "trust" | "words">): Promise<void> {
  const style = readFileSync(new URL("../page/browser/page.css", import.meta.url), "utf8");
  await writeNew(file, verdictReport({ ...about, style, version: versionText() }));
}

async function statAt(path: string) {
  return stat(path).catch((fault) => {
    throw fileFault(fault, "read a file", path);
  });
}

/** A folder without a manifest but with a signed refusal is the box's answer to a batch that it did not seal. */
async function wholeFolder(
  folder: string,
  document: string | undefined,
  options: VerifyOptions,
  trust: Trust,
): Promise<Told> {
  if (document !== undefined) {
    throw new Refusal("USAGE", "a document goes with one seal; a folder takes --documents", {
      expected: "coldseal verify FOLDER --documents DIR, or coldseal verify SEAL.p7s DOCUMENT",
      got: "a folder and a document",
    });
  }
  if (options.evidence !== undefined) {
    throw new Refusal("USAGE", "--evidence goes with one seal; a folder has its own", {
      expected: "coldseal verify SEAL.p7s DOCUMENT --evidence FILE",
      got: "a folder",
    });
  }
  const names = await readdir(folder);
  if (names.includes("manifest.p7m") || !names.includes("refusal.p7m")) {
    if (!names.includes("manifest.p7m")) await (await chains()).checkNoRecordsBelow(folder);
    return wholeBundle(folder, options, trust);
  }
  checkNoChain(options);
  const verdict = await verifyRefusal(nodeHost, await readBounded(join(folder, "refusal.p7m"), smallFile), trust);
  return { status: verdict.ok ? 1 : 4, json: verdict, words: refusalWords(verdict) };
}

async function wholeBundle(folder: string, options: VerifyOptions, trust: Trust): Promise<Told> {
  if (options.documents !== undefined) await checkFolder(options.documents);
  const verdict = await verifyFolder(folder, trust, options.documents);
  if (options.chain === undefined) return bundleTold(verdict);
  return (await chains()).inChain(verdict, folder, options.chain, trust);
}

async function checkFolder(folder: string): Promise<void> {
  if ((await statAt(folder)).isDirectory()) return;
  throw new Refusal("USAGE", "--documents expects a folder", { expected: "the folder of the documents", got: folder });
}

async function oneSeal(
  path: string,
  document: string | undefined,
  { closing, evidence = [] }: VerifyOptions,
  trust: Trust,
): Promise<Told> {
  if (document === undefined) throw missingDocument();
  if (closing !== undefined) {
    throw new Refusal("USAGE", "a closing record goes with a whole batch, not with one seal", {
      expected: "coldseal verify outbox/BATCH --closing FILE",
      got: "one seal",
    });
  }
  if (!(await statAt(document)).isFile()) throw missingDocument(document);
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
