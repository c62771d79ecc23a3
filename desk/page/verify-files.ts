/** The page's work without the page: files and what is trusted go in, words come out. The verifier is the command line's. */

import { readSignedData } from "../../manifests/cms/read.ts";
import { pemBlocks } from "../../manifests/encoding/pem.ts";
import type { Host } from "../../manifests/host.ts";
import { isLogProof } from "../../manifests/log/proof.ts";
import { closingLimit } from "../../manifests/records/closing.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { oidsOfType } from "../../manifests/verify/audit-signature.ts";
import { verifyBundle } from "../../manifests/verify/bundle.ts";
import { verifyRefusal } from "../../manifests/verify/refusal.ts";
import { type SealToVerify, verifySeal } from "../../manifests/verify/seal.ts";
import { smallFile } from "../../manifests/verify/source.ts";
import type { Trust } from "../../manifests/verify/trust.ts";
import { bundleWords, refusalWords, sealWords, type VerdictWords } from "../verdict-words.ts";
import { type BesideSeal, type ChosenFile, digestFile, evidenceIn, outsideBundles, wholeOf } from "./chosen-files.ts";

/** As `coldseal verify` would judge it. Refuses USAGE what is no evidence; a fault of reading is one too. */
export async function verifyFiles(host: Host, files: readonly ChosenFile[], trust: Trust): Promise<VerdictWords> {
  const closings = await closingsAmong(outsideBundles(files));
  const evidence = evidenceIn(files, (hash) => host.hasher(hash), closings);
  switch (evidence.kind) {
    case "bundle": {
      const closings = await Promise.all(evidence.closings.map((file) => whole(file, closingLimit)));
      const trusted = closings.length > 0 ? { ...trust, closings } : trust;
      return bundleWords(await verifyBundle(host, evidence.source, trusted));
    }
    case "refusal":
      return refusalWords(await verifyRefusal(host, await whole(evidence.p7m), trust));
    case "seal": {
      const { beside, document, records, seal } = evidence;
      const documentDigest: Parameters<typeof verifySeal>[1]["documentDigest"] = (hash) =>
        digestFile(document, host.hasher(hash));
      const read = await Promise.all(records.map(async (file) => ({ name: file.path, bytes: await whole(file) })));
      const given = {
        seal: await whole(seal),
        documentDigest,
        evidence: read.flatMap(({ bytes, name }) => (isLogProof(bytes) ? [] : [{ name, der: bytes }])),
        logs: read.filter(({ bytes }) => isLogProof(bytes)),
        ...(beside && (await besideRead(beside))),
      };
      return sealWords(await verifySeal(host, given, trust));
    }
  }
}

async function besideRead({
  authorization,
  inclusion,
  manifest,
  policies,
}: BesideSeal): Promise<Partial<SealToVerify>> {
  return {
    manifest: await whole(manifest),
    inclusion: await whole(inclusion),
    policies: await Promise.all(policies.map((file) => whole(file))),
    ...(authorization ? { authorization: await whole(authorization) } : {}),
  };
}

/** By what they say that they are: the box names them by a number. */
async function closingsAmong(files: readonly ChosenFile[]): Promise<readonly ChosenFile[]> {
  const closings: ChosenFile[] = [];
  for (const file of files.filter(({ size }) => size <= closingLimit)) {
    try {
      oidsOfType(readSignedData(await wholeOf(file, closingLimit)), "closing");
      closings.push(file);
    } catch {
      // Something else, a document perhaps.
    }
  }
  return closings;
}

async function whole(file: ChosenFile, limit = smallFile): Promise<Uint8Array> {
  try {
    return await wholeOf(file, limit);
  } catch (cause) {
    throw new Refusal("USAGE", "the file cannot be read", { about: file.path, cause });
  }
}

const sequenceTag = 0x30;

/** One certificate, DER or PEM. Refuses USAGE what is neither, or several. */
export function rootFrom(bytes: Uint8Array, name: string): Uint8Array {
  if (bytes[0] === sequenceTag) return bytes;
  const blocks = pemBlocks(bytes, "CERTIFICATE");
  const [only, second] = blocks;
  try {
    if (only !== undefined && second === undefined) return Uint8Array.fromBase64(only);
  } catch (cause) {
    throw new Refusal("USAGE", "the PEM is damaged", { about: name, cause });
  }
  throw new Refusal("USAGE", "not one certificate", {
    expected: "one certificate, as PEM or DER",
    got: blocks.length > 1 ? `${blocks.length} certificates` : "neither",
    about: name,
  });
}

/** The digest of the genesis policy as a person types it: hex in any case, with blanks or colons; undefined where nothing was typed. Refuses USAGE. */
export function genesisFrom(typed: string): string | undefined {
  const hex = typed.replace(/[\s:]/g, "").toLowerCase();
  if (hex === "") return undefined;
  if (/^[0-9a-f]{64}$/.test(hex)) return hex;
  throw new Refusal("USAGE", "not a genesis digest", {
    expected: "64 hex digits, as the box printed them",
    got: `${hex.length} characters`,
  });
}
