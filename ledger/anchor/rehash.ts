/** Renewing evidence of time by another hash (RFC 4998 5.2), before the one in use falls: over all that it is over, hashed anew, and the chains before. All of it is in the store. */

import type { HashName } from "../../manifests/cms/suite.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { most } from "../../manifests/time/evidence-record.ts";
import type { Sql } from "../store/database.ts";
import { type AnchorWork, askInTurn } from "./ask.ts";
import { keepToken, keepWays } from "./keep-round.ts";
import { chainTree, recordsOf } from "./records.ts";
import {
  checkFollows,
  checkLast,
  type HeldToken,
  type Renewals,
  type Renewed,
  stillHeld,
  type ToRenew,
} from "./renew-rounds.ts";
import { type RoundTree, RoundTreeBuilder } from "./round-tree.ts";

/** Renews these rounds, a token for each. Durable on return, round by round. Refuses TSA-ANSWER, USAGE, BUSY, STORE. */
export async function rehashRounds(
  work: AnchorWork,
  hash: HashName,
  wanted: ToRenew,
  told: (one: Renewed) => void,
): Promise<Renewals> {
  const { held, ended } = await stillHeld(work, wanted);
  const renewed: Renewed[] = [];
  for (const one of held.filter((last) => last.hash !== hash)) {
    const made = await rehash(work, hash, one);
    renewed.push(made);
    told(made);
  }
  return { renewed, ended };
}

async function rehash(work: AnchorWork, hash: HashName, held: HeldToken): Promise<Renewed> {
  const { chain, position, round } = held;
  if (chain >= most.chains) {
    throw new Refusal("USAGE", "this evidence was renewed by as many hashes as one record may have", {
      expected: `at most ${most.chains}`,
      about: `round ${round}`,
    });
  }
  const { members, tree } = await work.db.reading((sql) => gatherAgain(sql, round, { count: chain, hash }));
  const given = await askInTurn(work, { hash, digest: tree.root }, async (stamp) => checkFollows([held], stamp));
  await work.db.writing(async (sql) => {
    await checkLast(sql, { chain, position, round });
    await keepWays(sql, { round, chain: chain + 1 }, members, tree);
    const place = { round, chain: chain + 1, position: 1 };
    await keepToken(sql, place, { ...given, hash, tree: new Uint8Array(0) }, work.now());
  });
  const { certificate, info } = given.stamp;
  return { rounds: [round], url: given.url, stamped: info.time, authority: certificate.subjectText, ends: given.ends };
}

async function gatherAgain(
  sql: Sql,
  round: number,
  next: { readonly hash: HashName; readonly count: number },
): Promise<{ readonly members: readonly { readonly manifest: number }[]; readonly tree: RoundTree }> {
  const members = await sql.all<{ manifest: number }>(
    "SELECT manifest FROM anchor_ways WHERE round = ? AND chain = 1 ORDER BY manifest",
    round,
  );
  const builder = new RoundTreeBuilder(next.hash);
  for (const { manifest } of members) {
    builder.add(await chainTree(sql, manifest, next, await recordsOf(sql, round, manifest)));
  }
  return { members, tree: await builder.tree() };
}
