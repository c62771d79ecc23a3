/** Wires `coldseal verify`: a whole outbox/BATCH, or one seal with its document. Exit code 4 when anything is wrong. */

import { open, readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { bundleFolder } from "../../host/bundle-folder.ts";
import { readCertificateFile } from "../../host/certificate-file.ts";
import { nodeHost } from "../../host/crypto-host.ts";
import { type Style, styleFor } from "../../host/terminal/style.ts";
import type { HashName } from "../../manifests/cms/suite.ts";
import { utcOf } from "../../manifests/encoding/shape.ts";
import { shown } from "../../manifests/records/names.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { verifyBundle } from "../../manifests/verify/bundle.ts";
import { type SealToVerify, verifySeal } from "../../manifests/verify/seal.ts";
import type { Trust } from "../../manifests/verify/trust.ts";
import { bundleLines, sealLines } from "../verdict-lines.ts";

export interface VerifyOptions {
  readonly ca: string;
  readonly genesis?: string;
  readonly documents?: string;
  readonly arc: string;
  readonly json?: boolean;
}

export async function runVerify(path: string, document: string | undefined, options: VerifyOptions): Promise<void> {
  const trust = await trustOf(options);
  const found = await stat(path).catch((cause) => {
    throw new Refusal("USAGE", `nothing is at ${shown(path)}`, { about: path, cause });
  });
  const style = options.json ? styleFor({}, {}) : styleFor(process.stdout, process.env);
  const verdict = found.isDirectory()
    ? await wholeBundle(path, document, options, trust, style)
    : await oneSeal(path, document, trust, style);
  process.stdout.write(options.json ? `${JSON.stringify(verdict.json)}\n` : `${verdict.lines.join("\n")}\n`);
  if (!verdict.holds) process.exitCode = 4;
}

interface Told {
  readonly holds: boolean;
  readonly json: unknown;
  readonly lines: readonly string[];
}

async function trustOf(options: VerifyOptions): Promise<Trust> {
  const { genesis, arc } = options;
  if (genesis !== undefined && !/^[0-9a-f]{64}$/.test(genesis)) {
    throw new Refusal("USAGE", "--genesis expects 64 lower-case hex digits", { got: genesis });
  }
  const roots = [readCertificateFile(options.ca)];
  return { roots, at: utcOf(Date.now()), arc, ...(genesis === undefined ? {} : { genesis }) };
}

async function wholeBundle(
  folder: string,
  document: string | undefined,
  options: VerifyOptions,
  trust: Trust,
  style: Style,
): Promise<Told> {
  if (document !== undefined) throw new Refusal("USAGE", "a document goes with one seal; a folder takes --documents");
  const documents = options.documents ?? (await documentsBeside(folder));
  if (documents !== undefined) await checkFolder(documents);
  const source = bundleFolder(folder, documents === undefined ? {} : { documents });
  const verdict = await verifyBundle(nodeHost, source, trust);
  const holds = verdict.ok && verdict.outcome === "sealed";
  return { holds, json: { ...verdict, manifest: undefined }, lines: bundleLines(verdict, style) };
}

/** `inbox/BATCH/documents` of the same stick, where `folder` is its `outbox/BATCH`. */
async function documentsBeside(folder: string): Promise<string | undefined> {
  const beside = join(folder, "..", "..", "inbox", basename(join(folder, ".")), "documents");
  const found = await stat(beside).catch(() => undefined);
  return found?.isDirectory() ? beside : undefined;
}

async function checkFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => undefined);
  if (!found?.isDirectory()) throw new Refusal("USAGE", `--documents expects a folder`, { got: folder });
}

async function oneSeal(path: string, document: string | undefined, trust: Trust, style: Style): Promise<Told> {
  if (document === undefined) throw new Refusal("USAGE", "expected the document that the seal belongs to");
  const bundle = dirname(dirname(dirname(path)));
  const seal: SealToVerify = {
    seal: await readBounded(path),
    documentDigest: (hash) => digestOf(document, hash),
    ...(await besideSeal(bundle)),
  };
  const verdict = await verifySeal(nodeHost, seal, trust);
  return { holds: verdict.ok, json: verdict, lines: sealLines(verdict, style) };
}

/** What of a bundle is there, when the seal still lies in its `seals/DDDD`. */
async function besideSeal(bundle: string): Promise<Partial<SealToVerify>> {
  const [manifest, authorization] = await Promise.all(
    ["manifest.p7m", "authorization.p7m"].map((name) => readFile(join(bundle, name)).catch(() => undefined)),
  );
  if (!manifest) return {};
  const names = (await readdir(join(bundle, "policy")).catch(() => []))
    .filter((name) => /^\d{4}\.p7m$/.test(name))
    .sort();
  const policies = await Promise.all(names.map((name) => readFile(join(bundle, "policy", name))));
  const source = bundleFolder(bundle);
  const listed = await stat(join(bundle, "documents.jsonl")).catch(() => undefined);
  return {
    manifest,
    policies,
    ...(authorization ? { authorization } : {}),
    ...(listed?.isFile() ? { list: source.stream("documents.jsonl") } : {}),
  };
}

async function readBounded(path: string): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    if (size > 1 << 20) throw new Refusal("USAGE", "a seal has at most 1 MiB", { got: `${size} bytes`, about: path });
    return await file.readFile();
  } finally {
    await file.close();
  }
}

async function digestOf(path: string, hash: HashName): Promise<Uint8Array> {
  const found = await bundleFolder(dirname(path), { documents: dirname(path) }).documentDigest(basename(path), hash);
  if (!found) throw new Refusal("USAGE", `no document at ${shown(path)}`, { about: path });
  return found.digest;
}
