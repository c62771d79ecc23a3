/** The policies of a box that came in: the newest, by which it takes an acknowledgement, and that of a manifest, which says whose log the box spoke of. */

import { nodeHost } from "../../host/crypto-host.ts";
import { fromHex } from "../../manifests/encoding/bytes.ts";
import { ownOids } from "../../manifests/encoding/oid.ts";
import type { Policy } from "../../manifests/records/policy.ts";
import { readSignedPolicy } from "../../manifests/records/policy-chain.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { EnrolledBox } from "../boxes/enrolled.ts";
import { smallEvidence } from "../boxes/evidence.ts";
import type { Sql } from "../store/database.ts";

type Box = Pick<EnrolledBox, "arc" | "box">;

interface Row {
  readonly file: Uint8Array;
}

/** The newest that came in; the box's own may be newer, which then takes what this one allows. Refuses POLICY-CHAIN where there is none. */
export async function newestPolicy(sql: Sql, box: Box): Promise<Policy> {
  const newest = "SELECT file FROM box_policies WHERE box = ? ORDER BY number DESC LIMIT 1";
  return policyIn(sql, box, await sql.get<Row>(newest, box.box));
}

/** The one with this digest, hex. Refuses POLICY-CHAIN where it is not here. */
export async function policyNamed(sql: Sql, box: Box, digest: string): Promise<Policy> {
  const named = "SELECT file FROM box_policies WHERE box = ? AND digest = ?";
  return policyIn(sql, box, await sql.get<Row>(named, box.box, fromHex(digest)));
}

async function policyIn(sql: Sql, { arc }: Box, row: Row | undefined): Promise<Policy> {
  if (!row) throw new Refusal("POLICY-CHAIN", "no such policy of the box came in yet");
  return (await readSignedPolicy(nodeHost, await smallEvidence(sql, row.file), ownOids(arc))).policy;
}
