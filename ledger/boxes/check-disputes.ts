/**
 * Whether what is in dispute is what the manifests that are kept, continuity records and decisions put in dispute: nothing else, and nothing less. What a dispute's row says of
 * times, and in words, nothing proves.
 */

import { fromHex } from "../../manifests/encoding/bytes.ts";
import { readManifest } from "../../manifests/records/manifest.ts";
import type { Findings } from "../check/findings.ts";
import type { Sql } from "../store/database.ts";
import { chainAround, openDisputes } from "./chain-rows.ts";
import { type Arrival, atNumber, type Dispute, nextNumber, wouldFollow } from "./chain-state.ts";
import type { DecisionRecord } from "./decision-record.ts";
import { numberOf } from "./enrolled.ts";
import type { KnownBox } from "./known-box.ts";
import { brokenRules } from "./rules.ts";

/** An ingest that was killed between two steps leaves this to the next. */
const interrupted = "(where an ingest was interrupted, the same again sets it right)";

/** `decisions` are those of the box that hold. */
export async function checkDisputes(
  sql: Sql,
  known: KnownBox,
  decisions: readonly DecisionRecord[],
  findings: Findings,
): Promise<void> {
  const { box } = known.enrolled;
  const where = (number: number) => numberOf(known.enrolled, number);
  const open = await openDisputes(sql, box);
  const forks = await forkedNumbers(sql, box);
  const forked = new Set(open.filter(({ cause }) => cause === "fork").map(({ number }) => number));
  for (const number of forks)
    findings.check(forked.has(number), where(number), "has two manifests, and no dispute says so");
  const numbers = new Set<number>();
  for (const dispute of open) {
    findings.check(!numbers.has(dispute.number), where(dispute.number), "is in dispute twice");
    numbers.add(dispute.number);
    const holds =
      dispute.cause === "fork" ? forks.has(dispute.number) : await stopsAlone(sql, known, dispute, decisions);
    findings.check(
      holds,
      where(dispute.number),
      `is said to be in dispute (${dispute.cause}), and nothing here puts it there ${interrupted}`,
    );
  }
  if (open.length === 0) await checkNext(sql, known, findings, where);
  await checkSettlements(sql, box, findings);
}

/** Of which two contents are here that no decision put out. */
async function forkedNumbers(sql: Sql, box: number): Promise<ReadonlySet<number>> {
  const forks = await sql.all<{ number: number }>(
    `SELECT m.number FROM box_manifests m WHERE m.box = ? AND NOT EXISTS (SELECT 1 FROM lost_manifests x WHERE x.manifest = m.manifest)
      GROUP BY m.number HAVING count(*) > 1`,
    box,
  );
  return new Set(forks.map(({ number }) => number));
}

/**
 * One manifest that does not follow, or that breaks a rule. It stopped the chain when it was its turn, and the chain stands: only a decision, or an order that came since, can have
 * changed what it was held against.
 */
async function stopsAlone(
  sql: Sql,
  known: KnownBox,
  { cause, number }: Dispute,
  decisions: readonly DecisionRecord[],
): Promise<boolean> {
  const state = await chainAround(sql, known.enrolled, number);
  const { chained, waiting } = atNumber(state, number);
  const [only, other] = waiting;
  if (chained || !only || other) return false;
  const mayHaveChanged = state.records.length > 0 || decisions.length > 0;
  const follows = wouldFollow(state, only);
  if (cause === "link")
    return follows === false || (mayHaveChanged && (follows === undefined || state.disputes.length > 1));
  if (cause !== "rules") return false;
  if (mayHaveChanged) return true;
  return follows !== undefined && ((await breaksRule(sql, known, only)) || (await hasReseals(sql, known.enrolled.box)));
}

async function breaksRule(sql: Sql, known: KnownBox, { digest }: Arrival): Promise<boolean> {
  const row = await sql.get<{ content: Uint8Array }>(
    "SELECT content FROM box_manifests WHERE box = ? AND digest = ?",
    known.enrolled.box,
    fromHex(digest),
  );
  return row !== undefined && (await brokenRules(sql, known, digest, readManifest(row.content))).length > 0;
}

/** Orders that let a batch be sealed once more: one that came after the dispute does not settle it. */
async function hasReseals(sql: Sql, box: number): Promise<boolean> {
  return (await sql.get("SELECT digest FROM reseals WHERE box = ? LIMIT 1", box)) !== undefined;
}

/** Nothing is in dispute: the one whose turn it is must be able to go in. */
async function checkNext(
  sql: Sql,
  known: KnownBox,
  findings: Findings,
  where: (number: number) => string,
): Promise<void> {
  const number = nextNumber(await chainAround(sql, known.enrolled, 1));
  const state = await chainAround(sql, known.enrolled, number);
  const [only, other] = atNumber(state, number).waiting;
  if (!only || other) return;
  const holds = wouldFollow(state, only) !== false && !(await breaksRule(sql, known, only));
  findings.check(holds, where(number), `cannot follow what is in the chain, and no dispute says so ${interrupted}`);
}

/** A dispute ends by a decision about its number; by another of the same number, which takes its place; or where what did not follow went into the chain after all. */
async function checkSettlements(sql: Sql, box: number, findings: Findings): Promise<void> {
  const count = async (from: string) => (await sql.get<{ n: number }>(`SELECT count(*) AS n FROM ${from}`, box))?.n;
  const settled = "settlements s JOIN disputes o ON o.dispute = s.dispute WHERE o.box = ?";
  const byNone = await count(
    `${settled} AND s.decision IS NOT NULL AND NOT EXISTS
      (SELECT 1 FROM decisions d WHERE d.decision = s.decision AND d.box = o.box AND d.number = o.number)`,
  );
  findings.check(byNone === 0, "the chain", `${byNone} disputes are settled by no decision`);
  const alone = await count(
    `${settled} AND s.decision IS NULL
      AND NOT EXISTS (SELECT 1 FROM disputes n WHERE n.box = o.box AND n.number = o.number AND n.dispute > o.dispute)
      AND NOT (o.cause = 'link' AND EXISTS (SELECT 1 FROM chain_links l WHERE l.box = o.box AND l.number = o.number))`,
  );
  findings.check(alone === 0, "the chain", `${alone} disputes are said to have settled themselves, and did not`);
  const idle = await count(
    "decisions d WHERE d.box = ? AND NOT EXISTS (SELECT 1 FROM settlements s WHERE s.decision = d.decision)",
  );
  findings.check(idle === 0, "the chain", `${idle} decisions settle no dispute that is here`);
}

/** Disputes are numbered from 1 on, over all boxes, and none is ever taken away. */
export async function checkDisputeNumbers(sql: Sql, findings: Findings): Promise<void> {
  const { highest, n } = (await sql.get<{ n: number; highest: number | null }>(
    "SELECT count(*) AS n, max(dispute) AS highest FROM disputes",
  )) ?? { n: 0, highest: null };
  findings.check(n === (highest ?? 0), "disputes", `${n} are here where the last has number ${highest}`);
}
