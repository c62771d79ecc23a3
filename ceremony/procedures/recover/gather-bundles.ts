/** Bundles and audit files of the lost box, verified one by one on their media and copied to where the new store is made from. */

import { join } from "node:path";
import { bundleFolder } from "../../../host/bundle-folder.ts";
import { readCertificateFile } from "../../../host/certificate-file.ts";
import { nodeHost } from "../../../host/crypto-host.ts";
import { makeFolder, writeDurable } from "../../../host/durable.ts";
import type { Utc } from "../../../manifests/encoding/shape.ts";
import { asRefusal, Refusal } from "../../../manifests/refusal.ts";
import { verifyBundle } from "../../../manifests/verify/bundle.ts";
import { checkManifestFile } from "../../../manifests/verify/manifest-file.ts";
import { type BundleSource, readSmall } from "../../../manifests/verify/source.ts";
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

/** Copies what verifies, whole bundles before the keeper's three files; durable on return. Refuses STORE; what does not verify is left out and said. */
export async function gatherBundles(
  { evidence, from, roots }: Pick<RecoverParameters, "evidence" | "from" | "roots">,
  box: { readonly appliance: string; readonly genesis: string },
  at: Utc,
): Promise<Gathered> {
  const trust: Trust = { at, genesis: box.genesis, roots: roots.map(readCertificateFile) };
  const numbers = new Map<number, "whole" | "manifest, authorisation and list">();
  const policies = new Map<number, Uint8Array>();
  const leftOut: string[] = [];
  for (const folder of bundlesOn(from)) {
    const source = bundleFolder(folder);
    try {
      const isWhole = (await source.list("")).includes("certificates");
      const number = await (isWhole ? wholeBundle(source, trust, box) : keepersPart(source, trust, box));
      if (number === undefined || numbers.get(number) === "whole") continue;
      await copy(
        source,
        isWhole ? await filesBelow(source, "") : keeperFiles,
        join(evidence, "manifests", digits(number)),
      );
      numbers.set(number, isWhole ? "whole" : "manifest, authorisation and list");
      if (isWhole) await addPolicies(source, policies);
    } catch (fault) {
      const { code, message } = asRefusal(fault, "BUNDLE-FORM", "it cannot be read");
      leftOut.push(`${folder}: ${code}, ${message}`);
    } finally {
      source.close();
    }
  }
  return { numbers, policies, leftOut };
}

/** Number of a bundle that verifies; undefined for another box's. Refuses with what was found. */
async function wholeBundle(source: BundleSource, trust: Trust, { appliance }: { readonly appliance: string }) {
  const verdict = await verifyBundle(nodeHost, source, trust);
  if (verdict.appliance !== null && verdict.appliance !== appliance) return undefined;
  const [first] = verdict.findings;
  if (first) throw new Refusal(first.code, `${first.file}: ${first.message}`);
  return verdict.number ?? undefined;
}

/** Number of the keeper's three files, by the manifest's signature; what hangs on it the signer checks. */
async function keepersPart(source: BundleSource, trust: Trust, { appliance }: { readonly appliance: string }) {
  const { manifest } = await checkManifestFile(nodeHost, await readSmall(source, "manifest.p7m"), trust);
  return manifest.appliance === appliance ? manifest.number : undefined;
}

async function addPolicies(source: BundleSource, policies: Map<number, Uint8Array>): Promise<void> {
  for (const name of await source.list("policy")) {
    const number = Number(/^(\d{4})\.p7m$/.exec(name)?.[1] ?? 0);
    if (number > 0) policies.set(number, await readSmall(source, `policy/${name}`));
  }
}

/** Everything but documents, which are the submitter's. */
async function filesBelow(source: BundleSource, folder: string): Promise<readonly string[]> {
  const all: string[] = [];
  for (const name of await source.list(folder)) {
    const path = folder === "" ? name : `${folder}/${name}`;
    if (path === "documents") continue;
    const isFile = /\.(p7m|p7s|der|jsonl)$/.test(name);
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
