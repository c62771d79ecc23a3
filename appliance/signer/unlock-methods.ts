/** The unlock socket's methods, for the ceremony: the PIN comes only here, and never from the daemon. */

import { collect, type Handlers, type IncomingCall } from "../../host/wire.ts";
import { hex, utf8 } from "../../manifests/encoding/bytes.ts";
import { canonical, type Json } from "../../manifests/encoding/canonical-json.ts";
import { integer, object } from "../../manifests/encoding/shape.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { Box } from "./box.ts";
import type { JournalRow } from "./journal.ts";
import type { SealingWork } from "./seal-batch.ts";
import { statusOf } from "./status.ts";
import { verifyRecord } from "./verify-record.ts";

const maximumPin = 256;
const rowsAtOnce = 500;

const journalRange = object({ from: integer(1), limit: integer(1, 1_000_000) });

export function unlockMethods(box: Box, work: SealingWork): Handlers {
  return {
    unlock: async (_, call) => {
      await box.lockbox.unlock(await readPin(call));
      return { result: { token: box.hsm.serial, head: "agrees" } };
    },
    lock: async () => {
      await box.lockbox.lock("asked for");
      return { result: {} };
    },
    status: async () => ({ result: statusOf(box, work) }),
    journal: async (parameters) => {
      const { from, limit } = journalRange(parameters, "params");
      return { result: {}, body: journalLines(box, from, limit) };
    },
    "verify-journal": async () => {
      const { head, manifests } = verifyRecord(box.db, box.journal);
      return { result: { rows: head.sequence, head: hex(head.digest), manifests } };
    },
  };
}

/** The PIN in a buffer of its own; the pieces it came in are wiped. */
async function readPin(call: IncomingCall): Promise<Uint8Array> {
  const pin = await collect(wiping(call.body), maximumPin);
  if (pin.length === 0) throw new Refusal("PIN-WRONG", "no PIN was given");
  return pin;
}

async function* wiping(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const piece of body) {
    // slice() of a Buffer would be the same memory.
    yield new Uint8Array(piece);
    piece.fill(0);
  }
}

/** Journal rows as JSON lines: the members that are hashed, and the digest. */
function* journalLines(box: Box, from: number, limit: number): Generator<Uint8Array> {
  let next = from;
  for (let left = limit; left > 0; ) {
    const rows = box.journal.rows(next, Math.min(left, rowsAtOnce));
    if (rows.length === 0) return;
    yield utf8(rows.map((row) => `${canonical(line(row))}\n`).join(""));
    left -= rows.length;
    next = (rows.at(-1) as JournalRow).sequence + 1;
  }
}

function line({ sequence, previous, time, kind, record, digest }: JournalRow): Json {
  return { digest: hex(digest), kind, previous: hex(previous), record: JSON.parse(record) as Json, sequence, time };
}
