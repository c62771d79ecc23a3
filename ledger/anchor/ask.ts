/** Asking the ledger's authorities for one token: in turn, until one gives a token that counts; whoever failed, and why, is written down. */

import { nodeHost } from "../../host/crypto-host.ts";
import { type Failed, failureText, type Stamped, stampInTurn } from "../../host/tsa/tsa-client.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { authorityPath, type TimeStamp } from "../../manifests/time/token.ts";
import type { MessageImprint } from "../../manifests/time/tst-info.ts";
import type { Database } from "../store/database.ts";
import { askingOrder, authorityStates, noteAsking } from "./authorities.ts";
import type { AnchorSettings } from "./settings.ts";

export interface AnchorWork {
  readonly db: Database;
  readonly settings: AnchorSettings;
  readonly now: () => Utc;
  /** longest wait for one authority, in milliseconds; 30 s unless said */
  readonly patience?: number;
}

export interface Given extends Stamped {
  /** when the first certificate of the authority's path ends */
  readonly ends: Utc;
}

/** An authority's clock or ours may be off by so much. */
const mostAhead = 10 * 60_000;

/** `check`: what else the token must be. Refuses TSA-ANSWER where no authority gives one, with each one's reason; STORE, BUSY. */
export async function askInTurn(
  { db, now, patience, settings: { roots, urls } }: AnchorWork,
  imprint: MessageImprint,
  check: (stamp: TimeStamp) => Promise<void>,
): Promise<Given> {
  const order = askingOrder(urls, await db.reading(authorityStates), now());
  const failed: Failed[] = [];
  const note = (gave?: string) => {
    const asking = { failed: failed.map(({ refusal, url }) => ({ url, reason: failureText(refusal) })), gave };
    return db.writing((sql) => noteAsking(sql, asking, now()));
  };
  let stamped: Stamped;
  try {
    stamped = await stampInTurn(order, imprint, roots, {
      check: async (stamp) => {
        checkNotAhead(stamp, now());
        await check(stamp);
      },
      ...(patience === undefined ? {} : { patience }),
      told: (one) => failed.push(one),
    });
  } catch (fault) {
    await note();
    throw fault;
  }
  await note(stamped.url);
  return { ...stamped, ends: await endOf(stamped.stamp, roots) };
}

/** A token of a time to come proves less than it could, and nobody knows whose clock is wrong. */
function checkNotAhead({ info }: TimeStamp, now: Utc): void {
  if (Date.parse(info.time) - (info.accuracy ?? 0) <= Date.parse(now) + mostAhead) return;
  throw new Refusal("TSA-ANSWER", "the token is of a time to come", { expected: `${now} or so`, got: info.time });
}

/** When the first certificate of the path ends. Refuses PATH-*. */
export async function endOf(stamp: TimeStamp, roots: readonly Uint8Array[]): Promise<Utc> {
  const path = await authorityPath(nodeHost, stamp, { roots, seen: undefined });
  return path.map(({ notAfter }) => notAfter).sort()[0] ?? stamp.certificate.notAfter;
}
