/** What the daemon tells the journal: kept as its word, never as the signer's. */

import { type Box, now } from "./box.ts";
import { manifestOf } from "./receipt.ts";
import type { Reported } from "./reported.ts";

/** Journals that a manifest's receipt was released. Refuses with BATCH-UNKNOWN a number without manifest. Durable on return. */
export function released(box: Box, number: number, media: Reported): void {
  manifestOf(box, number);
  box.db.transaction(() => {
    box.record("released", { number, reported: media });
    box.db.prepare("INSERT INTO releases (number, time) VALUES (?, ?) ON CONFLICT DO NOTHING").run(number, now(box));
  })();
}

/** Journals what the daemon saw or did. Durable on return. */
export function noteReported(box: Box, kind: string, record: Reported): void {
  box.record("reported", { kind, reported: record });
}
