/** A seal's file, where somebody asks of it what is to be asked of its document: whose seal it is. Nothing of it is verified: the ledger is asked of what it names. */

import { sha256 } from "../../host/crypto-host.ts";
import { withoutRevocation } from "../../manifests/cms/revocation-values.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import { type OwnOids, ownOids } from "../../manifests/encoding/oid.ts";
import { readSeal, type Seal } from "../../manifests/records/seal.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { applianceOf, enrolledBoxes } from "../boxes/enrolled.ts";
import { oneLine } from "../boxes/one-line.ts";
import type { Sql } from "../store/database.ts";

/** What a seal says of itself, and its digest in lists: SHA-256 of the SignerInfo without unsigned attributes, hex. */
export interface SealRead extends Pick<Seal, "appliance" | "index" | "number"> {
  readonly digest: string;
}

export interface SealFileAnswer extends SealRead {
  /** of which a manifest that is here says that this is its seal; null: none does */
  readonly document: { readonly name: string; readonly digest: string } | null;
}

/** Reads a seal of any of these organisations, also with time-stamps and revocation data that were added to it. Refuses what `readSeal` refuses; CMS-TYPE where there is none of them. */
export function readSealOfAny(bytes: Uint8Array, organisations: readonly OwnOids[]): SealRead {
  const { base } = withoutRevocation(bytes);
  let fault: unknown = new Refusal("CMS-TYPE", "no box is enrolled whose seals could be read");
  for (const oids of organisations) {
    try {
      const { appliance, index, number, signer } = readSeal(base, oids);
      return { appliance, digest: hex(sha256(signer.core)), index, number };
    } catch (thrown) {
      fault = thrown;
    }
  }
  throw fault;
}

/** Whose seal this file is; undefined where it is none of a box that is enrolled. Refuses STORE. */
export async function sealFileAnswer(sql: Sql, bytes: Uint8Array): Promise<SealFileAnswer | undefined> {
  const boxes = await enrolledBoxes(sql);
  const seal = sealIn(bytes, [...new Set(boxes.map(({ arc }) => arc))].map(ownOids));
  if (!seal) return undefined;
  for (const { box } of boxes) {
    if ((await applianceOf(sql, box)) !== seal.appliance) continue;
    const manifests = await sql.all<{ manifest: number }>(
      "SELECT manifest FROM box_manifests WHERE box = ? AND number = ? ORDER BY manifest",
      box,
      seal.number,
    );
    for (const { manifest } of manifests) {
      const line = await oneLine(sql, manifest, seal.index);
      if (line?.sealDigest === seal.digest) return { ...seal, document: { name: line.name, digest: line.digest } };
    }
  }
  return { ...seal, document: null };
}

function sealIn(bytes: Uint8Array, organisations: readonly OwnOids[]): SealRead | undefined {
  try {
    return readSealOfAny(bytes, organisations);
  } catch {
    return undefined;
  }
}
