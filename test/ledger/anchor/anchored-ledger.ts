/** A ledger with a box's bundles in it, and what asks authorities for their time. */

import { type AnchoredRound, anchorWaiting } from "../../../ledger/anchor/anchor-waiting.ts";
import type { AnchorWork } from "../../../ledger/anchor/ask.ts";
import { type QueueAnswer, queueAnswer } from "../../../ledger/anchor/queue.ts";
import { type AnchorSettings, changeSettings } from "../../../ledger/anchor/settings.ts";
import { type Utc, utcOf } from "../../../manifests/encoding/shape.ts";
import type { Bundle } from "../../bundle/build.ts";
import { outboxOf } from "../../bundle/chain.ts";
import { tsaRoot } from "../../pki/tsa.ts";
import { type TestLedger, testLedger } from "../ingest/on-real-ledger.ts";
import { tamper } from "../tampering.ts";

export interface AnchoredLedger extends TestLedger {
  /** the outbox of these */
  take(...bundles: readonly Bundle[]): Promise<void>;
  work(change?: Partial<AnchorSettings>, now?: Utc): Promise<AnchorWork>;
  /** rounds until nothing waits */
  anchor(urls: readonly string[], now?: Utc): Promise<readonly AnchoredRound[]>;
  queue(now?: Utc): Promise<QueueAnswer>;
  /** past all triggers */
  tamper(statement: string): void;
}

export async function anchoredLedger(genesis: string): Promise<AnchoredLedger> {
  const ledger = await testLedger();
  await ledger.enrol(genesis);
  const { db } = ledger.ledger;
  const work = async (change: Partial<AnchorSettings> = {}, now?: Utc): Promise<AnchorWork> => {
    const clock = () => now ?? utcOf(Date.now());
    const settings = await db.writing((sql) =>
      changeSettings(sql, { roots: [tsaRoot.certificate], ...change }, clock()),
    );
    return { db, settings, now: clock, patience: 1000 };
  };
  return {
    ...ledger,
    work,
    take: async (...bundles) => void (await ledger.ingest(outboxOf(bundles))),
    anchor: async (urls, now) => {
      const asking = await work({ urls }, now);
      const rounds: AnchoredRound[] = [];
      for (let one = await anchorWaiting(asking); one; one = await anchorWaiting(asking)) rounds.push(one);
      return rounds;
    },
    tamper: (statement) => tamper(ledger, statement),
    queue: (now = utcOf(Date.now())) => db.reading((sql) => queueAnswer(sql, now)),
  };
}
