/**
 * What the verifier asks of a chain beside its links (`verify/chain`): the clock, the journal, the policies, each key's one mode, nothing sealed or approved
 * twice, what an emergency counts. Asked of one manifest as it comes in, against those of the rows that can contradict it.
 */

import { fromHex, hex } from "../../manifests/encoding/bytes.ts";
import { type Manifest, readManifest } from "../../manifests/records/manifest.ts";
import { ChainFindings } from "../../manifests/verify/chain/chain-findings.ts";
import { judgeLinks } from "../../manifests/verify/chain/chain-links.ts";
import { ChainUses, judgeOnce, judgePolicyOrder } from "../../manifests/verify/chain/chain-uses.ts";
import { SeenManifests } from "../../manifests/verify/chain/seen-manifests.ts";
import type { Finding } from "../../manifests/verify/findings.ts";
import type { Sql } from "../store/database.ts";
import { linked } from "./chain-rows.ts";
import type { KnownBox } from "./known-box.ts";

interface Row {
  readonly manifest: number;
  readonly number: number;
  readonly digest: Uint8Array;
  readonly content: Uint8Array;
}

const columns = "m.manifest, m.number, m.digest, m.content";
const chained = `FROM box_manifests m JOIN chain_links l ON l.manifest = m.manifest AND ${linked} WHERE m.box = ?`;

/** Which rows can contradict a manifest: those around it, and the first with the same of what must differ, or must not. */
const beside: readonly { readonly where: string; readonly cell: (manifest: Manifest) => Uint8Array | number }[] = [
  { where: "m.number < ? ORDER BY m.number DESC", cell: ({ number }) => number },
  { where: "m.number > ? ORDER BY m.number", cell: ({ number }) => number },
  {
    where: "m.identity = ? AND m.outcome = 'sealed' ORDER BY m.number DESC",
    cell: ({ request }) => fromHex(request.identity),
  },
  { where: "m.nonce = ? ORDER BY m.number", cell: ({ authorization }) => fromHex(authorization.nonce) },
  { where: "m.sealing_key = ? ORDER BY m.number", cell: ({ keys }) => fromHex(keys.sealing.key) },
  { where: "m.policy_number = ? ORDER BY m.number", cell: ({ policy }) => policy.number },
];

/** The manifest is not in the chain yet; its link is others' matter. All that it breaks, in words. */
export async function brokenRules(
  sql: Sql,
  known: KnownBox,
  digest: string,
  manifest: Manifest,
): Promise<readonly Finding[]> {
  const { box, genesis } = known.enrolled;
  const rows = new Map<number, Row>();
  for (const { cell, where } of beside) {
    const row = await sql.get<Row>(`SELECT ${columns} ${chained} AND ${where} LIMIT 1`, box, cell(manifest));
    if (row) rows.set(row.manifest, row);
  }
  const seen = new SeenManifests();
  const uses = new ChainUses();
  const findings = new ChainFindings();
  const ours = new Set([placeOf(manifest.number)]);
  for (const { content, digest: other, number } of rows.values()) {
    const one = readManifest(content);
    seen.add(one, hex(other), placeOf(number));
    uses.take(one, `${placeOf(number)}/manifest.p7m`, findings);
    // What comes late is held against the one after it as well, where that is what then breaks a rule.
    if (number > manifest.number) ours.add(placeOf(number));
  }
  seen.add(manifest, digest, placeOf(manifest.number));
  uses.take(manifest, `${placeOf(manifest.number)}/manifest.p7m`, findings);
  judgeLinks(seen, genesis, known.orders.continuityOf(genesis), findings);
  judgePolicyOrder(seen, findings);
  judgeOnce(seen, (number) => known.orders.maySealAgain(genesis, number), findings);
  const found = findings.all.filter(({ code, file, message }) => {
    const isLink = code === "CHAIN" && !/journal/.test(message);
    return !isLink && ours.has(file.slice(0, file.lastIndexOf("/")));
  });
  const miscounted = await miscountedEmergency(sql, known, manifest);
  return miscounted ? [...found, miscounted] : found;
}

/** As `ChainEmergencies` judges it: each manifest counts the seals of its emergency before itself, of which none is missing here. */
async function miscountedEmergency(
  sql: Sql,
  { enrolled, orders }: KnownBox,
  manifest: Manifest,
): Promise<Finding | undefined> {
  const { emergency, number } = manifest;
  if (!emergency || orders.continuityOf(enrolled.genesis).length > 0) return undefined;
  const row = await sql.get<{ seals: number | null }>(
    `SELECT sum(CASE WHEN m.outcome = 'sealed' THEN m.sealed ELSE 0 END) AS seals ${chained} AND m.emergency = ? AND m.number < ?`,
    enrolled.box,
    fromHex(emergency.order),
    number,
  );
  const seals = row?.seals ?? 0;
  if (seals === emergency.earlierSeals) return undefined;
  return {
    code: "EMERGENCY",
    file: `${placeOf(number)}/manifest.p7m`,
    message: `number ${number} counts other seals of its emergency before it than are here`,
    expected: `${seals}`,
    got: `${emergency.earlierSeals}`,
  };
}

function placeOf(number: number): string {
  return `number ${number}`;
}
