/** A mutant: a bundle that its box signed throughout, and that is wrong in one thing. */

import { digestOf, nodeHost } from "../../../host/crypto-host.ts";
import type { RefusalCode } from "../../../manifests/refusal.ts";
import { verifyBundle } from "../../../manifests/verify/bundle.ts";
import { verifySeal } from "../../../manifests/verify/seal.ts";
import { type Bundle, type BundleChanges, buildBundle } from "../../bundle/build.ts";
import { logTrust } from "../../bundle/log.ts";
import { memorySource } from "../../bundle/memory-source.ts";

export interface Mutant {
  /** stands once in the table, and in docs/verify.md */
  readonly title: string;
  /** row of docs/assurance.md */
  readonly threat: string;
  /** the code that is found of `file`; "holds": nothing is wrong by our rules */
  readonly ours: RefusalCode | "holds";
  /** what else is found of `file` */
  readonly also?: readonly RefusalCode[];
  /** what `openssl cms -verify` says of `asked`, at the manifest's time */
  readonly openssl: "accepts" | "refuses";
  /** the file that our verifier blames */
  readonly file: string;
  /** the signed file that OpenSSL is asked about; `file` unless said */
  readonly asked?: string;
  readonly make: () => Change | Promise<Change>;
}

export interface Change extends BundleChanges {
  /** what is done to the finished bundle */
  readonly after?: (bundle: Bundle) => void | Promise<void>;
}

/** All codes of the mutant's file, as the two functions below give them. */
export function expected({ ours, also = [] }: Mutant): readonly string[] {
  return [ours, ...also].sort();
}

/** Whether a seal is what is wrong, so that it is found wrong by itself as well. */
export function isSeal({ asked, file }: Mutant): boolean {
  return file === sealFile && asked === undefined;
}

/** The signed file that OpenSSL is asked about. */
export function askedOf({ asked, file }: Mutant): string {
  return asked ?? file;
}

/** The one document of a mutant, and its seal. */
export const documentName = "a.pdf";
export const sealFile = "seals/0000/000001-a.pdf.p7s";

export async function bundleOf({ make }: Mutant): Promise<Bundle> {
  const { after, ...changes } = await make();
  const bundle = await buildBundle({ documents: { [documentName]: "%PDF-1.7 one" }, ...changes });
  await after?.(bundle);
  return bundle;
}

/** The codes that are found of the mutant's file in the bundle, each once, sorted; "holds" where nothing at all is found. */
export async function foundInBundle(mutant: Mutant, bundle: Bundle): Promise<readonly string[]> {
  const { roots, genesis } = bundle;
  const trust = { roots, genesis, log: await logTrust() };
  const { findings, ok } = await verifyBundle(nodeHost, memorySource(bundle), trust);
  if (ok !== (findings.length === 0)) throw new Error("a verdict that contradicts its findings");
  return found(findings, mutant.file);
}

/** The same for a seal with its document, and all of its bundle beside it. */
export async function foundInSeal(bundle: Bundle): Promise<readonly string[]> {
  const { roots, genesis } = bundle;
  const file = (path: string) => bundle.files.get(path) as Uint8Array;
  const document = bundle.documents.get(documentName) as Uint8Array;
  const given = {
    seal: file(sealFile),
    documentDigest: async (hash: "sha256" | "sha384" | "sha512") => digestOf(hash, document),
    manifest: file("manifest.p7m"),
    list: once(file("documents.jsonl")),
    authorization: file("authorization.p7m"),
    policies: [file("policy/0001.p7m")],
  };
  const { findings } = await verifySeal(nodeHost, given, { roots, genesis });
  return found(findings, "seal");
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}

function found(findings: readonly { file: string; code: string }[], file: string): readonly string[] {
  if (findings.length === 0) return ["holds"];
  if (findings.some(({ code }) => code === "INTERNAL")) throw new Error("a check failed by an untyped error");
  return [...new Set(findings.filter((one) => one.file === file).map(({ code }) => code))].sort();
}
