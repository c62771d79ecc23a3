/** What the store has of a box that may take back what it sealed: its orders, compromise ceremonies and policies. Each was verified when it came in, and is read, not judged again. */

import { nodeHost, sha256 } from "../../../host/crypto-host.ts";
import { readSignedData } from "../../../manifests/cms/read.ts";
import { readSigningTime } from "../../../manifests/cms/verify.ts";
import { hex } from "../../../manifests/encoding/bytes.ts";
import { ownOids } from "../../../manifests/encoding/oid.ts";
import type { Utc } from "../../../manifests/encoding/shape.ts";
import { merged, type NumberRange } from "../../../manifests/records/number-ranges.ts";
import { readSignedOrder } from "../../../manifests/records/order.ts";
import type { Entry, Transcript } from "../../../manifests/records/transcript.ts";
import type { EnrolledBox } from "../../boxes/enrolled.ts";
import { smallEvidence } from "../../boxes/evidence.ts";
import { policiesOf } from "../../boxes/known-box.ts";
import { type RevokedKey, revokedKeysOf } from "../../boxes/revoked-keys.ts";
import { transcriptsOf } from "../../boxes/transcripts.ts";
import type { Sql } from "../../store/database.ts";
import type { BoxWords, Compromised, ResealList, RevokedOtherwise, TakenBack } from "./marks.ts";

/** Refuses STORE where what is stored does not hold any more. */
export async function boxWords(sql: Sql, enrolled: EnrolledBox): Promise<BoxWords> {
  const { box } = enrolled;
  const policies = await policiesOf(sql, enrolled);
  const takenBack: TakenBack[] = [];
  const rows = await sql.all<{ digest: Uint8Array; file: Uint8Array }>(
    "SELECT digest, file FROM box_policies WHERE box = ? ORDER BY number",
    box,
  );
  const listed = new Set<string>();
  for (const { digest, file } of rows) {
    // Later policies keep what an earlier one listed: the first says since when.
    const held = policies.inForce(hex(digest));
    const fresh = new Set(held?.policy.revoked).difference(listed);
    if (!held || fresh.size === 0) continue;
    const { number } = held;
    const since = lastSignature(await smallEvidence(sql, file));
    for (const certificate of fresh) {
      listed.add(certificate);
      takenBack.push({ by: `policy ${number}`, certificate, policy: number, since });
    }
  }
  const orders = await revokedKeysOf(sql, enrolled, policies);
  const lists = await resealLists(sql, enrolled);
  return {
    compromised: [
      ...orders.flatMap(asCompromised),
      ...lists.map(({ compromised }) => compromised),
      ...(await ceremonies(sql, box)),
    ],
    revoked: orders.flatMap(asRevoked),
    takenBack,
    reseals: lists.map(({ list }) => list),
  };
}

/** When the last of those who signed a policy did. Its signatures were verified with its chain, which takes keys that the one before allowed and it does not. */
function lastSignature(p7m: Uint8Array): Utc {
  return readSignedData(p7m).signers.map(readSigningTime).sort().at(-1) as Utc;
}

function asCompromised({
  created,
  key,
  number,
  people,
  reason,
  revocation,
  since,
}: RevokedKey): readonly Compromised[] {
  if (revocation !== "keyCompromise") return [];
  return [{ by: `order ${number} of ${created}, by ${people.join(", ")}`, fall: [], key, reason, since }];
}

function asRevoked({ created, key, number, people, revocation }: RevokedKey): readonly RevokedOtherwise[] {
  if (revocation === "keyCompromise") return [];
  return [{ by: `order ${number} of ${created}, by ${people.join(", ")}`, created, key, revocation }];
}

/** The box takes a list only of a key that was revoked for compromise since that very time, so that it says so as well. */
async function resealLists(
  sql: Sql,
  { arc, box }: EnrolledBox,
): Promise<readonly { readonly list: ResealList; readonly compromised: Compromised }[]> {
  const rows = await sql.all<{ file: Uint8Array }>("SELECT file FROM reseals WHERE box = ? ORDER BY arrived", box);
  const lists: { list: ResealList; compromised: Compromised }[] = [];
  for (const { file } of rows) {
    const { order } = await readSignedOrder(nodeHost, ownOids(arc), await smallEvidence(sql, file));
    if (order.kind !== "reseal") continue;
    const { key, manifests, reason, since } = order.what;
    const by = `the re-sealing list, order ${order.number} of ${order.created}`;
    const fall = manifests.map((number) => ({ from: number, to: number }));
    lists.push({
      list: { by, manifests: new Set(manifests) },
      compromised: { by, fall: merged(fall), key: hex(sha256(key)), reason, since },
    });
  }
  return lists;
}

/** What compromise ceremonies found, also where their orders did not come in. */
async function ceremonies(sql: Sql, box: number): Promise<readonly Compromised[]> {
  const found: Compromised[] = [];
  for await (const { entry, transcript } of transcriptsOf(sql, box, ["compromise"])) {
    const told = foundBy(transcript, entry);
    if (told) found.push(told);
  }
  return found;
}

/** Undefined where it ended before it had found anything. */
function foundBy({ archive, entries }: Transcript, entry: number): Compromised | undefined {
  const key = factsOf(entries, "key")?.key;
  const revoked = factsOf(entries, "revoke");
  const fall = factsOf(entries, "report")?.fall;
  if (key === undefined || !revoked || fall === undefined) return undefined;
  const by = `the compromise ceremony ${archive}, entry ${entry} of the log`;
  return { by, fall: rangesIn(fall), key, reason: null, since: undefined };
}

/** The last time that the step was done counts. */
function factsOf(entries: readonly Entry[], step: string): Entry["facts"] | undefined {
  return entries.findLast((one) => one.kind === "done" && one.step === step)?.facts;
}

/** Most characters of it that a transcript holds: what is cut off may be half a number. */
const longestFall = 4096;

/** `1 to 3, 7` or `none`, as the ceremony writes it. */
export function rangesIn(text: string): readonly NumberRange[] {
  const parts = text.split(", ");
  const whole = text.length < longestFall ? parts : parts.slice(0, -1);
  return whole.flatMap((part) => {
    const [, from, to] = /^(\d{1,15})(?: to (\d{1,15}))?$/.exec(part) ?? [];
    return from === undefined ? [] : [{ from: Number(from), to: Number(to ?? from) }];
  });
}
