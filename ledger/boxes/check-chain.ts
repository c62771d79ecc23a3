/** Whether the chain of a box stands as its manifests, continuity records and decisions have it: each link, and that what is in dispute is said to be. */

import { hex } from "../../manifests/encoding/bytes.ts";
import type { Findings } from "../check/findings.ts";
import type { Sql } from "../store/database.ts";
import { linked, recordsOf } from "./chain-rows.ts";
import { explaining, type Via } from "./chain-state.ts";
import { checkDisputes } from "./check-disputes.ts";
import type { DecisionRecord } from "./decision-record.ts";
import { numberOf } from "./enrolled.ts";
import type { KnownBox } from "./known-box.ts";

interface Link {
  readonly number: number;
  readonly digest: Uint8Array;
  readonly previous: Uint8Array;
  readonly via: Via;
}

const rowsAtOnce = 1000;

/** `decisions` are those of the box that hold. */
export async function checkChain(
  sql: Sql,
  known: KnownBox,
  decisions: readonly DecisionRecord[],
  findings: Findings,
): Promise<void> {
  const { box, genesis } = known.enrolled;
  const records = await recordsOf(sql, box);
  let before: { readonly number: number; readonly digest: string } = { number: 0, digest: genesis };
  for (;;) {
    const links = await sql.all<Link>(
      `SELECT l.number, l.via, m.digest, m.previous FROM chain_links l JOIN box_manifests m ON m.manifest = l.manifest
        WHERE l.box = ? AND l.number > ? AND ${linked} ORDER BY l.number, l.link LIMIT ?`,
      box,
      before.number,
      rowsAtOnce,
    );
    for (const { digest, number, previous: held, via } of links) {
      const previous = hex(held);
      const follows = number === before.number + 1 && previous === before.digest;
      const holds: Readonly<Record<Via, boolean>> = {
        link: follows,
        record: records.some((one) => one.next === number && one.digest === previous),
        gap: records.some(
          ({ missing, next }) => next > number && missing.some(({ from, to }) => from < number && number <= to + 1),
        ),
        decision: decisions.some((one) => one.number === number && one.keep === hex(digest)),
      };
      const where = numberOf(known.enrolled, number);
      findings.check(holds[via] === true, where, `is not in the chain by what its row says (${via})`);
      for (let missing = before.number + 1; missing < number; missing++) {
        if (explaining(records, missing)) continue;
        findings.add(where, `number ${missing} before it is missing, and nothing explains that`);
        break;
      }
      before = { number, digest: hex(digest) };
    }
    if (links.length < rowsAtOnce) break;
  }
  await checkDisputes(sql, known, decisions, findings);
  await checkLost(sql, box, decisions, findings);
}

/** Nothing is lost, and no link is cut, but by a decision that says so. */
async function checkLost(
  sql: Sql,
  box: number,
  decisions: readonly DecisionRecord[],
  findings: Findings,
): Promise<void> {
  const rows = await sql.all<{ digest: Uint8Array }>(
    "SELECT m.digest FROM lost_manifests x JOIN box_manifests m ON m.manifest = x.manifest WHERE m.box = ?",
    box,
  );
  const lost = new Set(rows.map(({ digest }) => hex(digest)));
  const decided = new Set(decisions.flatMap(({ lose }) => lose));
  for (const digest of lost)
    findings.check(decided.has(digest), `manifest ${digest}`, "is said to be lost, and no decision says so");
  for (const digest of decided)
    findings.check(lost.has(digest), `manifest ${digest}`, "was lost by a decision, and is not said to be");
  const cut = await sql.get<{ n: number }>(
    `SELECT count(*) AS n FROM cut_links c JOIN chain_links l ON l.link = c.link
      WHERE l.box = ? AND NOT EXISTS (SELECT 1 FROM decisions d WHERE d.decision = c.decision AND d.box = l.box AND d.number <= l.number)`,
    box,
  );
  findings.check(cut?.n === 0, "the chain", `${cut?.n} links are cut by no decision`);
}
