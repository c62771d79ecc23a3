/** Bundles and audit files of the lost box, verified one by one on their media and copied to where the new store is made from. */

import { rm } from "node:fs/promises";
import { join } from "node:path";
import { bundleFolder } from "../../../host/bundle-folder.ts";
import { readCertificateFile } from "../../../host/certificate-file.ts";
import { nodeHost } from "../../../host/crypto-host.ts";
import { makeFolder, moveDurable, writeDurable } from "../../../host/durable.ts";
import type { Utc } from "../../../manifests/encoding/shape.ts";
import { asRefusal, Refusal } from "../../../manifests/refusal.ts";
import { verifyBundle } from "../../../manifests/verify/bundle.ts";
import { readListFile } from "../../../manifests/verify/list-file.ts";
import { checkManifestFile } from "../../../manifests/verify/manifest-file.ts";
import { type BundleSource, piecesOf, readSmall } from "../../../manifests/verify/source.ts";
import type { Trust } from "../../../manifests/verify/trust.ts";
import { bundlesOn } from "./media-copies.ts";
import type { RecoverParameters } from "./parameters.ts";

export interface Gathered {
  /** numbers of manifests that were copied, and whether everything of their receipt was */
  readonly numbers: ReadonlyMap<number, "whole" | "manifest, authorisation and list">;
  /** policies that bundles carried, by their number */
  readonly policies: ReadonlyMap<number, Uint8Array>;
  /** folders that were left out, each with its reason */
  readonly leftOut: readonly string[];
}

const keeperFiles = ["manifest.p7m", "authorization.p7m", "documents.jsonl"];

/**
 * Copies what verifies, whole bundles before the keeper's three files; what is verified is the copy. Durable on return. Refuses CHAIN where two manifests of one number
 * are at hand, STORE; what does not verify is left out and said.
 */
export async function gatherBundles(
  { evidence, from, roots }: Pick<RecoverParameters, "evidence" | "from" | "roots">,
  box: { readonly appliance: string; readonly genesis: string },
  at: Utc,
): Promise<Gathered> {
  const trust: Trust = { at, genesis: box.genesis, roots: roots.map(readCertificateFile) };
  const numbers = new Map<number, "whole" | "manifest, authorisation and list">();
  const digests = new Map<number, string>();
  const policies = new Map<number, Uint8Array>();
  const leftOut: string[] = [];
  const incoming = join(evidence, "incoming");
  for (const folder of await bundlesOn(from)) {
    await rm(incoming, { recursive: true, force: true });
    const one = await copied(folder, incoming, trust).catch((fault) => {
      const { code, message } = asRefusal(fault, "BUNDLE-FORM", "it cannot be read");
      leftOut.push(`${folder}: ${code}, ${message}`);
    });
    if (!one || one.appliance !== box.appliance) continue;
    const { digest, isWhole, number } = one;
    if ((digests.get(number) ?? digest) !== digest) {
      throw new Refusal("CHAIN", `two manifests have the number ${number}`, { about: folder });
    }
    digests.set(number, digest);
    if (numbers.get(number) === "whole" || (!isWhole && numbers.has(number))) continue;
    const to = join(evidence, "manifests", digits(number));
    await rm(to, { recursive: true, force: true });
    await makeFolder(join(to, ".."));
    await moveDurable(incoming, to);
    numbers.set(number, isWhole ? "whole" : "manifest, authorisation and list");
    if (isWhole) await addPolicies(to, policies);
  }
  await rm(incoming, { recursive: true, force: true });
  return { numbers, policies, leftOut };
}

interface Copied {
  readonly appliance: string;
  readonly number: number;
  /** of the manifest's content */
  readonly digest: string;
  readonly isWhole: boolean;
}

/** Copies a folder to `to` and verifies the copy: all of a bundle, or the keeper's three files. Refuses with what was found. */
async function copied(folder: string, to: string, trust: Trust): Promise<Copied> {
  const medium = bundleFolder(folder);
  let isWhole: boolean;
  try {
    isWhole = (await medium.list("")).includes("certificates");
    await copy(medium, isWhole ? await filesBelow(medium, "") : keeperFiles, to);
  } finally {
    medium.close();
  }
  const source = bundleFolder(to);
  try {
    return { ...(await (isWhole ? wholeBundle(source, trust) : keepersPart(source, trust))), isWhole };
  } finally {
    source.close();
  }
}

async function wholeBundle(source: BundleSource, trust: Trust) {
  const { appliance, findings, manifestDigest, number } = await verifyBundle(nodeHost, source, trust);
  const [first] = findings;
  if (first) throw new Refusal(first.code, `${first.file}: ${first.message}`);
  if (appliance !== null && number !== null && manifestDigest !== null)
    return { appliance, digest: manifestDigest, number };
  throw new Refusal("BUNDLE-FORM", "the manifest says nothing");
}

/** The manifest's signature, and that the two files beside it are those that it names. */
async function keepersPart(source: BundleSource, trust: Trust) {
  const { digest, manifest } = await checkManifestFile(nodeHost, await readSmall(source, "manifest.p7m"), trust);
  const list = await readListFile(nodeHost, piecesOf(source, "documents.jsonl"));
  const authorization = (await nodeHost.digest("sha256", await readSmall(source, "authorization.p7m"))).toHex();
  if (list.digest !== manifest.documents.digest || authorization !== manifest.authorization.file) {
    throw new Refusal("MANIFEST-BIND", "list or authorisation is not the one that the manifest names");
  }
  return { appliance: manifest.appliance, digest, number: manifest.number };
}

async function addPolicies(bundle: string, policies: Map<number, Uint8Array>): Promise<void> {
  const source = bundleFolder(bundle);
  try {
    for (const name of await source.list("policy")) {
      const number = Number(/^(\d{4})\.p7m$/.exec(name)?.[1] ?? 0);
      if (number > 0) policies.set(number, await readSmall(source, `policy/${name}`));
    }
  } finally {
    source.close();
  }
}

/** Everything but documents, which are the submitter's. */
async function filesBelow(source: BundleSource, folder: string): Promise<readonly string[]> {
  const all: string[] = [];
  for (const name of await source.list(folder)) {
    const path = folder === "" ? name : `${folder}/${name}`;
    if (path === "documents") continue;
    const isFile = /\.(p7m|p7s|der|jsonl|bin|tst|crl|ors)$/.test(name);
    all.push(...(isFile ? [path] : await filesBelow(source, path)));
  }
  return all;
}

async function copy(source: BundleSource, paths: readonly string[], to: string): Promise<void> {
  for (const path of paths) {
    await makeFolder(join(to, path, ".."));
    await writeDurable(join(to, path), source.stream(path), { mode: 0o600 });
  }
}

function digits(number: number): string {
  return String(number).padStart(6, "0");
}
