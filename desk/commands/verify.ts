/** Wires `coldseal verify`: a whole outbox/BATCH, a signed refusal, one seal with its document, a container of either, or a chain of manifests. */

import { readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { nodeHost } from "../../host/crypto-host.ts";
import { styleFor } from "../../host/terminal/style.ts";
import { type TrustOptions, verifyFolder, wholeTrust } from "../../host/verify-folder.ts";
import { versionText } from "../../host/version.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { smallFile } from "../../manifests/verify/source.ts";
import type { Trust } from "../../manifests/verify/trust.ts";
import { readBounded } from "../bounded-file.ts";
import { isContainer } from "../container/is-container.ts";
import { writeNew } from "../new-files.ts";
import { statNamed } from "../stat-named.ts";
import { bundleTold, type Told } from "../told.ts";
import { verdictLines } from "../verdict-lines.ts";
import type { Reported } from "../verdict-report.ts";
import { refusalWords } from "../verdict-words.ts";
import { checkNoChain } from "./chain-usage.ts";

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
  const found = await statNamed(path);
  if (found.isDirectory()) return wholeFolder(path, document, options, trust);
  checkNoChain(options);
  if (!isContainer(path)) {
    const { oneSeal } = await import("./verify-seal.ts");
    return oneSeal(path, document, options, trust);
  }
  const { wholeContainer } = await import("./verify-container.ts");
  return wholeContainer(path, document, options, trust);
}

/** What one bundle or seal does not need is loaded where it is asked for: it takes a good part of a short run. */
const chains = () => import("./verify-chain.ts");

/** Never over a file that is there. Refuses USAGE, MEDIA-*. */
async function writeReport(file: string, about: Pick<Reported, "path" | "trust" | "words">): Promise<void> {
  const { verdictReport } = await import("../verdict-report.ts");
  const style = readFileSync(new URL("../page/browser/page.css", import.meta.url), "utf8");
  await writeNew(file, verdictReport({ ...about, style, version: versionText() }));
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
  const { verifyRefusal } = await import("../../manifests/verify/refusal.ts");
  const verdict = await verifyRefusal(nodeHost, await readBounded(join(folder, "refusal.p7m"), smallFile), trust);
  return { status: verdict.ok ? 1 : 4, json: verdict, words: refusalWords(verdict) };
}

async function wholeBundle(folder: string, options: VerifyOptions, trust: Trust): Promise<Told> {
  if (options.documents !== undefined) await checkFolder(options.documents);
  // V8's last compiler takes longer than what it makes saves, up to some hundred thousand seals.
  setFlagsFromString("--no-turbofan");
  const verdict = await verifyFolder(folder, trust, options.documents);
  if (options.chain === undefined) return bundleTold(verdict);
  return (await chains()).inChain(verdict, folder, options.chain, trust);
}

async function checkFolder(folder: string): Promise<void> {
  if ((await statNamed(folder)).isDirectory()) return;
  throw new Refusal("USAGE", "--documents expects a folder", { expected: "the folder of the documents", got: folder });
}
