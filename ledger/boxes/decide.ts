/** Settling a dispute: what keepers are to sign, and what their signatures change. The decision is an entry of the log itself. */

import { fromHex } from "../../manifests/encoding/bytes.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { Sql } from "../store/database.ts";
import { type Append, appendManifest } from "./chain-manifest.ts";
import {
  addLink,
  chainWithin,
  highestNumber,
  linked,
  manifestRow,
  nextId,
  openDisputes,
  settle,
} from "./chain-rows.ts";
import { atNumber, type ChainState, decide } from "./chain-state.ts";
import type { DecisionRecord, SignedDecision } from "./decision-record.ts";
import { applianceOf, type EnrolledBox } from "./enrolled.ts";
import { keepBytes } from "./evidence.ts";
import type { KnownBox } from "./known-box.ts";

export interface Wanted {
  readonly number: number;
  /** hex, or null for none */
  readonly keep: string | null;
  readonly reason: string;
}

/** What two keepers have to sign. Refuses LEDGER-FORK where the number is not in dispute, or the one to keep is not here. */
export async function decisionAbout(
  sql: Sql,
  enrolled: EnrolledBox,
  { keep, number, reason }: Wanted,
  now: Utc,
): Promise<DecisionRecord> {
  const { lost } = decide(await stateFrom(sql, enrolled, number), { number, keep });
  const appliance = await applianceOf(sql, enrolled.box);
  if (appliance === null) throw new Refusal("LEDGER-BOX", "nothing of this box is here yet");
  const lose = lost.map(({ digest }) => digest).sort();
  return {
    appliance,
    created: now,
    genesis: enrolled.genesis,
    keep,
    lose,
    number,
    reason,
    type: "ledger-decision",
    version: 1,
  };
}

export interface Settled {
  readonly entry: number;
  /** false: the same decision was here before, and changed nothing now */
  readonly fresh: boolean;
}

/** Takes a decision that holds, within the transaction. Refuses LEDGER-FORK where what is here is not what was decided about. */
export async function settleBy(
  sql: Sql,
  append: Append,
  known: KnownBox,
  signed: SignedDecision,
  now: Utc,
): Promise<Settled> {
  const { enrolled } = known;
  const { box, genesis } = enrolled;
  const { digest, keepers, p7m, record } = signed;
  const { appliance, keep, lose, number, reason } = record;
  const same = await sql.get<{ entry: number }>("SELECT entry FROM decisions WHERE digest = ?", fromHex(digest));
  if (same) return { entry: same.entry, fresh: false };
  const before = await stateFrom(sql, enrolled, number);
  const { chained, lost, unchained } = decide(before, { number, keep });
  checkSame(lose, lost.map((one) => one.digest).sort());
  const [entry = 0] = await append(sql, [{ appliance, digest, genesis, number, type: "decision", version: 1 }]);
  const decision = await nextId(sql, "decisions", "decision");
  await sql.insert(
    "decisions",
    ["decision", "box", "number", "keep", "digest", "file", "reason", "keepers", "entry", "decided"],
    [
      [
        decision,
        box,
        number,
        keep === null ? null : fromHex(keep),
        fromHex(digest),
        await keepBytes(sql, p7m),
        reason,
        keepers.join("; "),
        entry,
        now,
      ],
    ],
  );
  for (const one of await openDisputes(sql, box))
    if (one.number === number) await settle(sql, one.dispute, decision, now);
  for (const one of lost)
    await sql.insert("lost_manifests", ["manifest", "decision"], [[await rowOf(sql, box, one.digest), decision]]);
  const wasChained = atNumber(before, number).chained;
  const cut = [...(wasChained && wasChained.digest !== keep ? [wasChained] : []), ...unchained];
  for (const one of cut) await cutLinks(sql, await rowOf(sql, box, one.digest), decision);
  if (chained) {
    const manifest = await rowOf(sql, box, chained.digest);
    const [first = 0] = await appendManifest({ append, known, sql }, manifest);
    await addLink(sql, { box, number, manifest, entry: first, via: "decision", now });
  }
  return { entry, fresh: true };
}

/** From the highest in the chain before the number on, as the machine asks. */
async function stateFrom(sql: Sql, enrolled: EnrolledBox, number: number): Promise<ChainState> {
  const below = await sql.get<{ number: number }>(
    `SELECT l.number FROM chain_links l WHERE l.box = ? AND l.number < ? AND ${linked} ORDER BY l.number DESC LIMIT 1`,
    enrolled.box,
    number,
  );
  const to = Math.max(number, await highestNumber(sql, enrolled.box)) + 1;
  return chainWithin(sql, enrolled, { from: below?.number ?? number - 1, to });
}

async function cutLinks(sql: Sql, manifest: number, decision: number): Promise<void> {
  const links = await sql.all<{ link: number }>(
    `SELECT l.link FROM chain_links l WHERE l.manifest = ? AND ${linked}`,
    manifest,
  );
  await sql.insert(
    "cut_links",
    ["link", "decision"],
    links.map(({ link }) => [link, decision]),
  );
}

async function rowOf(sql: Sql, box: number, digest: string): Promise<number> {
  const row = await manifestRow(sql, box, digest);
  if (row === undefined) throw new Refusal("INTERNAL", "a manifest in dispute has no row");
  return row;
}

function checkSame(named: readonly string[], found: readonly string[]): void {
  if (named.join() === found.join()) return;
  throw new Refusal(
    "LEDGER-FORK",
    "since the decision was written other manifests of this number came in: write it anew",
    {
      expected: found.join(", ") || "none",
      got: named.join(", ") || "none",
    },
  );
}
