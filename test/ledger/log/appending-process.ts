/** `appending-process.ts LEDGER FROM`: appends records one batch after another and publishes them, until it is killed; says what is stored, after it is. */

import { openLedger } from "../../../ledger/ledger-folder.ts";
import { append } from "../../../ledger/log/append.ts";
import { takeOver, treeHead } from "../../../ledger/log/tree-head.ts";
import { placesOf } from "../../../ledger/publish/places.ts";
import { publish } from "../../../ledger/publish/publish.ts";
import { hex } from "../../../manifests/encoding/bytes.ts";
import { logKey, signedCheckpoint } from "../../manifests/log/log-keys.ts";
import { recordsFrom } from "../a-ledger.ts";

const [folder = "", from = "0"] = process.argv.slice(2);
const ledger = await openLedger(folder);
const epoch = await takeOver(ledger.db);
const key = await logKey(ledger.origin);
for (let next = Number(from), batch = 0; ; batch++) {
  const count = 1 + ((batch * 37) % 290);
  const places = await ledger.db.writing((sql) => append(sql, epoch, recordsFrom(next, count)));
  const lines = places.map(({ index, salt }, at) => `${next + at} ${index} ${hex(salt)}\n`);
  await new Promise((done) => process.stdout.write(lines.join(""), done));
  next += count;
  const head = await ledger.db.reading(treeHead);
  const checkpoint = signedCheckpoint({ origin: ledger.origin, ...head }, key);
  for (const place of placesOf(ledger)) await publish(ledger, place, checkpoint);
}
