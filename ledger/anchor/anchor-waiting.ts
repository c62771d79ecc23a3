/**
 * One round: what waits is gathered under one hash tree, an authority stamps its root, and token and ways are kept in one transaction. Interrupted before that, all
 * of it waits as before, and at worst a token is asked for twice.
 */

import { nodeHost } from "../../host/crypto-host.ts";
import { ownOids } from "../../manifests/encoding/oid.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { checkAnchored } from "../../manifests/time/local-time.ts";
import type { TimeStamp } from "../../manifests/time/token.ts";
import { type AnchorWork, askInTurn } from "./ask.ts";
import { type ClockConflict, keepRound } from "./keep-round.ts";
import { gather, type Member } from "./waiting.ts";

export interface AnchoredRound {
  readonly round: number;
  readonly manifests: number;
  /** lines of their lists, each with evidence of its own */
  readonly seals: number;
  readonly url: string;
  readonly stamped: Utc;
  readonly authority: string;
  readonly ends: Utc;
  readonly conflicts: readonly ClockConflict[];
  /** asked before, in vain */
  readonly failed: Awaited<ReturnType<typeof askInTurn>>["failed"];
}

/** Anchors what waits, as much as one tree takes; undefined: nothing waits. Durable on return. Refuses TSA-ANSWER, STORE, BUSY. */
export async function anchorWaiting(work: AnchorWork): Promise<AnchoredRound | undefined> {
  const gathered = await work.db.reading(gather);
  if (!gathered) return undefined;
  const { hash, root } = gathered.tree;
  const given = await askInTurn(work, { hash, digest: root }, (stamp) => checkNotOwn(gathered.members, stamp));
  const { conflicts, round } = await work.db.writing((sql) => keepRound(sql, gathered, given, work.now()));
  return {
    round,
    manifests: gathered.members.length,
    seals: gathered.lines,
    url: given.url,
    stamped: given.stamp.info.time,
    authority: given.stamp.certificate.subjectText,
    ends: given.ends,
    conflicts,
    failed: given.failed,
  };
}

/** Refuses TIME-LOCAL a token of one of the boxes themselves: what vouches for a box's time may not come from itself. */
export async function checkNotOwn(
  members: readonly Pick<Member, "arc" | "content">[],
  stamp: TimeStamp,
): Promise<void> {
  const own = new Map(
    members.map(({ arc, content }) => {
      const { localTime: policy } = ownOids(arc);
      const key = content.time?.key;
      return [`${policy} ${key}`, { policy, key }] as const;
    }),
  );
  for (const one of own.values()) await checkAnchored(nodeHost, [stamp], one);
}
