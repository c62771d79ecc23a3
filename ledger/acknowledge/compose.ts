/** Composing one box's `ack.p7m` (docs/formats.md): everything above what the box reported, proven under one checkpoint, and from each checkpoint at which the box may stand. */

import { nodeHost } from "../../host/crypto-host.ts";
import { suiteForKey } from "../../manifests/cms/suite-for-key.ts";
import { signedData, signerInfo } from "../../manifests/cms/write.ts";
import { equal, hex } from "../../manifests/encoding/bytes.ts";
import { ownOids } from "../../manifests/encoding/oid.ts";
import {
  type Acknowledged,
  type Acknowledgement,
  acknowledgementBytes,
  mostConsistency,
} from "../../manifests/log/acknowledgement.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { readCertificate } from "../../manifests/x509/certificate.ts";
import type { EnrolledBox } from "../boxes/enrolled.ts";
import type { Signed } from "../checkpoints/signed.ts";
import type { SignerClient } from "../client/signer-client.ts";
import { formerHead, provenConsistency } from "../log/proofs.ts";
import type { Sql } from "../store/database.ts";
import { acknowledgedManifests, type BoxStanding } from "./box-standing.ts";

/** The content for a box, in the reading transaction that its standing comes from. Refuses LOG-HEAD a box that reports a checkpoint which this log never had. */
export async function acknowledgementFor(
  sql: Sql,
  { box, genesis }: Pick<EnrolledBox, "box" | "genesis">,
  standing: BoxStanding,
  { origin, ...checkpoint }: Signed & { readonly origin: string },
): Promise<Acknowledgement> {
  await checkReported(sql, standing.reported, checkpoint.size);
  return {
    acknowledged: await acknowledgedManifests(sql, box, standing, checkpoint.size),
    appliance: standing.appliance,
    checkpoint: checkpoint.note,
    consistency: await proofsFrom(sql, box, standing.reported, checkpoint.size),
    genesis,
    number: standing.highest,
    origin,
    type: "acknowledgement",
    version: 1,
  };
}

/** What the box took must be of this log's history: else it was given by a ledger with the same keys that went another way, or this store was put back. */
async function checkReported(sql: Sql, { root, size }: Acknowledged, until: number): Promise<void> {
  if (size === 0) return;
  if (size > until) {
    throw new Refusal("LOG-HEAD", "the box reports a larger checkpoint than is published here", {
      expected: `size ${until} at most`,
      got: `size ${size}`,
    });
  }
  const own = (await formerHead(sql, size)).root;
  if (equal(own, root)) return;
  throw new Refusal("LOG-HEAD", "the box reports a checkpoint that this log never had: it is from a forked ledger", {
    expected: hex(own),
    got: hex(root),
    about: `size ${size}`,
  });
}

/** From what the box reported, and from each acknowledgement that was made for it since: of too many, the newest. */
async function proofsFrom(
  sql: Sql,
  box: number,
  { size: from }: Acknowledged,
  size: number,
): Promise<Acknowledgement["consistency"]> {
  const made = await sql.all<{ size: number }>(
    "SELECT DISTINCT size FROM acknowledgements WHERE box = ? AND size > ? AND size < ? ORDER BY size DESC LIMIT ?",
    box,
    from,
    size,
    mostConsistency - 1,
  );
  const sizes = [...made.map((one) => one.size), ...(from > 0 && from < size ? [from] : [])].reverse();
  const proofs: { path: string[]; size: number }[] = [];
  for (const one of sizes) proofs.push({ path: (await provenConsistency(sql, one, size)).map(hex), size: one });
  return proofs;
}

/** `ack.p7m`: the content under the ledger's certificate, signed by its signer. Refuses what the signer refuses. */
export async function signedAcknowledgement(
  acknowledgement: Acknowledgement,
  arc: string,
  certificate: Uint8Array,
  signer: Pick<SignerClient, "acknowledgement">,
): Promise<Uint8Array> {
  const content = acknowledgementBytes(acknowledgement);
  const suite = suiteForKey(readCertificate(certificate).spki, "sha256");
  const { attributes, signature } = await signer.acknowledgement(await nodeHost.digest("sha256", content));
  return signedData({
    eContentType: ownOids(arc).acknowledgement,
    content,
    certificates: [certificate],
    signerInfos: [signerInfo({ certificate, suite, signedAttributes: attributes, signature })],
  });
}
