/** What mutants of archive time-stamps are made of. */

import { withRevocation } from "../../../manifests/cms/revocation-values.ts";
import { buildBundle } from "../../bundle/build.ts";
import { issuer, root } from "../../bundle/people.ts";
import { withSignatureStamp } from "../../pki/archive.ts";
import { makeCrl } from "../../pki/crl.ts";
import { tsaRoot } from "../../pki/tsa.ts";
import { type Ground, stampTime } from "./archive-time-stamps.ts";

/** Two seals of one batch, each with a signature time-stamp and CRLs of all paths. */
export async function archiveGround(): Promise<Ground> {
  const bundle = await buildBundle();
  const seals = [...bundle.files.keys()].filter((path) => path.startsWith("seals/")).sort();
  const [seal, other] = seals.map((path) => bundle.files.get(path) as Uint8Array) as [Uint8Array, Uint8Array];
  const lasting = { thisUpdate: "2026-11-21T00:00:00Z", nextUpdate: "2039-01-01T00:00:00Z" };
  const crls = { root: makeCrl(root, lasting), issuer: makeCrl(issuer, lasting), time: makeCrl(tsaRoot, lasting) };
  const stamped = async (one: Uint8Array) =>
    withRevocation(await withSignatureStamp(one, stampTime), { crls: Object.values(crls), ocsp: [] });
  const document = bundle.documents.get("contract 0113.pdf") as Uint8Array;
  return { seal: await stamped(seal), other: await stamped(other), document, crls };
}
