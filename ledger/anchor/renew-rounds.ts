/**
 * Renewing evidence of time (RFC 4998 5.2) while its last token still holds. By a further token: one over a tree of the last tokens of all rounds that are due. What does not
 * hold any more is lapsed, and the manifests under it wait anew; that it once was written stays.
 */

import { nodeHost } from "../../host/crypto-host.ts";
import { type HashName, hashBytes } from "../../manifests/cms/suite.ts";
import { concat } from "../../manifests/encoding/bytes.ts";
import { HashRow } from "../../manifests/encoding/hash-row.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { inOneLine, Refusal } from "../../manifests/refusal.ts";
import { evidenceRecordLimit, most } from "../../manifests/time/evidence-record.ts";
import { treeOver } from "../../manifests/time/hash-tree.ts";
import { authorityPath, checkToken, infoIn, type TimeStamp } from "../../manifests/time/token.ts";
import type { Sql } from "../store/database.ts";
import { type AnchorWork, askInTurn } from "./ask.ts";
import { keepToken } from "./keep-round.ts";
import { wayBytes } from "./round-tree.ts";
import { type StoredToken, tokensOf } from "./stored-chains.ts";

export interface Renewed {
  readonly rounds: readonly number[];
  readonly url: string;
  readonly stamped: Utc;
  readonly authority: string;
  readonly ends: Utc;
}

/** A round whose last token does not hold any more. */
export interface Ended {
  readonly round: number;
  readonly reason: string;
}

export interface Renewals {
  readonly renewed: readonly Renewed[];
  /** lapsed, where they were to be given up; else they stand as they are */
  readonly ended: readonly Ended[];
}

export interface ToRenew {
  readonly rounds: readonly number[];
  /** what does not hold any more lapses */
  readonly giveUp: boolean;
}

/** So much room in a record for the ways of its groups and what else is no token. */
const roomForWays = 16 * 1024;

/** Renews these rounds, one token for all of one hash. Durable on return. Refuses TSA-ANSWER, BUSY, STORE; what was renewed before stays. */
export async function renewRounds(work: AnchorWork, wanted: ToRenew): Promise<Renewals> {
  const { held, ended } = await stillHeld(work, wanted);
  const renewed: Renewed[] = [];
  for (const hash of new Set(held.map(({ hash }) => hash))) {
    const those = held.filter((one) => one.hash === hash);
    // As many as one tree takes for a list of siblings each; a ledger of one round an hour has fewer in a century.
    renewed.push(await renewTogether(work, hash, those));
  }
  return { renewed, ended };
}

/** The last tokens of rounds that hold today, and which do not; with `giveUp` these are written down as lapsed. */
export async function stillHeld(
  { db, now, settings: { everyRoot } }: AnchorWork,
  { giveUp, rounds }: ToRenew,
): Promise<{ readonly held: readonly HeldToken[]; readonly ended: readonly Ended[] }> {
  const held: HeldToken[] = [];
  const ended: Ended[] = [];
  for (const round of rounds) {
    const tokens = await db.reading((sql) => tokensOf(sql, round));
    const last = tokens.at(-1);
    if (!last) throw new Refusal("STORE", "a round has no token in the store", { about: `${round}` });
    const holds = await holdsNow(last, everyRoot, now());
    if (typeof holds === "string") ended.push({ round, reason: holds });
    else held.push({ ...last, stamp: holds, size: tokens.reduce((sum, { token }) => sum + token.length, 0) });
  }
  if (giveUp && ended.length > 0) {
    const rows = ended.map(({ reason, round }) => [round, reason, now()]);
    await db.writing((sql) => sql.insert("lapsed_rounds", ["round", "reason", "found"], rows));
  }
  return { held, ended };
}

export interface HeldToken extends StoredToken {
  readonly stamp: TimeStamp;
  /** bytes of all tokens of its round */
  readonly size: number;
}

/** Refuses TIME-ORDER a token from before one that it is to be over. */
export function checkFollows(held: readonly HeldToken[], { info }: TimeStamp): void {
  const before = held
    .map(({ stamp }) => stamp.info.time)
    .sort()
    .at(-1);
  if (before === undefined || info.time >= before) return;
  throw new Refusal("TIME-ORDER", "the token is older than the one that it renews", {
    expected: `${before} or later`,
    got: info.time,
  });
}

async function renewTogether(work: AnchorWork, hash: HashName, held: readonly HeldToken[]): Promise<Renewed> {
  for (const one of held) checkRoom(one);
  const nodes = new HashRow(hashBytes[hash]);
  for (const { token } of held) nodes.push(await nodeHost.digest(hash, token));
  const { root, way } = await treeOver(nodeHost, hash, nodes);
  const given = await askInTurn(work, { hash, digest: root }, async (stamp) => checkFollows(held, stamp));
  await work.db.writing(async (sql) => {
    for (const [at, { chain, position, round }] of held.entries()) {
      await checkLast(sql, { chain, position, round });
      // Over one token alone there is no tree (5.2): its digest is the imprint.
      const tree = held.length === 1 ? new Uint8Array(0) : concat([nodes.at(at), wayBytes(way(at))]);
      await keepToken(sql, { round, chain, position: position + 1 }, { ...given, hash, tree }, work.now());
    }
  });
  return {
    rounds: held.map(({ round }) => round),
    url: given.url,
    stamped: given.stamp.info.time,
    authority: given.stamp.certificate.subjectText,
    ends: given.ends,
  };
}

/** Refuses BUSY where another process renewed it meanwhile. */
export async function checkLast(
  sql: Sql,
  { chain, position, round }: Pick<StoredToken, "chain" | "position" | "round">,
): Promise<void> {
  const last = (await tokensOf(sql, round)).at(-1);
  const lapsed = await sql.get("SELECT round FROM lapsed_rounds WHERE round = ?", round);
  if (!lapsed && last?.chain === chain && last.position === position) return;
  throw new Refusal("BUSY", "another process renewed the same evidence meanwhile", { about: `round ${round}` });
}

function checkRoom({ position, round, size, token }: HeldToken): void {
  if (position < most.members && size + token.length < evidenceRecordLimit - roomForWays) return;
  throw new Refusal("USAGE", "this evidence was renewed as often as one chain may be", {
    expected: "--renew --hash NAME, by another hash",
    got: `${position} tokens, ${size} bytes`,
    about: `round ${round}`,
  });
}

/** The stamp, or why it does not hold any more. */
async function holdsNow({ token }: StoredToken, roots: readonly Uint8Array[], seen: Utc): Promise<TimeStamp | string> {
  try {
    const { imprint } = infoIn(token);
    const stamp = await checkToken(nodeHost, token, async () => imprint.digest);
    await authorityPath(nodeHost, stamp, { roots, seen });
    return stamp;
  } catch (fault) {
    // A fault of ours takes no evidence away.
    if (!(fault instanceof Refusal) || fault.code === "INTERNAL") throw fault;
    return inOneLine(fault.toRecord());
  }
}
